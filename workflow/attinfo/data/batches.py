"""Texts -> padded batches of texts of (nearly) equal length."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from attinfo.data.texts import Texts


def batches(
    lengths: np.ndarray, size: int, rng: np.random.Generator | None = None
) -> Iterator[np.ndarray]:
    """Indices of the texts of each batch.

    A batch ends when it is full, or a quarter full where the length changes: a packed LSTM
    runs nearly twice as fast over texts of one length. With `rng` the texts of a length and the
    batches come in random order, without it both are sorted by length.
    """
    ties = rng.random(len(lengths)) if rng else np.arange(len(lengths))
    order = np.lexsort((ties, lengths))
    cuts = [0]
    for i in range(1, len(order)):
        held = i - cuts[-1]
        new_length = lengths[order[i]] != lengths[order[i - 1]]
        if held == size or (new_length and 4 * held >= size):
            cuts.append(i)
    groups = np.split(order, cuts[1:])
    turns = rng.permutation(len(groups)) if rng else range(len(groups))
    return (groups[turn] for turn in turns)


def pad(texts: Texts, chosen: np.ndarray, extra: int = 0) -> tuple[Tensor, Tensor]:
    """Token ids [B, T], padded with 0, and lengths [B] of the chosen texts."""
    lengths = texts.lengths[chosen]
    columns = np.arange(lengths.max() + extra)
    real = columns < lengths[:, None]
    ids = np.zeros(real.shape, dtype=np.int64)
    ids[real] = np.concatenate(
        [texts.token_ids[texts.offsets[i] : texts.offsets[i + 1]] for i in chosen]
    )
    return torch.from_numpy(ids), torch.from_numpy(lengths)
