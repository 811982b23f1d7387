"""Usable information of linear regression with normal errors about a continuous output."""

from attinfo.information.estimators.features import standardised
from attinfo.information.estimators.normal_errors import by_ridge_regressions
from attinfo.information.estimators.probes import ledoit_wolf
from attinfo.information.sample import Measured, Sample


def ridge_gaussian(sample: Sample) -> Measured:
    """Cross-fitted ridge regression with normal errors: the usable linear information."""
    states = standardised(sample.hidden)
    return by_ridge_regressions([(states, (ledoit_wolf(states),))], sample)
