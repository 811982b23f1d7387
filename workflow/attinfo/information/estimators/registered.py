"""Which estimators there are.

To add one: a function `(sample, *, options=defaults) -> Measured` in a file of its own,
registered here. Options are numbers, or one of the texts of a `Literal`.
"""

from attinfo.information.estimators.binning import binned
from attinfo.information.estimators.discrete import atoms_plugin
from attinfo.information.estimators.gaussian import gaussian_plugin
from attinfo.information.estimators.infonce import infonce
from attinfo.information.estimators.knn import nearest_neighbours
from attinfo.information.estimators.ksg import ksg_on_score
from attinfo.information.estimators.linear import linear_probe
from attinfo.information.estimators.logistic import logistic_probe
from attinfo.information.estimators.mine import mine
from attinfo.information.estimators.mlp import residual_network
from attinfo.information.estimators.ridge import ridge_gaussian
from attinfo.information.estimators.stack import stack
from attinfo.information.estimators.stacked_regression import stacked_regression

ESTIMATORS = {
    "stack": stack,
    "linear": linear_probe,
    "logistic": logistic_probe,
    "knn": nearest_neighbours,
    "mlp": residual_network,
    "gaussian": gaussian_plugin,
    "mine": mine,
    "infonce": infonce,
    "binning": binned,
    "discrete": atoms_plugin,
}

# For outputs that are floats; not of a study, whose output is a class.
CONTINUOUS = {
    "stack": stacked_regression,
    "ridge": ridge_gaussian,
    "ksg": ksg_on_score,
}
