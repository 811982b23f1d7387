"""Importance of each word to a transformer's prediction, one file for each measure."""
