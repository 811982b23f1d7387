"""The page a reader opens first, and what stands beside it: strips of tokens, LaTeX tables."""
