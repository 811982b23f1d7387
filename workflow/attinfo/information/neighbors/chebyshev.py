"""Chebyshev distances, the largest difference of any coordinate, by a compiled loop.

`torch.cdist` computes these distances at a tenth of the speed. The loop is compiled at import,
which takes almost a second. So this file is imported only for this metric.
"""

from collections.abc import Callable

import numba
import numpy as np
from torch import Tensor
from torch.nn.functional import pad

TILE = 256  # references at a time: with four queries they stay in the fastest cache


@numba.njit(
    "void(float32[:, ::1], float32[:, :, ::1], float32[:, ::1], float32[::1])",
    nogil=True,
    fastmath=True,
)
def _fill(query: np.ndarray, tiles: np.ndarray, distance: np.ndarray, held: np.ndarray) -> None:
    """Distances [Q, R] of queries [Q, d] to references by coordinate [R / TILE, d, TILE].

    Four queries and four coordinates at a time, so that each number loaded is used four times.
    Queries may be added to the Q, so that they are 4, 8, ... as coordinates are. What is found is
    `held` [4 * TILE] in one piece, or the loop over references is not vectorised; and it is
    copied by a loop, as array assignment takes longer to compile than all the rest.
    """
    one, two = held[:TILE], held[TILE : 2 * TILE]
    three, four = held[2 * TILE : 3 * TILE], held[3 * TILE :]
    for start in range(0, distance.shape[1], TILE):
        tile, width = tiles[start // TILE], min(TILE, distance.shape[1] - start)
        for i in range(0, len(query), 4):
            held[:] = 0
            for c in range(0, len(tile), 4):
                a0, a1, a2, a3 = query[i, c], query[i, c + 1], query[i, c + 2], query[i, c + 3]
                i1, i2, i3 = i + 1, i + 2, i + 3
                b0, b1, b2, b3 = query[i1, c], query[i1, c + 1], query[i1, c + 2], query[i1, c + 3]
                e0, e1, e2, e3 = query[i2, c], query[i2, c + 1], query[i2, c + 2], query[i2, c + 3]
                f0, f1, f2, f3 = query[i3, c], query[i3, c + 1], query[i3, c + 2], query[i3, c + 3]
                ps, qs, rs, ss = tile[c], tile[c + 1], tile[c + 2], tile[c + 3]
                for j in range(TILE):
                    p, q, r, s = ps[j], qs[j], rs[j], ss[j]
                    a = max(max(abs(a0 - p), abs(a1 - q)), max(abs(a2 - r), abs(a3 - s)))
                    b = max(max(abs(b0 - p), abs(b1 - q)), max(abs(b2 - r), abs(b3 - s)))
                    e = max(max(abs(e0 - p), abs(e1 - q)), max(abs(e2 - r), abs(e3 - s)))
                    f = max(max(abs(f0 - p), abs(f1 - q)), max(abs(f2 - r), abs(f3 - s)))
                    one[j], two[j] = max(one[j], a), max(two[j], b)
                    three[j], four[j] = max(three[j], e), max(four[j], f)
            for m in range(min(4, len(distance) - i)):
                to, found = distance[i + m, start : start + width], held[m * TILE : (m + 1) * TILE]
                for j in range(len(to)):
                    to[j] = found[j]


def distances_to(reference: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """From queries [Q, d], and where to put them [>= Q, R], to distances [Q, R] to references."""
    more = -reference.shape[1] % 4  # coordinates in which nothing differs
    padded = pad(reference, (0, more, 0, -len(reference) % TILE))
    tiles = padded.unflatten(0, (-1, TILE)).mT.contiguous().numpy()

    def distances(query: Tensor, held: Tensor) -> Tensor:
        asked, distance = pad(query, (0, more, 0, -len(query) % 4)), held[: len(query)]
        _fill(asked.numpy(), tiles, distance.numpy(), np.empty(4 * TILE, np.float32))
        return distance

    return distances
