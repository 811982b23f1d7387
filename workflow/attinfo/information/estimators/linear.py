"""Usable information of linear probes: cross-fitted shrunk discriminant analysis.

The discriminant of the scores that a ridge probe gives to states it has not seen, with a scale
and biases fitted to them, is the posterior. The mean of log q(y | h) - log p(y) on held-out texts
is the V-information of linear probes (Xu et al. 2020) and a lower bound, in expectation, of the
mutual information.
"""

import torch
from torch import Tensor

from attinfo.information.estimators.features import standardised
from attinfo.information.estimators.posterior import (
    RARE,
    least_seen,
    log_posterior_of,
    most_likely,
    within,
)
from attinfo.information.estimators.probes import Discriminants, RidgeProbes
from attinfo.information.sample import HeldOut, Measured, Sample

PRECISION = 0.1  # of the prior of a weight; with few members little holds it back
VALUES = 2**19  # log odds at a time: they stay in the cache
SHRINKAGES = (0.03, 0.3)  # besides that of Ledoit and Wolf, which is right for the covariance alone


def linear_probe(sample: Sample) -> Measured:
    """Cross-fitted shrunk linear discriminant: the usable information of linear probes.

    Probes of several shrinkages are combined by logistic regression, which gives a linear probe
    again. For each held-out fold it is fitted to scores of probes that saw neither the fold nor
    the state they score, so nothing that scores a fold was tuned on it.
    """
    return _cross_fitted(standardised(sample.hidden), sample, sample.members)


def half_probes(sample: Sample, first: Tensor) -> tuple[Measured, Measured]:
    """What two probes find in all texts, one fitted to half of them, the other to the other half.

    As `linear_probe`, a fold is scored by probes that have not seen it.

    Args:
        sample: of states and outputs.
        first: [texts] bool, the first half; each half has texts in every fold.
    """
    states, in_first = standardised(sample.hidden), first[sample.text]
    one, other = (
        _cross_fitted(states, sample, [rows[half[rows]] for rows in sample.members])
        for half in (in_first, ~in_first)
    )
    return one, other


def _cross_fitted(states: Tensor, sample: Sample, members: list[Tensor]) -> Measured:
    """Linear probes fitted to some rows of each fold, all rows of which are scored.

    Args:
        states: [n, D] standardised.
        sample: with the outputs and the folds.
        members: the rows of each fold that probes are fitted to.
    """
    every = len(states) == sum(map(len, members))
    order = torch.cat(members)
    # One class is redundant: C - 1 indicators a column.
    rivals = torch.arange(1, sample.classes, device=order.device)
    output = sample.output[sample.text].T.contiguous()
    # In double precision throughout: the shrinkages differ little, and so do their probes.
    target = (output[..., None] == rivals).double()
    probes = RidgeProbes(states, target, members, (None, *SHRINKAGES))
    found = Discriminants(probes)
    indicator = (output[:, None, order] == rivals[:, None]).double()
    values = len(members) * found.most * len(rivals) * (1 + len(SHRINKAGES))
    step = max(1, VALUES // values)
    columns = [slice(start, start + step) for start in range(0, len(output), step)]
    pooled = [_pooled(found, some, indicator[some]) for some in columns]
    weight, bias, least = (torch.cat(parts, 1) for parts in zip(*pooled, strict=True))
    rest = 1 - found.share.sum(2, keepdim=True)
    log_prior = torch.cat([rest, found.share], 2).clamp(min=RARE).log()[..., None]
    held_out = HeldOut(output)
    for fold, rows in enumerate(sample.members):
        features = probes.features[fold] if every else states[rows] - probes.centre
        by_member, own_bias = (part[fold] for part in found.own)
        together = (weight[fold, ..., None, None] * by_member).sum(1)
        level = bias[fold] + (weight[fold, ..., None] * own_bias).sum(1)
        odds = together.flatten(0, 1) @ features.T
        odds = odds.view(*level.shape, -1).add_(level[..., None])
        held_out.add(rows, within(least[fold], log_posterior_of(odds, 1), 1), log_prior[fold])
    return held_out.measured()


def _pooled(
    found: Discriminants, columns: slice, indicator: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Logistic regression on the log odds of the members, for each fold left out.

    Args:
        found: the members.
        columns: of the outputs.
        indicator: [columns, C - 1, n] of these, fold after fold.

    Returns:
        [folds, columns, M] weights, [folds, columns, C - 1] biases, and [folds, columns] the least
        log probability of any class and row.
    """
    logits, present = found.inner(columns), found.present
    many = logits.shape[:2]
    length = found.length.view(-1, 1, 1, 1, 1) * logits.shape[3]
    size = torch.linalg.vector_norm(logits, dim=(3, 4), keepdim=True) / length.sqrt() + 1e-30
    logits = logits.div_(size).flatten(0, 1)
    if present is not None:
        present = present.repeat_interleave(many[1], 0)[:, None]
    target = found.around(indicator).flatten(0, 1)
    weight, bias, odds = most_likely(logits, target, PRECISION, present)
    least = least_seen(odds if present is None else odds * present)
    weight, bias, least = (part.unflatten(0, many) for part in (weight, bias, least))
    return weight / size[..., 0, 0], bias, least
