"""Completeness: whether the values of a measure sum to what they should.

Integrated gradients of a text sum to its log-odds minus the log-odds at zero embeddings, up to the
error of the quadrature (Sundararajan et al. 2017). A large error says that the quadrature has too
few nodes for the text.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from attinfo.keys import RUN

COLUMNS = ["text", "measure", "total", "error"]
SUMMARY = ["texts", "median", "p95", "largest", "median_total"]


def errors(
    measure: str, values: np.ndarray, totals: np.ndarray, offsets: np.ndarray
) -> pd.DataFrame:
    """The error of the sum of a measure in each text.

    Args:
        measure: name of the measure.
        values: [tokens] of the measure, NaN in texts that are not drawn.
        totals: [texts] what the values of each text sum to; NaN in texts that are not drawn.
        offsets: [texts + 1].

    Returns:
        A row for each text with a total: `text`, `measure`, `total`, and `error`, the sum of the
        values minus the total.
    """
    text = np.flatnonzero(~np.isnan(totals))
    error = np.add.reduceat(values.astype(np.float64), offsets[:-1]) - totals
    columns = (text.astype(np.int32), measure, totals[text], error[text])
    table = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
    return table.astype({"measure": object, "total": np.float32, "error": np.float32})


def completeness_table(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Make `completeness.csv` from the errors of all runs.

    Args:
        frames: `completeness.parquet` of each run: the rows of `errors`, with the run.

    Returns:
        A row for each run and measure: `texts`, the number of texts; `median`, `p95` and
        `largest`, of the absolute error over texts; `median_total`, of the absolute total, to
        compare them with. All but `texts` are in the unit of the measure.
    """
    rows = []
    for frame in frames:
        for key, own in frame.groupby([*RUN, "measure"], sort=False):
            size = own["error"].abs().to_numpy(np.float64)
            numbers = (
                len(own),
                *np.quantile(size, [0.5, 0.95, 1]),
                np.median(own["total"].abs().to_numpy(np.float64)),
            )
            rows.append([*key, *numbers])
    return pd.DataFrame(rows, columns=[*RUN, "measure", *SUMMARY])
