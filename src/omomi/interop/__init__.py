"""L6: Omomi beside other libraries. Each is imported only in the package that wraps it."""
