"""Softmax at a temperature."""

from torch import Tensor

from attinfo.models.noise import Noise


def softmax(scores: Tensor, temperature: float, noise: Noise | None) -> Tensor:
    """Softmax of score / temperature. A config sets the temperature as in `softmax@0.5`.

    Args:
        scores: [B, T], -inf at padding.
        temperature: above 0.
        noise: not used.

    Returns:
        [B, T] weights.
    """
    return (scores / temperature).softmax(-1)
