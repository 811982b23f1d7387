"""Scores without the -inf of padding, for normalisers that cannot take it."""

from torch import Tensor


def finite(scores: Tensor) -> Tensor:
    """Scores that give the same weights, but spare entmax the -inf that it squares to NaN.

    A token 1 (sparsemax) or 2 (1.5-entmax) below the largest score has weight and gradient zero
    however far below it is.
    """
    return scores.clamp(min=scores.detach().amax(-1, keepdim=True) - 3)
