"""Counts along lists of neighbours, by a compiled loop: what `knn` does step by step in torch.

To import numba and to compile takes almost two seconds, so this is imported where it saves more.
"""

from collections.abc import Callable

import numba
import numpy as np
import torch
from torch import Tensor


@numba.njit(nogil=True)
def _of_label(labels: np.ndarray, c: int, atom: int, column: int) -> int:
    return labels[atom, column] == c


@numba.njit(nogil=True)
def _among(members: np.ndarray, c: int, atom: int, column: int) -> int:
    return members[c, atom, column]


@numba.njit(nogil=True)
def _walk(
    near: np.ndarray,
    distance: np.ndarray,
    own: np.ndarray,
    size: np.ndarray,
    peers: Callable[[np.ndarray, int, int, int], int],
    members: np.ndarray,
    asked: np.ndarray,
    k: np.ndarray,
    whole: bool,
    same: np.ndarray,
    everyone: np.ndarray,
    done: np.ndarray,
) -> None:
    """See `walk`."""
    length, columns = near.shape[1], asked.shape[1]
    for row in range(len(near)):
        going = np.ones(columns, np.int32)
        for place in range(length):
            atom = near[row, place]
            mine = atom == own[row]
            last = place == length - 1
            ends = whole if last else distance[row, place + 1] > distance[row, place]
            left = 0
            for c in range(columns):
                found = peers(members, asked[row, c], atom, c) - mine
                same[row, c] += going[c] * found
                everyone[row, c] += going[c] * (size[atom] - mine)
                going[c] *= not (ends and same[row, c] >= k[row, c])
                left += going[c]
            if left == 0:
                break
        for c in range(columns):
            done[row, c] = going[c] == 0


def walk(
    near: Tensor,
    distance: Tensor,
    own: Tensor,
    size: Tensor,
    members: Tensor,
    asked: Tensor,
    k: Tensor,
    whole: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """k_i, m_i and whether they are sure, [Q, P] each, along lists of neighbours.

    Args:
        near: [Q, L] nearest first, `distance`: [Q, L], `whole`: none is farther than these.
        own: [Q] the reference of the query's own text, which is not counted.
        size: [A] states of each reference.
        members: [C, A, P] of these those of each class, or [A, P] the class, if each has but one.
        asked: [Q, P] the class of the query, `k`: [Q, P] how many of it are to be counted.
    """
    same, everyone = torch.zeros_like(asked), torch.zeros_like(asked)
    done = torch.empty_like(asked, dtype=torch.bool)
    peers = _of_label if members.dim() == 2 else _among
    lists = [part.numpy() for part in (near, distance, own, size)]
    about = [part.numpy() for part in (members, asked, k)]
    found = [part.numpy() for part in (same, everyone, done)]
    _walk(*lists, peers, *about, whole, *found)
    return same, everyone, done
