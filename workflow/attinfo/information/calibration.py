"""Calibration: the error of every estimator on tasks of known information.

The tasks have the width of the states and the number of classes of the study. Their numbers of
texts and effective ranks cover the range of those of the units in the study.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch

from attinfo.data.groups import FOLDS
from attinfo.information.sample import Sample, folds, with_permutations
from attinfo.information.summary import measured
from attinfo.information.tasks import Task
from attinfo.runtime.loading import Chosen
from attinfo.runtime.seeds import seed_of


def sizes(fewest: int, most: int) -> list[int]:
    """Numbers of texts from the least a unit may have to the most: both, and one between."""
    if most <= fewest:
        return [most]
    return sorted({fewest, round(float(np.sqrt(fewest * most))), most})


def sample_of(task: Task, seed: int) -> Sample:
    """A task's states and outputs, without permutations: calibration needs no null."""
    output = torch.from_numpy(task.output)
    return Sample(
        hidden=torch.from_numpy(task.hidden),
        text=torch.arange(len(output)),
        output=with_permutations(output, 0, seed),
        classes=int(output.max()) + 1,
        fold=folds(output, FOLDS, seed),
    )


KEY = ["estimator", "task", "n", "rank", "level"]
FOUND = ["truth", "estimate", "bias", "spread", "pvi_correlation", "gain_correlation"]


def calibrate(task: Chosen, texts: int, classes: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Bias and spread of every estimator on one task.

    Args:
        task: of known information.
        texts: the most that a unit of the study has.
        classes: of the study's outputs.
        options: `estimators`, `fewest`, `width`, `ranks`, `levels` (information
            as a share of that in log(classes)), `repeats`, `seed`.

    Returns:
        A row for each number of texts, effective rank, level and estimator: `truth` (nats), the
        mean `estimate`; `bias`, its mean difference from the true pointwise values' mean over the
        same texts; `spread`, the standard deviation of estimate - truth; `pvi_correlation` and
        `gain_correlation` with the true pointwise values.
    """
    rows = []
    settings = product(sizes(options["fewest"], texts), options["ranks"], options["levels"])
    for n, rank, level in settings:
        for repeat in range(options["repeats"]):
            seed = seed_of("calibration", options["seed"], n, rank, level, repeat)
            target = level * np.log(classes)
            drawn: Task = task.load()(n, options["width"], classes, rank, target, seed)
            sample = sample_of(drawn, seed)
            for estimator in map(Chosen.of, options["estimators"]):
                found = measured(estimator, sample)
                pvi = found.pvi.numpy()
                gain = np.full(n, np.nan) if found.gain is None else found.gain.numpy()
                rows.append(
                    {
                        "estimator": estimator.name,
                        "task": task.name,
                        "n": n,
                        "rank": rank,
                        "level": level,
                        "truth": drawn.information,
                        "estimate": pvi.mean(),
                        "bias": pvi.mean() - drawn.pointwise.mean(),
                        "spread": pvi.mean() - drawn.information,
                        "pvi_correlation": correlation(pvi, drawn.pointwise),
                        "gain_correlation": correlation(gain, drawn.gain),
                    }
                )
    groups = pd.DataFrame(rows).groupby(KEY, sort=False, as_index=False)
    return groups[FOUND].agg({c: "std" if c == "spread" else "mean" for c in FOUND})


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's r; NaN where either is not known or does not vary."""
    if not np.ptp(one) > 0 or not np.ptp(other) > 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
