"""Gumbel-softmax (Jang et al. 2017; Maddison et al. 2017)."""

import torch
from torch import Tensor

from attinfo.models.noise import Noise
from attinfo.models.normalisers.softmax import softmax


def gumbel_softmax(
    scores: Tensor,
    temperature: float,
    noise: Noise | None,
    *,
    hard: bool = False,
    draws: int = 0,
) -> Tensor:
    """Softmax of (score + Gumbel noise) / temperature in training, without noise at evaluation.

    The weights are the mean over the draws of the noise. Padding has score -inf with or without
    noise, so its weight is zero.

    Args:
        scores: [B, T], -inf at padding.
        temperature: above 0.
        noise: scores [B, T] -> K draws of noise [K, B, T], or None for no noise.
        hard: give all weight to the token with the largest noisy score. The gradient is that of
            the soft weights (straight-through, Bengio et al. 2013).
        draws: number of draws at evaluation, 0 for none. It is not used here: the caller makes
            `noise` from it, see `noise.evaluation_noise`.

    Returns:
        [B, T] weights.

    Reference: Jang et al. 2017; Maddison et al. 2017.
    """
    noisy = scores if noise is None else scores + noise(scores)
    weights = softmax(noisy, temperature, None)
    if hard:
        largest = torch.zeros_like(weights).scatter(-1, noisy.argmax(-1, keepdim=True), 1.0)
        weights = largest + (weights - weights.detach())  # the value of the bracket is zero
    return weights if noise is None else weights.mean(0)
