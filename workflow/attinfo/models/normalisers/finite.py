"""Finite scores at padding, for normalisers that cannot read -inf."""

from torch import Tensor


def finite(scores: Tensor) -> Tensor:
    """Raise very low scores, -inf at padding among them, without changing the weights.

    The package `entmax` squares scores, so that -inf would become NaN. A token whose score is 1
    (sparsemax) or 2 (1.5-entmax) or more below the largest has weight and gradient zero, so
    scores are raised to 3 below the largest.

    Args:
        scores: [B, T] scores over temperature.

    Returns:
        [B, T] finite scores.
    """
    return scores.clamp(min=scores.detach().amax(-1, keepdim=True) - 3)
