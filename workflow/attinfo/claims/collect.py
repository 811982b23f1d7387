"""Tables over all cells of a study of what their jobs told one by one."""

from collections.abc import Iterable

import pandas as pd

from attinfo.statistics.intervals import t_interval

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
                        t_interval(by_seed, level),
                        strict=True,
                    )
                )
            row |= {"texts": int(own["aopc"].notna().sum())}
            rows.append(row | {"undefined": int(own["aopc"].isna().sum())})
    return pd.DataFrame(rows)
