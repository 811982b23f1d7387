"""Rollout of gradient times attention."""

from torch import Tensor

from attinfo.audit.reading import Reading


def gradient_attention(reading: Reading) -> Tensor:
    """[B, 1, P] the classifying token's row of R, where R starts as the identity and each layer
    adds A R, with A the mean over heads of the positive part of gradient x attention.

    Reference: Chefer, Gur & Wolf 2021, "Generic attention-model explainability", equations 5, 6.
    """
    if reading.slopes is None:
        raise ValueError("reading.slopes is None, expected gradients")
    row = reading.read
    for attention, slope in zip(reversed(reading.attention), reversed(reading.slopes), strict=True):
        row = row + (row[:, None] @ (attention * slope).clamp(min=0).mean(1))[:, 0]
    # The identity is not attention, and is taken off.
    return (row - reading.read)[:, None]
