"""Usable information of a pool of ridge regressions about a continuous output."""

from attinfo.information.estimators.features import feature_maps
from attinfo.information.estimators.normal_errors import by_ridge_regressions
from attinfo.information.sample import Measured, Sample


def stacked_regression(sample: Sample) -> Measured:
    """Pool of ridge regressions, linear and not, with normal errors."""
    return by_ridge_regressions(feature_maps(sample.hidden), sample)
