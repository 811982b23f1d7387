"""Sparsemax (Martins & Astudillo 2016)."""

import entmax
from torch import Tensor

from attinfo.models.noise import Noise
from attinfo.models.normalisers.finite import finite


def sparsemax(scores: Tensor, temperature: float, noise: Noise | None) -> Tensor:
    """Sparsemax of score / temperature: weights may be exactly zero (Martins & Astudillo 2016).

    Args:
        scores: [B, T], -inf at padding.
        temperature: above 0.
        noise: not used.

    Returns:
        [B, T] weights.
    """
    return entmax.sparsemax(finite(scores / temperature), dim=-1)
