"""Attention rollout."""

from torch import Tensor

from attinfo.audit.reading import Reading


def rollout(reading: Reading) -> Tensor:
    """[B, 1, P] the classifying token's row of the product of (mean head + identity) / 2.

    Only one row of the product is needed, so the multiplication starts at the last layer.

    Reference: Abnar & Zuidema 2020, "Quantifying attention flow in transformers", section 3.
    """
    row = reading.read
    for attention in reversed(reading.attention):
        row = (row + (row[:, None] @ attention.mean(1))[:, 0]) / 2
    return row[:, None]
