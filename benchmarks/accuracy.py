"""How near the truth each estimator comes where it is known: bias and spread over data sets."""

import numpy as np
import pandas as pd

from attinfo.information.calibration import calibrate
from attinfo.information.estimators.registered import ESTIMATORS
from attinfo.information.tasks import TASKS

WIDTH, CLASSES, RANK = 128, 2, 4
LEVEL = 0.2 / np.log(CLASSES)  # of the information, as a share of log(classes)
SEED = 2000  # of none that an estimator was designed with


def table(quick: bool) -> pd.DataFrame:
    """A row an estimator, task and number of texts, as of `information.calibration.calibrate`."""
    own: dict[str, dict[str, str]] = {name: {} for name in ESTIMATORS}
    given = {"estimators": own, "width": 16 if quick else WIDTH, "levels": [LEVEL], "seed": SEED}
    given |= {"ranks": [RANK], "repeats": 2 if quick else 5}
    parts = [
        calibrate(task, n, CLASSES, {**given, "fewest": n})
        for n in ((300,) if quick else (1000, 4000))
        for task in TASKS
    ]
    return pd.concat(parts, ignore_index=True)
