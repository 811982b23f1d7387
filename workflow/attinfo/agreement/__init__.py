"""Rank agreement of attention with information and importance, within each text.

Weights are compared by the scores they come from, which order them in the same way and do not
round to ties. What has no order (constant attention, a single token) is undefined: excluded and
counted, never zero.
"""
