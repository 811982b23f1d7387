"""Normalisers: attention scores to weights, one file each."""
