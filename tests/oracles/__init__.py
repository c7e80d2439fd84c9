"""What other libraries compute, kept as small files, and the scripts that write them."""
