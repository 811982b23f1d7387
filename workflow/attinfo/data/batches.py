"""Texts -> padded batches of texts of (nearly) equal length."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from attinfo.data.subwords import Pieces
from attinfo.data.texts import Texts


class PieceBatch(NamedTuple):
    """The windows of the texts of a batch below each other, the shorter ones padded."""

    ids: Tensor  # [W, P] int64, 0 at padding
    real: Tensor  # [W, P] int64, 0 at padding, else 1
    piece: Tensor  # [overlaps] place of the subword in the flat [W P]
    token: Tensor  # [overlaps] place of the token that it overlaps in the flat [B T]

    def to(self, device: torch.device) -> "PieceBatch":
        """The same on a device."""
        return PieceBatch(*(part.to(device) for part in self))


class Batch(NamedTuple):
    """Texts side by side, the shorter ones padded."""

    token_ids: Tensor  # [B, T] int64, 0 at padding
    lengths: Tensor  # [B] int64, >= 1
    pieces: PieceBatch | None = None  # where the texts have them
    features: Tensor | None = None  # [B, T, F] where the texts have them, 0 at padding
    queries: Tensor | None = None  # [B, Q] int64 token ids of the second texts, 0 at padding
    query_lengths: Tensor | None = None  # [B] int64, >= 1

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        return Batch(*(None if part is None else part.to(device) for part in self))


def batches(
    lengths: np.ndarray, size: int, rng: np.random.Generator | None = None
) -> Iterator[np.ndarray]:
    """Indices of the texts of each batch.

    A batch ends when it is full, or a quarter full where the length changes, so that little of it
    is padding. With `rng` the texts of a length and the batches come in random order, without it
    both are sorted by length.
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


def ranges(offsets: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """What a ragged array holds of the chosen: offsets[i]:offsets[i + 1] for each of them."""
    first, size = offsets[chosen], offsets[chosen + 1] - offsets[chosen]
    end = size.cumsum()
    return np.arange(size.sum()) + np.repeat(first - end + size, size)


def pad(texts: Texts, chosen: np.ndarray, extra: int = 0) -> Batch:
    """The chosen texts as a batch, with `extra` columns of padding."""
    lengths = texts.lengths[chosen]
    columns = np.arange(lengths.max() + extra)
    real = columns < lengths[:, None]
    tokens = ranges(texts.offsets, chosen)
    ids = np.zeros(real.shape, dtype=np.int64)
    ids[real] = texts.token_ids[tokens]
    features = None
    if texts.features is not None:
        padded = np.zeros((*real.shape, texts.features.shape[1]), np.float32)
        padded[real] = texts.features[tokens]
        features = torch.from_numpy(padded)
    pieces = None if texts.pieces is None else _pad_pieces(texts.pieces, chosen, len(columns))
    batch = Batch(torch.from_numpy(ids), torch.from_numpy(lengths), pieces, features)
    if texts.queries is None:
        return batch
    own = texts.queries.of(chosen)
    counts = np.diff(own.offsets)
    held = np.arange(counts.max()) < counts[:, None]
    queries = np.zeros(held.shape, dtype=np.int64)
    queries[held] = own.token_ids
    return batch._replace(queries=torch.from_numpy(queries), query_lengths=torch.from_numpy(counts))


def _pad_pieces(pieces: Pieces, chosen: np.ndarray, columns: int) -> PieceBatch:
    """The subwords of the chosen texts, whose tokens are padded to a number of columns."""
    windows = ranges(pieces.windows, chosen)
    lengths = np.diff(pieces.offsets)[windows]
    real = np.arange(lengths.max()) < lengths[:, None]
    ids = np.zeros(real.shape, dtype=np.int64)
    ids[real] = pieces.ids[ranges(pieces.offsets, windows)]
    overlaps = ranges(pieces.overlaps, windows)
    window = np.repeat(np.arange(len(windows)), np.diff(pieces.overlaps)[windows])
    text = np.repeat(np.arange(len(chosen)), np.diff(pieces.windows)[chosen])[window]
    flat = (
        window * real.shape[1] + pieces.piece[overlaps],
        text * columns + pieces.token[overlaps],
    )
    return PieceBatch(*map(torch.from_numpy, (ids, real.astype(np.int64), *flat)))
