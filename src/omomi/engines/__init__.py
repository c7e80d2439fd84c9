"""L0: who computes the numbers. Knows no gradient."""
