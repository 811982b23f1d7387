"""How near the truth each estimator comes where it is known: bias and spread over data sets."""

import numpy as np
import pandas as pd

from attinfo.blocks.estimators import ESTIMATORS
from attinfo.blocks.tasks import TASKS
from attinfo.information.calibration import calibrate
from attinfo.runtime.loading import Chosen

WIDTH, CLASSES, RANK = 128, 2, 4
LEVEL = 0.2 / np.log(CLASSES)  # of the information, as a share of log(classes)
SEED = 2000  # of none that an estimator was designed with


def table(quick: bool) -> pd.DataFrame:
    """One row per estimator, task and number of texts, see `information.calibration`."""
    given = {
        "estimators": [
            {"name": name, "path": block.path, "options": block.complete("estimator", {})}
            for name, block in ESTIMATORS.items()
            if not block.needs_output_layer  # generated states have none
        ],
    }
    given |= {"width": 16 if quick else WIDTH, "levels": [LEVEL], "seed": SEED}
    given |= {"ranks": [RANK], "repeats": 2 if quick else 5}
    parts = [
        calibrate(Chosen(task.name, task.path, {}), n, CLASSES, {**given, "fewest": n})
        for n in ((300,) if quick else (1000, 4000))
        for task in TASKS.values()
    ]
    return pd.concat(parts, ignore_index=True)
