"""Gumbel noise for the attention scores of a batch (Jang et al. 2017; Maddison et al. 2017)."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from attinfo.runtime.seeds import seed_of

Noise = Callable[[Tensor], Tensor]  # scores [B, T] -> K draws of noise [K, B, T]


def training_noise(generator: torch.Generator) -> Noise:
    """Noise for training: one draw for each token of a batch.

    Args:
        generator: the random stream, on the processor; each call advances it.
    """

    def draw(scores: Tensor) -> Tensor:
        # Drawn on the processor, so that the stream is the same on every device.
        drawn = torch.empty(scores.shape, dtype=scores.dtype).exponential_(generator=generator)
        return -drawn.log().unsqueeze(0).to(scores.device)

    return draw


def evaluation_noise(texts: np.ndarray, draws: int, seed: int) -> Noise:
    """Noise for evaluation: several draws for each token, the same in every batch.

    The noise of a token depends only on `seed`, on its text and on its position. Each text has a
    random stream of its own, which is read position by position.

    Args:
        texts: [B] indices of the texts of the batch.
        draws: number of draws, K >= 1.
        seed: seed of the run.
    """

    def draw(scores: Tensor) -> Tensor:
        noise = np.empty((draws, *scores.shape))
        for row, text in enumerate(texts):
            rng = np.random.default_rng(seed_of("gumbel", seed, int(text)))
            noise[:, row] = rng.gumbel(size=(scores.shape[1], draws)).T
        return torch.from_numpy(noise).to(scores)

    return draw
