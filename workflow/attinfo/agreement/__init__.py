"""Rank agreement of attention with information and importance, within each text.

Weights are ordered by their scores, which have the same order and no ties from rounding. A text
without an order (constant attention, a single token) has no agreement: it is left out and counted,
never taken as zero.
"""
