"""Nearest-neighbour information between a score of the states and a continuous output.

Kraskov, Stögbauer & Grassberger (2004), their first estimator: psi(k) + psi(N) - <psi(n_x + 1)> -
<psi(n_y + 1)>, where n_x and n_y count the points nearer, in x and in y alone, than the k-th
neighbour is in the larger of both distances. Between the states themselves and the output it
finds little, as in many dimensions all distances are alike; so x is the cross-fitted ridge score
of the state, and the dependence of y on it may have any form.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch

from attinfo.information.estimators.features import standardised
from attinfo.information.estimators.normal_errors import target_of
from attinfo.information.estimators.probes import RidgeProbes, ledoit_wolf
from attinfo.information.sample import Measured, Sample
from attinfo.option_types import Count

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

TIED = 1e-12  # what is nearer is the same

Points = tuple[np.ndarray, np.ndarray]  # x [n, a] and y [n, b]


def _tree(points: np.ndarray) -> "cKDTree":
    from scipy.spatial import cKDTree  # half a second in every job that estimates anything

    return cKDTree(points)


def _nearer(
    query: np.ndarray, points: np.ndarray, own: np.ndarray, radius: np.ndarray
) -> np.ndarray:
    """[Q] how many points but the own one are nearer than the radius, in the largest coordinate."""
    below = np.nextafter(radius, 0)
    count = _tree(points).query_ball_point(query, below, p=np.inf, return_length=True)
    return count - (np.abs(query - points[own]).max(1) <= below)


def kraskov(query: Points, points: Points, own: np.ndarray, neighbours: int) -> np.ndarray:
    """[Q] pointwise values, in nats, of queries among the points.

    Points that are tied with the query in x and y count as neighbours, however many they are.

    Args:
        own: [Q] the point of the query's own text, which is not counted.
        neighbours: k.
    """
    n = len(points[0])
    asked, there = np.concatenate(query, 1), np.concatenate(points, 1)
    distance, near = _tree(there).query(asked, min(neighbours + 1, n), p=np.inf)
    distance[near == own[:, None]] = np.inf
    distance.sort(1)
    radius = distance[:, distance.shape[1] - 2].clip(TIED)
    k = np.maximum(_nearer(asked, there, own, radius), min(neighbours, n - 1))
    in_x, in_y = (_nearer(q, p, own, radius) for q, p in zip(query, points, strict=True))
    psi = torch.digamma(torch.arange(n + 1, dtype=torch.float64)).numpy()
    return psi[k] + psi[n] - psi[in_x + 1] - psi[in_y + 1]


def ksg_on_score(sample: Sample, *, neighbours: Count = 3) -> Measured:
    """Nearest neighbours (Kraskov et al. 2004) of the cross-fitted ridge score and the output.

    Where a text has several states, each is compared with one reference state of every other
    text, as states of one text share the output. The null is then taken over the reference states
    alone, so it is a little wider than the estimate's own.
    """
    hidden = standardised(sample.hidden)
    target = target_of(sample)
    probes = RidgeProbes(hidden, target, sample.members, (ledoit_wolf(hidden),))
    score = torch.empty_like(target)
    for fold, rows in enumerate(sample.members):
        score[:, rows] = probes.held_out(fold)[0]
    score = score / (score.square().mean(1, keepdim=True).sqrt() + 1e-30)
    rows = sample.text.argsort() if sample.reference is None else sample.reference
    x, y, reference = score.cpu().numpy(), target.cpu().numpy(), rows.cpu().numpy()

    def points(column: int) -> Points:
        """One state a text, in the order of texts."""
        return x[column, reference], y[column, reference]

    text, texts = sample.text.cpu().numpy(), np.arange(len(reference))
    pvi = kraskov((x[0], y[0]), points(0), text, neighbours)
    null = [kraskov(points(c), points(c), texts, neighbours).mean() for c in range(1, len(x))]
    return Measured(
        pvi=torch.from_numpy(pvi).to(hidden.device),
        gain=None,
        null=torch.tensor(null, dtype=torch.float64, device=hidden.device),
    )
