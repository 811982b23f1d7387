"""Descriptions of the building blocks that a config can name: one file for each kind, no torch."""
