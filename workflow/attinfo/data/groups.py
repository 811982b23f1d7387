"""Texts that belong together: texts of one group, such as an author, and texts of equal tokens."""

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from attinfo.data.texts import Texts

FOLDS = 5  # of every cross-fitting; each needs a group of its own


def long_enough(lengths: np.ndarray, count: int, min_texts: int) -> tuple[int, np.ndarray]:
    """How many positions, or ranks, are analysed, and which texts are long enough for all of them.

    Args:
        lengths: [texts] number of tokens of each text.
        count: the most positions or ranks.
        min_texts: texts that a unit must have.

    Returns:
        The number of units, and [texts] bool.
    """
    units = int(((lengths >= np.arange(1, count + 1)[:, None]).sum(1) >= min_texts).sum())
    return units, lengths >= units


def groups_of_units(
    texts: "Texts", group: np.ndarray, counts: Mapping[str, int], min_texts: int
) -> dict[str, int]:
    """How many groups the texts of each index of units are of, see `joined`.

    Args:
        texts: of the analysed split.
        group: [texts] number of the group of each text.
        counts: index -> the most positions or ranks.
        min_texts: texts that a unit must have.

    Returns:
        Index -> number of groups, and that of all texts for the index `instance`. An index
        without any unit is left out.
    """
    found = {"instance": np.arange(len(texts))}
    for index, count in counts.items():
        units, enough = long_enough(texts.lengths, count, min_texts)
        if units:
            found[index] = np.flatnonzero(enough)
    copy = copies(texts.token_ids, texts.offsets)
    return {index: len(np.unique(joined(copy, members, group))) for index, members in found.items()}


def copies(token_ids: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[texts] int64 numbers, from 0: the same number for texts of the same tokens.

    Args:
        token_ids: [tokens] of all texts.
        offsets: [texts + 1] first token of each text, then the number of tokens.
    """
    number: dict[bytes, int] = {}
    tokens = np.ascontiguousarray(token_ids)
    bounds = pairwise(offsets)
    numbers = [number.setdefault(tokens[a:b].tobytes(), len(number)) for a, b in bounds]
    return np.array(numbers, dtype=np.int64)


def joined(copy: np.ndarray, texts: np.ndarray, group: np.ndarray | None = None) -> np.ndarray:
    """Numbers of the sets of texts that belong together.

    Two texts belong together if they have the same tokens or the same group, or if a chain of such
    pairs, all of them among `texts`, leads from one to the other.

    Args:
        copy: [all texts] of `copies`.
        texts: which texts.
        group: [all texts] number of the group of each text; None without groups.

    Returns:
        [texts] int64 numbers from 0, in the order in which the sets occur.
    """
    same = _in_order(copy[texts])
    if group is None:
        return same
    # Here: most data sets have no groups, and this import takes a tenth of a second.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, own = np.unique(group[texts], return_inverse=True)
    number = int(same.max(initial=-1)) + 1
    n = number + int(own.max(initial=-1)) + 1
    links = coo_array((np.ones(len(texts)), (same, number + own)), shape=(n, n))
    return _in_order(connected_components(links, directed=False)[1][same])


def _in_order(numbers: np.ndarray) -> np.ndarray:
    """The same sets with numbers from 0, in the order in which they occur."""
    _, first, part = np.unique(numbers, return_index=True, return_inverse=True)
    return first.argsort().argsort()[part].astype(np.int64)
