"""InfoNCE (van den Oord, Li & Vinyals 2018): recognise the own output among those of other texts.

The loss is -<T(h, y) - log mean_j exp T(h, y_j)> with the outputs y_j of all training texts. Of a
discrete output there are but C different ones, so the mean is the sum of p(y) exp T(h, y) and the
loss is the cross-entropy of a classifier in proportion to p exp T. For a discrete output, then,
InfoNCE differs from a trained probe in name and in the critic, which here sees all components.
"""

from attinfo.information.estimators.features import soft_whitened, standardised
from attinfo.information.estimators.networks import cross_entropy, held_out_values, log_ratio_of
from attinfo.information.sample import Measured, Sample, from_log_ratio
from attinfo.option_types import Count


def infonce(sample: Sample, *, hidden: Count = 32) -> Measured:
    """InfoNCE (van den Oord et al. 2018) with all outputs as negatives; for comparison."""
    inputs = soft_whitened(standardised(sample.hidden)).float()
    values, log_prior = held_out_values(inputs, sample, cross_entropy, hidden)
    return from_log_ratio(log_ratio_of(values, log_prior), log_prior, sample)
