"""Information between hidden states and the model's output, for every unit of every index.

To add an estimator: a function `(sample, *, options=defaults) -> Estimate` in a file of its own,
registered in `ESTIMATORS`.
"""

from attinfo.information.knn import nearest_neighbours
from attinfo.information.linear import linear_probe

ESTIMATORS = {"linear": linear_probe, "knn": nearest_neighbours}
