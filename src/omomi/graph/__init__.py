"""L2: the computational graph: Variable, Node, backpropagation, hooks, and functions (typed calls of rules)."""
