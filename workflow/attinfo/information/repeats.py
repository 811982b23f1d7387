"""States that repeat, exactly or but for rounding, and whether they are copies of one row.

A row that is copied, state and output, is on both sides of a fold: a probe then recognises it, and
noise looks like information. So copies are counted once. But states may repeat although the rows
are independent, as the states of a word without context do in many texts; their outputs then
differ, and the information in the word is what is asked.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
import torch
from torch import Tensor

from attinfo.information.estimators.features import standardised
from attinfo.information.neighbors.search import distinct

NEAR = 1e-5  # of a typical distance between standardised states: what is nearer is the same
AHEAD = 8  # states, in the order of a projection, that each is compared with
COPIES = 0.9  # agreement of outputs (Cohen's kappa) from which repeats are copies
MANY = 0.05  # share of states that repeat another, from which the estimate is flagged


@dataclass(frozen=True)
class Repeats:
    """The states that are the same.

    Attributes:
        number: [n] int64 number of each state, from 0; the same for states that are the same.
        share: of the states that repeat another, 0 where none do.
    """

    number: Tensor
    share: float

    def copies(self, output: Tensor, fewest: int) -> tuple[Tensor, Tensor] | tuple[None, None]:
        """Which rows are copies: of each row the place of its own, and the row at each place.

        Rows are copies of one where they have the same state and output, if hardly any states that
        are the same have different outputs. With few different rows the states are rather symbols
        that occur often, and nothing is taken for a copy.

        Args:
            output: [n] int64 classes or [n, c] float64 values.
            fewest: different rows.

        Returns:
            [n] places, [m] rows; or None and None where no row is a copy.
        """
        _, code = output.unique(dim=0, return_inverse=True)
        size = self.number.bincount().double()
        pairs = float((size * (size - 1)).sum())
        if not pairs:
            return None, None
        both = self.number * (int(code.max()) + 1) + code
        _, place, alike = torch.unique(both, return_inverse=True, return_counts=True)
        agreement = float((alike.double() * (alike - 1)).sum()) / pairs
        count = code.bincount().double()
        chance = float((count * (count - 1)).sum()) / (len(code) * (len(code) - 1))
        if len(alike) < fewest or chance == 1 or (agreement - chance) / (1 - chance) < COPIES:
            return None, None
        rows = torch.full_like(alike, len(code))
        order = torch.arange(len(code), device=code.device)
        rows.scatter_reduce_(0, place, order, "amin")
        # In the order of the rows, so that their order decides all that is drawn.
        rows, turn = rows.sort()
        return turn.argsort()[place], rows


def repeats(states: Tensor) -> Repeats:
    """Which of the states [n, d] are the same, exactly or but for rounding."""
    number = distinct(states.double())[1].cpu()
    number = _first_of_each(number)
    features = standardised(states).cpu().numpy()
    if features.shape[1] > 1:  # along a line states may be near by chance
        number = _merged(number, features)
    share = 1 - (int(number.max()) + 1) / len(number)
    return Repeats(number.to(states.device), share)


def _first_of_each(number: Tensor) -> Tensor:
    """The same numbers from 0 without a gap."""
    return torch.unique(number, return_inverse=True)[1]


def _merged(number: Tensor, features: np.ndarray) -> Tensor:
    """The numbers, those of states that are nearly the same made one."""
    n, d = features.shape
    line = np.random.default_rng(0).normal(size=d)
    along = features @ (line / np.linalg.norm(line))
    order = np.argsort(along, kind="stable")
    along, limit = along[order], NEAR * np.sqrt(2 * d)
    pairs = []
    for ahead in range(1, min(AHEAD, n - 1) + 1):
        # States are at least as far apart as their projections.
        place = np.flatnonzero(along[ahead:] - along[:-ahead] <= limit)
        one, other = order[place], order[place + ahead]
        apart = np.linalg.norm(features[one] - features[other], axis=1)
        pairs.append(np.stack([one, other])[:, apart <= limit])
    one, other = number.numpy()[np.concatenate(pairs, 1)]
    count = int(number.max()) + 1
    links = coo_array((np.ones(len(one)), (one, other)), shape=(count, count))
    merged = connected_components(links, directed=False)[1]
    return torch.from_numpy(merged.astype(np.int64))[number]
