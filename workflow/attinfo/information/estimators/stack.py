"""Usable information of a pool of linear and nonlinear probes.

The members are linear probes of the states, of their leading principal components, of products of
these and of random Fourier features, nearest neighbours, and, where the output bends in a few
directions of the states, small networks on these. Each is calibrated, one more
member is their joint logistic regression, and the pool is the mixture of all with the weights
that make the outputs most likely (expectation maximisation). Weights and calibration are fitted
to scores of probes that saw neither the fold that is held out nor the state they score: for every
held-out fold the whole procedure runs within the other folds (nested cross-fitting).

For each permutation of the output all probes are fitted again. The features of the states, their
covariances and factorizations, and the lists of neighbours do not depend on the output, and are
computed once.
"""

import torch
from torch import Tensor

from attinfo.information.estimators.features import feature_maps, principal, standardised
from attinfo.information.estimators.posterior import (
    RARE,
    log_posterior_of,
    log_prior_of,
    pooled,
    posterior_of,
    scaled,
    weighted,
)
from attinfo.information.estimators.probes import RidgeProbes, log_odds, others
from attinfo.information.estimators.projections import Projections
from attinfo.information.neighbors.distances import of_unit_size
from attinfo.information.neighbors.search import Search
from attinfo.information.sample import Measured, Sample, from_log_ratio

NEIGHBOURS = (16, 64)
PRIOR_NEIGHBOURS = 2.0  # that a state has beside those found, distributed as all outputs are
COLUMNS = 8  # outputs pooled at a time: they stay in the cache
ALONE_STATES = 1024  # at most, to calibrate a single member; all are used for the pool
EM_STEPS = 40
EM_SPEED = 1.9  # exponent of a step: 1 is plain expectation maximisation, below 2 it converges


class _Neighbours:
    """Log odds of the classes among the nearest states of other texts.

    Args:
        sample: of which the reference states, one a text, are the neighbours.
    """

    def __init__(self, sample: Sample) -> None:
        states = of_unit_size(standardised(sample.hidden))
        rows = sample.reference if sample.reference is not None else sample.text.argsort()
        longest = min(max(NEIGHBOURS) + 1, len(rows))
        self._near = Search(states[rows]).nearest(states, longest).near
        self._other = self._near != sample.text[:, None]
        self._fold, self._classes = sample.fold, sample.classes
        self._by_text = (
            torch.nn.functional.one_hot(sample.output, sample.classes).float().flatten(1)
        )

    def log_odds(self, rows: Tensor, *left_out: int) -> Tensor:
        """[columns, rows, C - 1, 2]: for each number of neighbours, from those in other folds."""
        near = self._near[rows]
        kept = ~torch.isin(self._fold, torch.tensor(left_out, device=self._fold.device))
        counted = self._other[rows] & kept[near]
        found = PRIOR_NEIGHBOURS * self._by_text[kept].mean(0).expand(len(rows), -1)
        start, logs = 0, []
        for count in NEIGHBOURS:
            place = slice(start, count + 1)
            share = counted[:, None, place].float() @ self._by_text[near[:, place]]
            found = found + share[:, 0]
            logs.append(found.unflatten(1, (-1, self._classes)).clamp(min=1e-3).log())
            start = count + 1
        log = torch.stack(logs, 3).transpose(0, 1)
        return log[:, :, 1:] - log[:, :, :1]


def mixture(likelihood: Tensor) -> Tensor:
    """[columns, M] weights that make the mixture most likely, by expectation maximisation.

    Args:
        likelihood: [columns, n, M] probability of the realised output by each member.
    """
    columns, n, members = likelihood.shape
    weight = likelihood.new_full((columns, 1, members), 1 / members)
    for _ in range(EM_STEPS):
        total = likelihood @ weight.mT
        weight = weight * (total.reciprocal().mT @ likelihood / n) ** EM_SPEED
        weight = weight / weight.sum(2, keepdim=True)
    return weight[:, 0]


def _log_posterior(inner: Tensor, held_out: Tensor, seen: Tensor) -> Tensor:
    """[columns, rows, C] of the pool, fitted to the inner scores.

    Args:
        inner: [columns, n, C - 1, M] log odds by each member, `held_out`: [columns, rows, ...].
        seen: [columns, n, C] the outputs that belong to `inner`.
    """
    columns, _, _, members = inner.shape
    inner, held_out = scaled(inner, held_out)
    alone = inner.permute(0, 3, 1, 2).flatten(0, 1)[..., None]
    repeated = seen.repeat_interleave(members, 0)
    weight, bias = pooled(alone, repeated, states=ALONE_STATES)
    joint = pooled(inner, seen)

    def posterior(scores: Tensor) -> Tensor:
        """[columns, rows, C, M + 2]: each member, all together, and one that knows nothing."""
        apart = scores.permute(0, 3, 1, 2).flatten(0, 1)[..., None]
        each = posterior_of(weighted(apart, weight, bias))
        each = each.unflatten(0, (columns, members)).permute(0, 2, 3, 1)
        together = posterior_of(weighted(scores, *joint))
        nothing = seen.mean(1)[:, None, 1:].expand_as(together)
        rest = torch.cat([each, together[..., None], nothing[..., None]], 3)
        return torch.cat([1 - rest.sum(2, keepdim=True), rest], 2).clamp(min=RARE)

    by_member = posterior(inner)
    share = mixture((by_member * seen[..., None]).sum(2))[:, None, :, None]

    def mixed(by_member: Tensor) -> Tensor:
        """[columns, rows, C - 1, 1] log odds of the mixture."""
        log = (by_member @ share).log()
        return log[:, :, 1:] - log[:, :, :1]

    # A mixture is less sure than its members: how sure to be is fitted once more.
    fitted = pooled(mixed(by_member), seen)
    return log_posterior_of(weighted(mixed(posterior(held_out)), *fitted))


def _side_by_side(by_probe: list[list[Tensor]], near: Tensor, bent: Tensor) -> Tensor:
    """[columns, rows, C - 1, M] float32 log odds by all members."""
    each = [scores for of_probe in by_probe for scores in of_probe]
    return torch.cat([torch.stack(each, 3).float(), near, bent], 3)


def stack(sample: Sample) -> Measured:
    """Pool of probes, linear and not; the default for states of unknown nature."""
    indicator, members = sample.indicator, sample.members
    target = indicator[..., 1:].double()
    probes = [RidgeProbes(f, target, members, s) for f, s in feature_maps(sample.hidden)]
    neighbours = _Neighbours(sample)
    projections = Projections(*principal(standardised(sample.hidden)), sample)
    log_ratio, log_prior = torch.empty_like(indicator), torch.empty_like(indicator)
    for fold, rows in enumerate(members):
        seen = indicator[:, others(members, fold)]
        by_probe = [log_odds(probe, fold, seen.double()) for probe in probes]
        near = [neighbours.log_odds(m, fold, k) for k, m in enumerate(members) if k != fold]
        bent = projections.log_odds(fold)
        own = neighbours.log_odds(rows, fold)
        inner = _side_by_side([odds[0] for odds in by_probe], torch.cat(near, 1), bent[0])
        held_out = _side_by_side([odds[1] for odds in by_probe], own, bent[1])
        log_prior[:, rows] = log_prior_of(seen)
        for c in torch.arange(len(indicator)).split(COLUMNS):
            log_posterior = _log_posterior(inner[c], held_out[c], seen[c])
            log_ratio[c[:, None], rows] = log_posterior - log_prior[c[:, None], rows]
    return from_log_ratio(log_ratio, log_prior, sample)
