"""L6: looking inside: gradient check and pictures."""
