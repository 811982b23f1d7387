"""How well rankings of tokens repeat, for two measurements and for two trainings.

Reliability is the agreement of two measurements of one model: by probes trained on different texts,
or over different texts. Two seeds of a cell are two models, which may truly differ. So the
agreement of two seeds is not a reliability, and no correlation may be corrected by it.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from attinfo.agreement.kendall import kendall_by_text
from attinfo.agreement.ranks import Ranked, average_ranks, pearson, spearman
from attinfo.keys import HALF, HALVES
from attinfo.states.store import States


def stepped_up(r: float) -> float:
    """The reliability of the mean of two measurements of reliability r (Spearman & Brown 1910)."""
    return 2 * r / (1 + r) if r > -1 else float("nan")


def reliability(halves: Mapping[str, np.ndarray], offsets: np.ndarray) -> list[dict[str, object]]:
    """How well the orders of tokens by two probes agree that saw disjoint halves of the texts.

    Args:
        halves: of `tables.halves_of`: `<column>#1` and `<column>#2`, [tokens] each.
        offsets: [texts + 1].

    Returns:
        Rows of `agreement.csv` of the index `instance` and the pair `<column>~<column>`, means over
        texts. `reliability`: Kendall's tau-b; `reliability_spearman`: Spearman's correlation;
        `reliability_stepped_up`: from the latter, that of the mean of both probes.
    """
    rows: list[dict[str, object]] = []
    for name in dict.fromkeys(name.partition(HALF)[0] for name in halves):
        first, second = (halves[f"{name}{half}"] for half in HALVES)
        tau = kendall_by_text(first, second, offsets)["tau"].to_numpy()
        rho = spearman(*(Ranked(values, offsets) for values in (first, second)))
        found = {"reliability": _mean(tau), "reliability_spearman": _mean(rho)}
        found["reliability_stepped_up"] = stepped_up(found["reliability_spearman"])
        known = int((~np.isnan(tau)).sum())
        counts = {"n": known, "excluded": len(tau) - known}
        rows += [
            {"index": "instance", "pair": f"{name}~{name}", "statistic": key, "value": value}
            | counts
            for key, value in found.items()
        ]
    return rows


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _spearman(x: pd.Series, y: pd.Series) -> float:
    one, other = (Ranked(v.to_numpy(), np.array([0, len(v)])) for v in (x, y))
    return float(spearman(one, other)[0])


def between_seeds(runs: Sequence[Mapping[str, np.ndarray]], offsets: np.ndarray) -> pd.DataFrame:
    """Correlate each measure within texts between the models of two seeds of a cell.

    Args:
        runs: for each seed, measure -> [tokens].
        offsets: [texts + 1].

    Returns:
        Rows of `agreement.csv` of the index `instance`, the pair `<measure>~<measure>` and the
        statistic `between_seeds`: Spearman's correlation, mean over texts and over pairs of seeds,
        the number of which is `n`. Empty with a single seed.
    """
    names = [name for name in runs[0] if all(name in run for run in runs)]
    ranked = [{name: average_ranks(run[name], offsets) for name in names} for run in runs]
    pairs = list(combinations(ranked, 2))
    return pd.DataFrame(
        {
            "index": "instance",
            "pair": f"{name}~{name}",
            "statistic": "between_seeds",
            "value": float(np.mean([_mean(pearson(a[name], b[name], offsets)) for a, b in pairs])),
            "n": len(pairs),
        }
        for name in names
        if pairs
    )


def split_half(states: States, pointwise: pd.DataFrame, column: str) -> pd.DataFrame:
    """Correlate the rankings of positions between halves of the texts.

    Texts of even and of odd number give each position a mean weight and a mean pvi. The correlation
    of the halves is corrected to the length of all texts by Spearman & Brown, 2r / (1 + r).

    Args:
        states: of the run.
        pointwise: of `read_pointwise`.
        column: of `pointwise`, with the pvi of positions.

    Returns:
        Rows of `agreement.csv` of the index `position`: `split_half_attention` and
        `split_half_information`. Empty if fewer than three positions have values, or there is no
        such column.
    """
    if column not in pointwise or np.ptp(states.score) == 0:
        return pd.DataFrame()
    table = pd.DataFrame(
        {
            "unit": states.position,
            "half": states.text % 2,
            "attention": states.attention.astype(np.float64),
            "information": pointwise[column].to_numpy(np.float64),
        }
    ).dropna()
    halves = table.groupby(["unit", "half"]).mean().unstack("half").dropna()
    if len(halves) < 3:
        return pd.DataFrame()
    found = {}
    for name in ("attention", "information"):
        r = _spearman(halves[name, 0], halves[name, 1])
        found[f"split_half_{name}"] = stepped_up(r)
    pair = f"attention~{column.removesuffix('_position')}"
    return pd.DataFrame(
        {"index": "position", "pair": pair, "statistic": key, "value": value, "n": len(halves)}
        for key, value in found.items()
    )
