"""Scorers: hidden states to attention scores, one file each."""
