"""The table `seconds.csv` of a run: the time of each importance measure; it varies between jobs."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

COLUMNS = ["measure", "seconds", "texts"]


def seconds_table(
    seconds: Mapping[str, float], importance: pd.DataFrame, offsets: np.ndarray
) -> pd.DataFrame:
    """Make `seconds.csv` of a run.

    Args:
        seconds: measure -> what it took.
        importance: of `importance.importance`, with a column for each of these measures.
        offsets: [texts + 1] first token of each text.

    Returns:
        A row for each measure: `measure`, `seconds`, and `texts`, the number of texts for which it
        has values (of a costly measure, those that were drawn).
    """
    rows = []
    for name, value in seconds.items():
        has = importance[name].notna().to_numpy()
        texts = int(np.logical_or.reduceat(has, offsets[:-1]).sum())
        rows.append((name, round(value, 4), texts))
    return pd.DataFrame(rows, columns=COLUMNS)
