"""Tables over all cells of a study of what their jobs told one by one."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.stats import t as student

CELL = ["dataset", "encoder", "attention", "normaliser", "variant"]


def faithfulness_means(frames: Iterable[pd.DataFrame], level: float) -> pd.DataFrame:
    """The table `faithfulness.csv`: AOPC by cell, order of deletion and kind.

    Args:
        frames: of `faithfulness.parquet`, a cell each.
        level: of the intervals.

    Returns:
        A row a cell, ordering and kind: `aopc`, the mean over seeds of means over texts, with
        the t interval over seeds (NaN with one); `naopc`, the same of the normalised one;
        `texts`, in which AOPC is defined, and `undefined`, over all seeds.
    """
    rows = []
    for frame in frames:
        for key, own in frame.groupby([*CELL, "ordering", "kind"], sort=False):
            row = dict(zip([*CELL, "ordering", "kind"], key, strict=True))
            row |= {"seeds": own["seed"].nunique()}
            for name in ("aopc", "naopc"):
                by_seed = own.groupby("seed")[name].mean().dropna().to_numpy()
                row |= dict(
                    zip(
                        (name, f"{name}_low", f"{name}_high"),
                        _interval(by_seed, level),
                        strict=True,
                    )
                )
            row |= {"texts": int(own["aopc"].notna().sum())}
            rows.append(row | {"undefined": int(own["aopc"].isna().sum())})
    return pd.DataFrame(rows)


def _interval(values: np.ndarray, level: float) -> tuple[float, float, float]:
    """Mean and t interval of one value a seed."""
    if len(values) == 0:
        return (np.nan,) * 3
    mean = float(values.mean())
    if len(values) == 1:
        return mean, np.nan, np.nan
    error = values.std(ddof=1) / np.sqrt(len(values))
    half = float(student.ppf((1 + level) / 2, len(values) - 1) * error)
    return mean, mean - half, mean + half
