"""Usable information of linear probes: cross-fitted shrunk discriminant analysis.

The discriminant of the scores that a ridge probe gives to states it has not seen, with a scale
and biases fitted to them, is the posterior. The mean of log q(y | h) - log p(y) on held-out texts
is the V-information of linear probes (Xu et al. 2020) and a lower bound, in expectation, of the
mutual information.
"""

import torch

from attinfo.information.probes import (
    RidgeProbes,
    least_of,
    ledoit_wolf,
    log_odds,
    log_posterior_of,
    log_prior_of,
    others,
    pooled,
    scaled,
    weighted,
    within,
)
from attinfo.information.sample import Measured, Sample, from_log_ratio

PRECISION = 0.1  # of the prior of a weight; with few members little holds it back
COLUMNS = 16  # outputs at a time: they stay in the cache
SHRINKAGES = (0.03, 0.3)  # besides that of Ledoit and Wolf, which is right for the covariance alone


def linear_probe(sample: Sample) -> Measured:
    """Cross-fitted shrunk linear discriminant: the usable information of linear probes.

    Probes of several shrinkages are combined by logistic regression, which gives a linear probe
    again. For each held-out fold it is fitted to scores of probes that saw neither the fold nor
    the state they score, so nothing that scores a fold was tuned on it.
    """
    hidden = sample.hidden.double()
    hidden = hidden - hidden.mean(0)
    # In double precision throughout: the shrinkages differ little, and so do their probes.
    indicator, members = sample.indicator.double(), sample.members
    shrinkages = (ledoit_wolf(hidden), *SHRINKAGES)
    # One class is redundant: C - 1 indicators a column.
    probes = RidgeProbes(hidden, indicator[..., 1:], members, shrinkages)
    log_ratio, log_prior = torch.empty_like(indicator), torch.empty_like(indicator)
    for fold, rows in enumerate(members):
        seen = indicator[:, others(members, fold)]
        odds = log_odds(probes, fold, seen)
        scores = [torch.stack(by_probe, 3) for by_probe in odds]
        log_prior[:, rows] = log_prior_of(seen)
        together = (*scores, seen, log_prior[:, rows], log_ratio)
        for inner, held_out, own, prior, found in zip(
            *(part.split(COLUMNS) for part in together), strict=True
        ):
            inner, held_out = scaled(inner, held_out)
            weight, bias = pooled(inner, own, PRECISION)
            least = least_of(log_posterior_of(weighted(inner, weight, bias)))
            log_posterior = within(least, log_posterior_of(weighted(held_out, weight, bias)))
            found[:, rows] = log_posterior - prior
    return from_log_ratio(log_ratio, log_prior, sample)
