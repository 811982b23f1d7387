"""Information between normal classes of one covariance, in closed form.

The posterior of linear discriminant analysis at the states it was fitted to, less what the fit
adds: a maximum-likelihood fit of k weights raises the mean log-likelihood of its own n
independent states by k / 2n above that of the truth, to first order, and k = d (C - 1).

States of one text are dependent, so that n is too large a number for them, and that of texts too
small. By the rule for misspecified models (Takeuchi 1976), k is then C - 1 times the trace of
S^-1 S_text, where S is the covariance of the states and S_text that of their sums within texts,
both over n. For independent states the trace is d; for m equal states a text it is m d, and k / 2n
the same as if each text had one.
"""

import torch

from attinfo.information.estimators.features import standardised
from attinfo.information.estimators.probes import discriminant
from attinfo.information.sample import Measured, Sample

RIDGE = 1e-6  # share of the mean variance that is added to every variance


def gaussian_plugin(sample: Sample) -> Measured:
    """Normal classes with one covariance, in closed form, less d (C - 1) / 2n for the fit."""
    hidden = standardised(sample.hidden)
    n, d = hidden.shape
    indicator = sample.indicator.double()
    share = indicator.mean(1, keepdim=True)
    covariance = hidden.T @ hidden / n
    covariance.diagonal().add_(RIDGE * covariance.trace() / d + 1e-30)
    factor = torch.linalg.cholesky(covariance)
    white = torch.linalg.solve_triangular(factor, hidden.T, upper=False).T
    # The regression of the indicators on the states spans the discriminant directions.
    scores = white @ (white.T @ indicator[..., 1:] / n)
    direction = discriminant(scores, indicator)
    mean = indicator.mT @ scores / (n * share.mT).clamp(min=1)
    middle = (mean[:, 1:] + mean[:, :1]) / 2
    prior = share.clamp(min=1 / n).log()
    log_odds = scores @ direction - (middle * direction.mT).sum(2)[:, None]
    log_odds = log_odds + prior[..., 1:] - prior[..., :1]
    log_ratio = torch.nn.functional.pad(log_odds, (1, 0)).log_softmax(2) - prior
    by_text = white.new_zeros(len(sample.output), d).index_add_(0, sample.text, white)
    weights = float(by_text.square().sum()) / n * (sample.classes - 1)
    output = sample.output[sample.text].T[..., None]
    pvi = log_ratio.gather(2, output).squeeze(2) - weights / (2 * n)
    return Measured(pvi=pvi[0], gain=None, null=pvi[1:].mean(1))
