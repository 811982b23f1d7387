"""Bias and spread of each estimator on data sets whose information is known."""

import numpy as np
import pandas as pd
import torch

from attinfo.blocks.estimators import ESTIMATORS
from attinfo.blocks.tasks import TASKS
from attinfo.information.calibration import calibrate
from attinfo.information.sample import Measured, Sample
from attinfo.runtime.loading import Chosen
from benchmarks.bent import BENT, INFORMATION

WIDTH, CLASSES, RANK = 128, 2, 4
LEVEL = 0.2 / np.log(CLASSES)  # 0.2 nats as a share of log(classes)
SEED = 2000  # not used when the estimators were designed


def infopy(sample: Sample) -> Measured:
    """The estimate of infopy-estimators in the form of an estimator of this package.

    Args:
        sample: n states and their output.

    Returns:
        The estimate, repeated n times, because infopy has no pointwise values.
    """
    from benchmarks import peers

    found = peers.infopy(sample.hidden.double().numpy(), sample.output[:, 0].numpy())
    values = torch.full((len(sample.text),), found, dtype=torch.float64)
    return Measured(pvi=values, gain=None, null=values[:0])


def table(quick: bool) -> pd.DataFrame:
    """One row per estimator, task and number of texts; columns as in `information.calibration`."""
    estimators = [
        {"name": name, "path": block.path, "options": block.complete("estimator", {})}
        for name, block in ESTIMATORS.items()
        if not block.needs_output_layer  # generated states have no output layer
    ]
    estimators.append({"name": "infopy", "path": f"{__name__}:infopy", "options": {}})
    given = {"estimators": estimators, "width": 16 if quick else WIDTH, "seed": SEED}
    given |= {"ranks": [RANK], "repeats": 2 if quick else 5}
    level = dict.fromkeys(TASKS, LEVEL) | {name: INFORMATION / np.log(2) for name in BENT}
    paths = {task.name: task.path for task in TASKS.values()}
    paths |= {name: f"benchmarks.bent:{name}" for name in BENT}
    parts = [
        calibrate(
            Chosen(name, path, {}), n, CLASSES, {**given, "fewest": n, "levels": [level[name]]}
        )
        for n in ((300,) if quick else (1000, 4000))
        for name, path in paths.items()
    ]
    return pd.concat(parts, ignore_index=True)
