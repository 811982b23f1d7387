"""Intervals, ranks and variance components over seeds and texts."""
