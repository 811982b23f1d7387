"""Counts along lists of neighbours by a compiled loop. `counts` has the same computation in torch.

The import of numba and the compilation take almost two seconds. So this file is imported only where
it saves more time.
"""

import numba
import numpy as np
from torch import Tensor


@numba.njit(nogil=True)
def _walk(
    near: np.ndarray,
    ends: np.ndarray,
    own: np.ndarray,
    size: np.ndarray,
    members: np.ndarray,
    single: bool,
    asked: np.ndarray,
    k: np.ndarray,
    same: np.ndarray,
    everyone: np.ndarray,
    done: np.ndarray,
) -> None:
    """See `counts.walk`; `members` is [1, A, P] classes where `single`."""
    length, columns = near.shape[1], asked.shape[1]
    for row in range(len(near)):
        going = np.ones(columns, np.int32)
        for place in range(length):
            atom = near[row, place]
            mine = atom == own[row]
            left = 0
            for c in range(columns):
                if single:
                    found = (members[0, atom, c] == asked[row, c]) - mine
                else:
                    found = members[asked[row, c], atom, c] - mine
                same[row, c] += going[c] * found
                everyone[row, c] += going[c] * (size[atom] - mine)
                going[c] *= not (ends[row, place] and same[row, c] >= k[row, c])
                left += going[c]
            if left == 0:
                break
        for c in range(columns):
            done[row, c] = going[c] == 0


def walk(
    near: Tensor,
    ends: Tensor,
    own: Tensor,
    size: Tensor,
    members: Tensor,
    asked: Tensor,
    k: Tensor,
    counts: tuple[Tensor, Tensor, Tensor],
) -> None:
    """Fill in `counts`, see `counts.walk`."""
    single = members.dim() == 2
    same, everyone, done = (part.numpy() for part in counts)
    classes = (members[None] if single else members).numpy()
    lists = near.numpy(), ends.numpy()
    asking = asked.numpy(), k.numpy()
    _walk(*lists, own.numpy(), size.numpy(), classes, single, *asking, same, everyone, done)
