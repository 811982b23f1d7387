"""MINE (Belghazi et al. 2018): the bound of Donsker and Varadhan with a trained critic.

I >= <T(h, y)> - log <exp T(h, y')>, where y' is independent of h. Its mean is taken over all
states of the batch and exactly over the shares of the classes in the training texts, so it needs
no shuffled pairs, and its gradient has not the bias that drawing them brings.
"""

import math

from torch import Tensor

from attinfo.information.estimators.features import soft_whitened, standardised
from attinfo.information.estimators.networks import held_out_values
from attinfo.information.sample import Measured, Sample
from attinfo.option_types import Count


def _log_mean_exp(values: Tensor, log_prior: Tensor) -> Tensor:
    """[columns] log of the mean of exp T over states and, by their shares, classes."""
    return (values + log_prior).flatten(1).logsumexp(1) - math.log(values.shape[1])


def donsker_varadhan(values: Tensor, indicator: Tensor, log_prior: Tensor) -> Tensor:
    """[columns] minus the bound, in nats."""
    return _log_mean_exp(values, log_prior) - (values * indicator).sum(2).mean(1)


def mine(sample: Sample, *, hidden: Count = 32) -> Measured:
    """MINE (Belghazi et al. 2018), the Donsker-Varadhan bound on held-out texts; for comparison.

    The pointwise value is T(h, y) less the logarithm of the mean over the same held-out fold.
    """
    inputs = soft_whitened(standardised(sample.hidden)).float()
    values, log_prior = held_out_values(inputs, sample, donsker_varadhan, hidden)
    for rows in sample.members:
        level = _log_mean_exp(values[:, rows], log_prior[:, rows])
        values[:, rows] -= level[:, None, None]
    output = sample.output[sample.text].T[..., None]
    pvi = values.gather(2, output).squeeze(2).double()
    return Measured(pvi=pvi[0], gain=None, null=pvi[1:].mean(1))
