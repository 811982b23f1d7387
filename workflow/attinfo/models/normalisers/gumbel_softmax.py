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

    Jang et al. 2017; Maddison et al. 2017. Padding is -inf before the noise is added, so it stays
    at weight zero. Weights are the mean over the draws that `noise` makes.

    With `hard` all weight goes to the token of the largest noisy score, while the gradient is that
    of the soft weights (straight-through, Bengio et al. 2013). `draws` is for whoever evaluates
    the model, which makes the noise: 0 for none, else how many draws of `evaluation_noise`.
    """
    noisy = scores if noise is None else scores + noise(scores)
    weights = softmax(noisy, temperature, None)
    if hard:
        largest = torch.zeros_like(weights).scatter(-1, noisy.argmax(-1, keepdim=True), 1.0)
        weights = largest + (weights - weights.detach())  # the bracket is exactly zero
    return weights if noise is None else weights.mean(0)
