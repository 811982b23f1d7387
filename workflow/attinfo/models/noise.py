"""Gumbel noise for the scores of a batch."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from attinfo.runtime.seeds import seed_of

Noise = Callable[[Tensor], Tensor]  # scores [B, T] -> K draws of noise [K, B, T]


def training_noise(generator: torch.Generator) -> Noise:
    """One draw for every token of a batch."""

    def draw(scores: Tensor) -> Tensor:
        # Drawn on the processor: the same stream whatever the device.
        drawn = torch.empty(scores.shape, dtype=scores.dtype).exponential_(generator=generator)
        return -drawn.log().unsqueeze(0).to(scores.device)

    return draw


def evaluation_noise(texts: np.ndarray, draws: int, seed: int) -> Noise:
    """`draws` draws for every token of the batch of these texts.

    What a token draws depends on `seed`, its text and its place alone, not on the batch: each text
    has a stream of its own, read place by place.

    Args:
        texts: [B] indices of the texts of the batch.
        draws: K >= 1.
        seed: names the streams.
    """

    def draw(scores: Tensor) -> Tensor:
        noise = np.empty((draws, *scores.shape))
        for row, text in enumerate(texts):
            rng = np.random.default_rng(seed_of("gumbel", seed, int(text)))
            noise[:, row] = rng.gumbel(size=(scores.shape[1], draws)).T
        return torch.from_numpy(noise).to(scores)

    return draw
