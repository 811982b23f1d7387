"""Which estimators there are.

To add one: a function `(sample, *, options=defaults) -> Measured` in a file of its own,
registered here. Options are numbers, or one of the texts of a `Literal`.
"""

from attinfo.information.binning import binned
from attinfo.information.discrete import atoms_plugin
from attinfo.information.gaussian import gaussian_plugin
from attinfo.information.infonce import infonce
from attinfo.information.knn import nearest_neighbours
from attinfo.information.ksg import ksg_on_score
from attinfo.information.linear import linear_probe
from attinfo.information.logistic import logistic_probe
from attinfo.information.mine import mine
from attinfo.information.mlp import residual_network
from attinfo.information.regression import ridge_gaussian, stacked_regression
from attinfo.information.stack import stack

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
