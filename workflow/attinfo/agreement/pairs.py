"""Pairs of tokens of the same text, and their order."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

BLOCK = 4_000_000  # pairs of tokens in memory at once


class Pairs(NamedTuple):
    """Pairs of tokens i < j of the same text, as rows of the store, text by text."""

    first: np.ndarray
    second: np.ndarray
    text: np.ndarray


def pairs_of(offsets: np.ndarray) -> Iterator[Pairs]:
    """Yield all pairs of tokens within each text, in blocks of bounded size, short texts first."""
    lengths = np.diff(offsets)
    texts = np.argsort(lengths, kind="stable")
    block = np.cumsum((lengths * (lengths - 1) // 2)[texts]) // BLOCK
    for own in np.split(texts, np.flatnonzero(np.diff(block)) + 1):
        parts = [_within(own[lengths[own] == n], n, offsets) for n in np.unique(lengths[own])]
        pairs = Pairs(*map(np.concatenate, zip(*parts, strict=True)))
        if len(pairs.text):
            yield pairs


def _within(texts: np.ndarray, length: int, offsets: np.ndarray) -> Pairs:
    i, j = np.triu_indices(length, 1)
    start = offsets[:-1][texts, None]
    return Pairs((start + i).ravel(), (start + j).ravel(), np.repeat(texts, len(i)))


def order(values: np.ndarray, pairs: Pairs) -> np.ndarray:
    """[pairs] 1 if the first token has the larger value, -1 if the second has, 0 in a tie."""
    values = values.astype(np.float64)
    return np.sign(values[pairs.first] - values[pairs.second]).astype(np.int8)


def of_one_length(
    offsets: np.ndarray, most: float = np.inf
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield texts of one length [t] and the rows of their tokens [t, n], short texts first.

    Args:
        offsets: [texts + 1].
        most: numbers t n^2 at a time, or one text.
    """
    yield from _of_one_length(offsets.astype(np.int64).tobytes(), most)


@lru_cache(maxsize=4)  # a run's measures, a dozen or more, are all sorted within the same texts
def _of_one_length(offsets: bytes, most: float) -> list[tuple[np.ndarray, np.ndarray]]:
    bounds = np.frombuffer(offsets, np.int64)
    lengths, found = np.diff(bounds), []
    for n in np.unique(lengths).tolist():
        texts = np.flatnonzero(lengths == n)
        step = len(texts) if most == np.inf else max(1, int(most) // n**2)
        for start in range(0, len(texts), step):
            own = texts[start : start + step]
            found.append((own, bounds[own, None] + np.arange(n)))
    return found


def sorted_within(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[tokens] the tokens sorted by text, then by rising value, then as they stand in the text."""
    order = np.empty(len(values), np.int64)
    for _, rows in of_one_length(offsets):
        order[rows] = rows[:, :1] + np.argsort(values[rows], axis=1, kind="stable")
    return order


def text_of(offsets: np.ndarray) -> np.ndarray:
    """[tokens] the text of each token."""
    lengths = np.diff(offsets)
    return np.repeat(np.arange(len(lengths)), lengths)
