"""1.5-entmax (Peters et al. 2019)."""

import entmax
from torch import Tensor

from attinfo.models.noise import Noise
from attinfo.models.normalisers.finite import finite


def entmax15(scores: Tensor, temperature: float, noise: Noise | None) -> Tensor:
    """1.5-entmax of score / temperature: between softmax and sparsemax (Peters et al. 2019).

    Args:
        scores: [B, T], -inf at padding.
        temperature: above 0.
        noise: not used.

    Returns:
        [B, T] weights.
    """
    return entmax.entmax15(finite(scores / temperature), dim=-1)
