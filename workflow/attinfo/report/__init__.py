"""The page of a study, with its strips of words and its LaTeX tables."""
