"""Repeated states, equal exactly or up to rounding, and whether they are copies of one row.

A copy of a row (state and output) may be outside a fold while the row is inside. A probe then
recognises the row, and noise looks like information. So copies are counted once. But states may
also repeat in independent rows: without context, the states of a word are equal in all texts. Their
outputs differ, and the estimate is the information in the word.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
import torch
from torch import Tensor

from attinfo.information.estimators.features import standardised
from attinfo.information.neighbors.search import distinct

# Share of a typical distance between standardised states: what is nearer is the same. In few
# dimensions states may be near by chance.
NEAR, NEAR_IN_FEW, FEW = 1e-3, 1e-5, 8
PAIRS = 50  # near pairs for each state, from which nearness says nothing: most are near many
COPIES = 0.9  # agreement of outputs (Cohen's kappa) from which repeats are copies


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
    different, number = distinct(states.double())
    count = len(different)
    # As numbers from 0, and the row of one state of each.
    first = torch.full((count,), len(number), device=number.device)
    first.scatter_reduce_(0, number, torch.arange(len(number), device=number.device), "amin")
    features = standardised(states)[first].cpu().numpy()
    if features.shape[1] > 1:  # along a line states are near by chance
        merged = torch.from_numpy(_merged(features)).to(number.device)
        number, count = merged[number], int(merged.max()) + 1
    return Repeats(number, 1 - count / len(number))


def _merged(features: np.ndarray) -> np.ndarray:
    """[m] number of each of m different states, the same for those that are nearly the same.

    Args:
        features: [m, d] standardised.
    """
    n, d = features.shape
    limit = (NEAR if d >= FEW else NEAR_IN_FEW) * np.sqrt(2 * d)
    # States are at least as far apart as their projections, which a tree compares quickly.
    directions = np.linalg.qr(np.random.default_rng(0).normal(size=(d, min(d, FEW))))[0]
    tree = cKDTree(features @ directions)
    alone = np.arange(n)
    if tree.count_neighbors(tree, limit) > PAIRS * n:
        return alone
    one, other = tree.query_pairs(limit, output_type="ndarray").T
    near = np.linalg.norm(features[one] - features[other], axis=1) <= limit
    links = coo_array((np.ones(near.sum()), (one[near], other[near])), shape=(n, n))
    return connected_components(links, directed=False)[1].astype(np.int64)
