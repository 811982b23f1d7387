"""A screen of neighbours by products in bfloat16, for many states."""
