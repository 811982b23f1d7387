"""The figures, one file for each family."""
