"""Estimates from two halves of a sample, which show how well an estimate repeats."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from attinfo.data.groups import FOLDS
from attinfo.information.sample import Sample, folds
from attinfo.information.summary import measured, silent
from attinfo.keys import HALVES
from attinfo.runtime.loading import Chosen, load
from attinfo.runtime.seeds import seed_of


def halves(sample: Sample, seed: int) -> list[Sample]:
    """Two samples of half the texts each, or half the groups of texts, drawn from the seed."""
    rng = np.random.default_rng(seed_of("halves", seed))
    if sample.group is None:
        order = rng.permutation(len(sample.output))
    else:
        order = rng.permutation(int(sample.group.max()) + 1)[sample.group.numpy()]
    first = torch.from_numpy(order < np.sort(order)[len(order) // 2])
    return [_refolded(sample.of_texts(kept), seed) for kept in (first, ~first)]


def _refolded(half: Sample, seed: int) -> Sample:
    """Half a sample; with new folds where it has enough groups, but none of them in some fold."""
    if half.group is None or len(half.fold.unique()) == FOLDS or not _divisible(half):
        return half
    _, group = half.group.unique(return_inverse=True)
    return replace(half, group=group, fold=folds(half.output[:, 0], FOLDS, seed, group))


def in_two(sample: Sample, seed: int) -> torch.Tensor | None:
    """[texts] bool: half of the texts of each fold, or of their groups; None where one has no two.

    Drawn from the seed.
    """
    group = torch.arange(len(sample.output)) if sample.group is None else sample.group
    fold = torch.zeros(int(group.max()) + 1, dtype=torch.int64).scatter_(0, group, sample.fold)
    if int(fold.bincount(minlength=FOLDS).min()) < 2:
        return None
    rng = np.random.default_rng(seed_of("half probes", seed))
    first = np.empty(len(fold), bool)
    first[np.lexsort((rng.random(len(fold)), fold))] = np.arange(len(fold)) % 2 == 0
    return torch.from_numpy(first)[group]


def by_half_probes(name: str, path: str, sample: Sample, seed: int) -> dict[str, np.ndarray]:
    """Both pointwise values of all tokens by two probes, fitted to disjoint halves of the texts.

    How well the orders of both agree is how well an order by the probe repeats.
    """
    first, observed = in_two(sample, seed), sample.of_columns([0])
    unknown = torch.full((len(sample.text),), 0.0 if silent(observed) else torch.nan)
    parts = [(unknown, unknown)] * 2
    if first is not None and not silent(observed):
        parts = [(made.pvi, made.gain) for made in load(path)(observed, first)]
    return {
        f"{name}_{kind}{half}": values.numpy().astype(np.float32)
        for half, both in zip(HALVES, parts, strict=True)
        for kind, values in zip(("pvi", "gain"), both, strict=True)
    }


def _divisible(half: Sample) -> bool:
    """Whether the texts of half a sample are of enough groups for every fold."""
    return half.group is None or len(half.group.unique()) >= FOLDS


def half_estimates(estimator: Chosen, parts: Sequence[Sample]) -> list[float]:
    """The estimate from each half of a sample, in nats; NaN where either has too few groups."""
    if not all(map(_divisible, parts)):
        return [np.nan] * len(parts)
    return [float(measured(estimator, part).pvi.mean()) for part in parts]
