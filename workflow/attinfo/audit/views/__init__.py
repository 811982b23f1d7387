"""Attention views: one weight for each word. Each view has a file."""
