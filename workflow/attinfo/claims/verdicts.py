"""The verdict on each contrast: interval, adjusted p, detectable effect, reason in words."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests

from attinfo.claims.contrast import Contrast
from attinfo.claims.effects import Effects
from attinfo.keys import ALL
from attinfo.labels import on_data_sets
from attinfo.statistics.intervals import detectable, equivalence_p, interval, mean_of

VERDICTS = ("supported", "equivalent", "contradicted", "undetermined")
NO_RUNS = "this study has no runs to compare"
ONE_SEED = "one seed: the interval is of these models, over texts alone"
MOST_NAMED = 3  # contrasts of the opposite sign that a reason names
MOST_SEEDS = 1000  # a larger number of seeds is not reported


def _row(
    contrast: Contrast, dataset: str, found: Mapping[str, Effects], level: float, seed: int
) -> dict[str, Any]:
    """One row of `claims.csv`, before p is adjusted."""
    effects = [own.values for own in found.values() if own.values.shape[1]]
    row: dict[str, Any] = {
        "claim": contrast.claim,
        "role": contrast.role,
        "dataset": dataset,
        "contrast": contrast.statement,
        "about": contrast.about,
        "statistic": contrast.statistic,
        "n": sum(own.shape[1] for own in effects),
        "datasets": len(effects),
        "strata": max((own.strata for own in found.values()), default=0),
        "runs": sum(own.used for own in found.values()),
        "excluded": sum(own.excluded for own in found.values()),
        "unpaired": sum(own.unpaired for own in found.values()),
        "margin": np.nan if contrast.margin is None else contrast.margin,
        "positive": sum(own[0].mean() > 0 for own in effects),
        "beyond": 0,
        "each": contrast.each,
        "note": "",
    }
    unknown = dict.fromkeys(
        ("estimate", "ci_low", "ci_high", "se_seeds", "se_texts", "df", "p"), np.nan
    )
    if not effects:
        return row | unknown | {"note": NO_RUNS}
    if contrast.each:
        return row | _of_each_run(contrast, effects, level)
    # The same draws of seeds for every contrast: they are paired.
    mean = mean_of(effects, seed, row["n"])
    estimate, low, high, p = interval(mean.draws, level)
    if contrast.margin is not None:
        p = equivalence_p(mean.draws, contrast.margin)
    if len(effects) < len(found):
        row["note"] = f"on {', '.join(n for n, o in found.items() if o.values.shape[1])} alone"
    if mean.df == 0:
        p, row["note"] = np.nan, ONE_SEED
    values = (estimate, low, high, *mean[1:], p)
    return row | dict(zip(unknown, values, strict=True))


def _of_each_run(contrast: Contrast, effects: Sequence[np.ndarray], level: float) -> dict[str, Any]:
    """The part of a row that is about single runs, of a contrast that claims a margin of each.

    The effect is the mean size of the deviations, so that opposite ones do not cancel; its interval
    is of these runs, over texts. All runs are within the margin if the run with the largest p is
    (Berger 1982, Technometrics 24). `beyond` counts the runs whose interval lies outside, at a
    level for all runs together.
    """
    draws, margin = np.concatenate(effects, axis=1), contrast.margin or 0.0
    size = np.abs(draws)
    ends = interval(size.mean(1), level)
    tails = np.quantile(draws[1:], [(1 - level) / 2, (1 + level) / 2], axis=0)
    outside = int((size[0] > margin).sum())
    each = draws.shape[1]
    # Of many runs the tails are too thin for percentiles, so they are those of a normal.
    far = norm.ppf(1 - (1 - level) / 2 / each) / norm.ppf((1 + level) / 2)
    half = (tails[1] - tails[0]) / 2 * far
    return {
        "estimate": ends.estimate,
        "ci_low": ends.low,
        "ci_high": ends.high,
        "se_seeds": np.nan,
        "se_texts": float(size[1:].mean(1).std()),
        "df": np.nan,
        "p": max(equivalence_p(own, margin) for own in draws.T),
        "beyond": int((size[0] - half > margin).sum()),
        "note": f"in {outside} of {each} runs the deviation is larger than {margin:g}",
    }


def verdict(row: Mapping[str, Any], level: float) -> str:
    """Decide on a row: one of `VERDICTS`.

    `equivalent` takes the place of `supported` where the contrast claims that there is no effect.
    Such a claim is contradicted where the whole interval lies beyond the margin; if it is of each
    run, where that of any run does.
    """
    adjusted = row["p_bh"] if np.isnan(row["p_holm"]) else row["p_holm"]
    if not np.isnan(row["margin"]):
        if adjusted < 1 - level:
            return "equivalent"
        beyond = row["ci_low"] > row["margin"] or row["ci_high"] < -row["margin"]
        beyond = beyond or row["beyond"] > 0
        return "contradicted" if beyond and not np.isnan(adjusted) else "undetermined"
    if not adjusted < 1 - level:
        return "undetermined"
    return "supported" if row["estimate"] > 0 else "contradicted"


def _seeds_needed(row: Mapping[str, Any], alpha: float) -> int | None:
    """Seeds per data set with which 80 % of studies would detect an effect of the size found."""
    each = row["n"] / row["datasets"]

    def detected(seeds: int) -> bool:
        more = seeds / each
        df = row["df"] * (seeds - 1) / (each - 1)
        least = detectable(row["se_seeds"] / np.sqrt(more), row["se_texts"], df, alpha)
        return least <= abs(row["estimate"])

    candidates = range(2, MOST_SEEDS + 1)
    place = bisect_left(candidates, True, key=detected)
    return candidates[place] if place < len(candidates) else None


def reason(row: Mapping[str, Any], level: float, alpha: float, conclusions: int) -> str:
    """Explain a verdict in words, and what would change it.

    Args:
        row: of `claims.csv`, with `verdict` and `mde`.
        level: of the interval.
        alpha: a p below it is significant after adjustment, whatever the other rows are.
        conclusions: how many primary contrasts were adjusted together.
    """
    if row["n"] == 0:
        return f"{NO_RUNS}."
    parts = [
        f"Effect {row['estimate']:+.3f}, {level:.0%} interval {row['ci_low']:+.3f} to "
        f"{row['ci_high']:+.3f}, over {_replicates(row)}."
    ]
    joint = _why_not_joint(row, level)
    if joint:
        parts.append(joint)
    elif row["note"] == ONE_SEED:
        parts.append("One seed shows nothing about retrained models: two or more could decide.")
    elif not np.isnan(row["margin"]):
        parts.append(_why_equivalent(row))
    elif row["verdict"] == "undetermined":
        parts.append(_why_open(row, alpha, conclusions))
    else:
        nearer = row["ci_low"] if row["estimate"] > 0 else row["ci_high"]
        ratio = row["estimate"] / (row["estimate"] - nearer)
        parts.append(f"The interval would reach 0 if it were {ratio:.1f} times as wide.")
    if row["datasets"] > 1:
        parts.append(f"The effect is positive on {row['positive']} of {row['datasets']} data sets.")
    if row["excluded"]:
        parts.append(f"{row['excluded']} runs are left out: the statistic is undefined there.")
    return " ".join(parts)


def _why_not_joint(row: Mapping[str, Any], level: float) -> str:
    """Why a conclusion is open although its primary contrast alone would be called."""
    alone = row["role"] == "primary" and row["p"] < row["p_joint"]
    if not alone or row["verdict"] != "undetermined" or not row["p"] < 1 - level:
        return ""
    if row["p_joint"] == 1:
        return "Its co-primary contrasts do not all have this sign, or lack runs."
    return f"Not all co-primary contrasts are significant (largest p {row['p_joint']:.3f})."


def _replicates(row: Mapping[str, Any]) -> str:
    return on_data_sets(row["n"], "run" if row["each"] else "seed", row["datasets"])


def _why_equivalent(row: Mapping[str, Any]) -> str:
    margin = f"±{row['margin']:g}"
    if row["each"]:
        shown = {
            "equivalent": f"both one-sided tests place every run within {margin}",
            "contradicted": "in some of them by more than chance explains",
        }
        why = shown.get(row["verdict"], f"it is not shown that every run is within {margin}")
        return f"The effect is the mean size of the deviations; {row['note']}, {why}."
    if row["verdict"] == "equivalent":
        return f"Both one-sided tests place it within {margin}."
    if row["verdict"] == "contradicted":
        return f"The interval lies beyond {margin}."
    return f"It is not shown to be within {margin}, nor beyond it; more seeds would narrow it."


def _why_open(row: Mapping[str, Any], alpha: float, conclusions: int) -> str:
    family = f"{conclusions} conclusions" if row["p_holm"] > 0 else "other rows"
    why = "The interval covers 0"
    if not row["ci_low"] <= 0 <= row["ci_high"]:
        p = row["p_holm"] if row["p_holm"] > 0 else row["p_bh"]
        why = f"The interval excludes 0, but not once p is adjusted for the {family} ({p:.3f})"
    open_ = f"{why}. With {_replicates(row)} effects below {row['mde']:.3f} may well be missed"
    needed = _seeds_needed(row, alpha)
    if needed is None:
        return f"{open_}; for one as small as that found {MOST_SEEDS} seeds would not do."
    where = " a data set" if row["datasets"] > 1 else ""
    return f"{open_}; one of the size found calls for about {needed} seeds{where}."


def _checks(table: pd.DataFrame, primary: Mapping[str, Any]) -> str:
    """Verdicts on the other contrasts of a conclusion, and those with the opposite sign."""
    others = table[(table["claim"] == primary["claim"]) & (table["role"] != "primary")]
    others = others[(others["dataset"] == ALL) & (others["n"] > 0)]
    if others.empty or not primary["n"]:
        return ""
    counts = others["verdict"].value_counts()
    verdicts = ", ".join(f"{counts[v]} {v}" for v in VERDICTS if v in counts)
    other_way = others["margin"].isna() & (others["estimate"] * primary["estimate"] < 0)
    turned = others[other_way].sort_values("p", kind="stable")
    named = "; ".join(
        f"{row.contrast} ({row.estimate:+.3f}, {row.verdict})"
        for row in turned.head(MOST_NAMED).itertuples()
    )
    if len(turned) > MOST_NAMED:
        named += f"; and {len(turned) - MOST_NAMED} more"
    return f" Its other contrasts: {verdicts}." + f" Of the opposite sign: {named}." * bool(named)


def judge(
    effects: Mapping[Contrast, Mapping[str, Effects]], level: float, seed: int
) -> pd.DataFrame:
    """Make `claims.csv`: effect, interval, adjusted p, verdict and reason of each contrast.

    The p of the conclusions over all data sets, which is that of the primary contrast unless there
    are co-primary ones, are adjusted together by Holm, those of all other rows together by
    Benjamini and Hochberg. With several data sets there is a row for each of
    them beside the mean over all.

    Args:
        effects: contrast -> data set -> effects.
        level: of intervals and verdicts, such as 0.95.
        seed: of the draws of seeds.
    """
    rows = []
    for contrast, found in effects.items():
        rows.append(_row(contrast, ALL, found, level, seed))
        where = {name: own for name, own in found.items() if own.values.shape[1]}
        if len(where) > 1:
            rows += [_row(contrast, name, {name: own}, level, seed) for name, own in where.items()]
    table = pd.DataFrame(rows).assign(p_holm=np.nan, p_bh=np.nan)
    first = (table["role"] == "primary") & (table["dataset"] == ALL)
    table["p_joint"] = _joint(table)
    families = ((first, "p_joint", "holm", "p_holm"), (~first, "p", "fdr_bh", "p_bh"))
    for family, given, method, column in families:
        judged = family & table[given].notna()
        if judged.any():
            adjusted = multipletests(table.loc[judged, given], method=method)[1]
            table.loc[judged, column] = adjusted
    conclusions = max(int((first & table["p"].notna()).sum()), 1)
    alpha = np.where(first, (1 - level) / conclusions, 1 - level)
    table["mde"] = [
        detectable(seeds, texts, df, a) if df > 0 else np.nan
        for seeds, texts, df, a in zip(
            table["se_seeds"], table["se_texts"], table["df"], alpha, strict=True
        )
    ]
    table.loc[table["margin"].notna(), "mde"] = np.nan
    records = table.to_dict("records")
    table["verdict"] = [verdict(row, level) for row in records]
    table["reason"] = [
        reason(row, level, a, conclusions)
        for row, a in zip(table.to_dict("records"), alpha, strict=True)
    ]
    table.loc[first, "reason"] += [_checks(table, row) for row in table[first].to_dict("records")]
    return table.drop(columns=["positive", "beyond", "each"])


def _joint(table: pd.DataFrame) -> pd.Series:
    """The p of all primary and co-primary contrasts of a conclusion together, in their rows.

    The conclusion is called only if each contrast is significant and all have one sign. So its p is
    the largest of theirs (Berger 1982, Technometrics 24), and 1 if signs differ or one has no runs.
    NaN in other rows.
    """
    joint = pd.Series(np.nan, table.index)
    own = table[table["role"].isin(["primary", "co-primary"])]
    for _, rows in own.groupby(["claim", "dataset"]):
        known = rows["p"].notna()
        signs = set(np.sign(rows.loc[known, "estimate"]))
        if known[rows["role"] == "primary"].any():
            joint[rows.index] = rows["p"].max() if known.all() and len(signs) == 1 else 1.0
    return joint
