"""L4: the step, the loop, optimisers, losses, metrics, callbacks, batches. Knows a model only as a Protocol."""
