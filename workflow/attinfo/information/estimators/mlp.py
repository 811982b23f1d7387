"""Usable information of small networks, from their cross-entropy on texts they have not seen.

V-information of a larger family (Xu et al. 2020): the network sees the leading principal
components of the standardised states, whitened, so that few texts suffice. Information in the
other components is lost.
"""

from torch import Tensor

from attinfo.information.estimators.features import leading, principal, standardised
from attinfo.information.estimators.networks import held_out_values, log_ratio_of
from attinfo.information.sample import Measured, Sample, from_log_ratio
from attinfo.option_types import Count


def cross_entropy(values: Tensor, indicator: Tensor, log_prior: Tensor) -> Tensor:
    """[columns] log loss of q in proportion to p exp T, less that of the prior p, in nats."""
    return -(log_ratio_of(values, log_prior) * indicator).sum(2).mean(1)


def residual_network(sample: Sample, *, components: Count = 16, hidden: Count = 32) -> Measured:
    """Cross-fitted network, linear plus one hidden layer, on leading principal components."""
    inputs = leading(*principal(standardised(sample.hidden)), components).float()
    values, log_prior = held_out_values(inputs, sample, cross_entropy, hidden)
    return from_log_ratio(log_ratio_of(values, log_prior), log_prior, sample)
