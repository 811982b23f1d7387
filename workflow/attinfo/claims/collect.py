"""Tables over all cells of a study, from the tables of single runs."""

from collections.abc import Iterable

import pandas as pd

from attinfo.keys import GROUP
from attinfo.statistics.intervals import t_interval


def faithfulness_means(frames: Iterable[pd.DataFrame], level: float) -> pd.DataFrame:
    """Average `faithfulness.parquet` over texts and seeds, for `faithfulness.csv`.

    Args:
        frames: one table per cell and variant, with the rows of all its seeds.
        level: of the intervals, such as 0.95.

    Returns:
        One row per cell, variant, ordering and kind. `aopc` is the mean over seeds of the means
        over texts; `aopc_low` and `aopc_high` bound its t interval over seeds (NaN with one seed);
        `naopc` and its bounds are the same of the normalised AOPC. `texts` and `undefined` count
        the texts with and without an AOPC, over all seeds.
    """
    rows = []
    for frame in frames:
        for key, own in frame.groupby([*GROUP, "ordering", "kind"], sort=False):
            row = dict(zip([*GROUP, "ordering", "kind"], key, strict=True))
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
