"""Measures of the importance of each word for a transformer's prediction. Each has a file."""
