"""How far each estimate can be trusted: extrapolation, reliability, calibration and flags.

These columns are added to the table of the whole study, because they need the calibration and the
other units of the same run. We chose the thresholds.
"""

import numpy as np
import pandas as pd

from attinfo.blocks.estimators import ESTIMATORS

RUN = ["dataset", "encoder", "attention", "normaliser", "variant", "seed"]
TASK = "gaussian"  # what every estimator should find, given enough texts
TOO_FAR = 0.2  # of the truth: a larger bias of calibration flags `too_few_texts`
APART = 0.1  # of H(output): a larger difference flags `estimators_disagree`
OF_ITS_OWN = {"token_type", *(n for n, e in ESTIMATORS.items() if e.needs_output_layer)}
RELIABLE = 0.7  # of a ranking: a lower reliability flags `ranking_unreliable`


def trusted(information: pd.DataFrame, calibration: pd.DataFrame) -> pd.DataFrame:
    """Add columns that show how far each estimate can be trusted.

    Args:
        information: rows of `information.parquet` of all runs.
        calibration: rows of `calibration.calibrate` for all tasks and data sets.

    Returns:
        The same rows with the columns
        `mi_extrapolated`: to infinitely many texts, if the bias falls as 1 / n: twice the
        estimate less the mean of those from the halves of the texts;
        `ranking_reliability`: of the order of the run's units, from those halves;
        `calibrated_bias`, `calibrated_spread`: in nats, on the task of the nearest size;
        and the flags that follow.
    """
    table = information.reset_index(drop=True)
    table["mi_extrapolated"] = 2 * table["mi_nats"] - (table["half_1"] + table["half_2"]) / 2
    table["ranking_reliability"] = ranking_reliability(table)
    nearest = nearest_calibration(table, calibration)
    table = pd.concat([table, nearest[["calibrated_bias", "calibrated_spread"]]], axis=1)
    raised = {
        "too_few_texts": nearest["relative_bias"] > TOO_FAR,
        "estimators_disagree": disagreement(table),
        "ranking_unreliable": table["ranking_reliability"] < RELIABLE,
    }
    # Constant outputs or states have no information, so these flags would mean nothing.
    silent = table["flags"].str.contains("constant_")
    for flag, where in raised.items():
        table.loc[where & ~silent, "flags"] += f" {flag}"
    return table.assign(flags=table["flags"].str.strip())


def ranking_reliability(table: pd.DataFrame) -> pd.Series:
    """Spearman's correlation of the units' estimates in two halves of the texts, stepped up.

    By the formula of Spearman and Brown to that of all texts. NaN for `instance`, for spot checks
    and where fewer than three units are ranked.
    """
    reliability = pd.Series(np.nan, table.index)
    ranked = table[(table["index"] != "instance") & table["half_1"].notna()]
    for _, units in ranked.groupby([*RUN, "index", "estimator"]):
        if len(units) > 2:
            r = units["half_1"].rank().corr(units["half_2"].rank())
            reliability[units.index] = 2 * r / (1 + r) if r > 0 else r
    return reliability


def nearest_calibration(table: pd.DataFrame, calibration: pd.DataFrame) -> pd.DataFrame:
    """For each row the bias and spread at the nearest number of texts, rank and level.

    `relative_bias`: the mean size of the bias over all levels at that number of texts and rank, as
    a share of the mean truth. NaN where an estimator was not calibrated.
    """
    columns = ["calibrated_bias", "calibrated_spread", "relative_bias"]
    found = pd.DataFrame(np.nan, index=table.index, columns=columns)
    known = calibration[calibration["task"] == TASK]
    for (dataset, estimator), rows in table.groupby(["dataset", "estimator"]):
        own = known[(known["dataset"] == dataset) & (known["estimator"] == estimator)]
        if own.empty:
            continue
        place = [_nearest(own["n"], rows["n"]), _nearest(own["rank"], rows["effective_rank"])]
        levels = own["level"].unique()
        level = np.abs(rows["mi_over_h"].fillna(0).to_numpy()[:, None] - levels).argmin(1)
        at = own.set_index(["n", "rank", "level"]).sort_index()
        exact = at.loc[list(zip(*place, levels[level], strict=True)), ["bias", "spread"]]
        found.loc[rows.index, columns[:2]] = exact.to_numpy()
        mean = own.assign(bias=own["bias"].abs()).groupby(["n", "rank"])[["bias", "truth"]].mean()
        share = (mean["bias"] / mean["truth"]).loc[list(zip(*place, strict=True))]
        found.loc[rows.index, "relative_bias"] = share.to_numpy()
    return found


def _nearest(known: pd.Series, asked: pd.Series) -> np.ndarray:
    """For each value asked for, the known value nearest in ratio."""
    values = known.unique()
    places = np.log(np.maximum(asked.to_numpy(np.float64), 1))  # all states equal: rank 0
    distance = np.abs(places[:, None] - np.log(values))
    return values[np.nan_to_num(distance).argmin(1)]


def disagreement(table: pd.DataFrame) -> pd.Series:
    """Whether another estimator of the same unit is far off, its interval apart from this one's.

    The information in the word itself, and what the output layer alone can read, are not other
    estimates of the same thing.
    """
    apart = pd.Series(False, table.index)
    same = table[~table["estimator"].isin(OF_ITS_OWN)]
    for _, rows in same.groupby([*RUN, "index", "unit"]):
        mi, low, high = (rows[c].to_numpy() for c in ("mi_nats", "ci_low", "ci_high"))
        far = np.abs(mi[:, None] - mi) > APART * rows["h_output"].iloc[0]
        disjoint = (low[:, None] > high) | (high[:, None] < low)
        apart[rows.index] = (far & disjoint).any(1)
    return apart
