"""The data sets of a study as a sample: what to expect on a new one, and what effects go with.

The verdicts take the data sets of a study as they are. Here each data set is one draw from many,
and the effect of a contrast varies between them (random effects).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import permutation_test, rankdata, zscore
from scipy.stats import t as student
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests

from attinfo.keys import ALL
from attinfo.runtime.seeds import seed_of

LEAST = 3  # data sets; with fewer, the spread between them has no interval
LEAST_RANKED = 5  # data sets; with fewer, no order of them can be significant at .05
PERMUTATIONS = 9999
CONTRAST = ["claim", "role", "contrast", "statistic"]
PROPERTIES = {  # of a data set: label
    "training_texts": "training texts",
    "classes": "classes",
    "largest_class": "share of the largest class",
    "length": "median length, tokens",
    "vocabulary": "vocabulary",
    "accuracy": "accuracy of trained models",
}
ACROSS = [
    *CONTRAST,
    *("data_sets", "positive", "estimate", "ci_low", "ci_high", "p"),
    *("new_low", "new_high", "tau", "i2"),
]
MODERATORS = [*CONTRAST, "property", "data_sets", "rho", "p", "p_bh"]


def across(claims: pd.DataFrame, level: float) -> pd.DataFrame:
    """The mean effect over data sets and the range of the effect on a new data set.

    The spread `tau` between data sets is that of Paule and Mandel. The standard error of the mean
    is that of Hartung and Knapp, or the plain one where that is larger; it has k - 1 degrees of
    freedom for k data sets. The prediction interval adds the spread to this error and has k - 2.

    Args:
        claims: `claims.csv`; the rows of single data sets of primary and co-primary contrasts are
            read.
        level: of both intervals.

    Returns:
        One row per contrast with at least three data sets whose effects all have a standard error;
        with one seed, errors are over texts alone. Columns: `estimate` with `ci_low`, `ci_high` and
        `p`, of the mean; `new_low` and `new_high`, the prediction interval; `tau`, in the unit of
        the effect; `i2`, the share of the variance of the effects that is between data sets.

    References:
        Paule and Mandel 1982, Journal of Research of the National Bureau of Standards 87;
        Hartung and Knapp 2001, Statistics in Medicine 20, with the bound of Röver, Knapp and Friede
        2015, BMC Medical Research Methodology 15; Higgins, Thompson and Spiegelhalter 2009, Journal
        of the Royal Statistical Society A 172, for the prediction interval.
    """
    rows = []
    for key, own in _contrasts(claims, LEAST):
        variance = own["se_seeds"].fillna(0) ** 2 + own["se_texts"] ** 2
        effects = own["estimate"].to_numpy()
        if not (variance > 0).all():
            continue
        k = len(own)
        found = combine_effects(effects, variance.to_numpy(), method_re="iterated", use_t=True)
        error = max(found.sd_eff_w_re, found.sd_eff_w_re_hksj)
        mean, tau2 = float(found.mean_effect_re), max(float(found.tau2), 0.0)
        half = student.ppf((1 + level) / 2, k - 1) * error
        reach = student.ppf((1 + level) / 2, k - 2) * np.sqrt(tau2 + error**2)
        rows.append(
            key
            | {
                "data_sets": k,
                "positive": int((effects > 0).sum()),
                "estimate": mean,
                "ci_low": mean - half,
                "ci_high": mean + half,
                "p": float(2 * student.sf(abs(mean) / error, k - 1)),
                "new_low": mean - reach,
                "new_high": mean + reach,
                "tau": float(np.sqrt(tau2)),
                "i2": max(float(found.i2), 0.0),
            }
        )
    return pd.DataFrame(rows, columns=ACROSS)


def properties(runs: pd.DataFrame, summaries: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """The properties of data sets with which an effect may go: one row per data set.

    Args:
        runs: `runs.csv`.
        summaries: data set -> its `summary.json`.
    """
    trained = runs[runs["variant"] == "trained"]
    accuracy = trained.groupby("dataset")["accuracy"].mean()
    rows = []
    for name, summary in summaries.items():
        train, test = summary["splits"]["train"], summary["splits"]["test"]
        counts = np.array(test["class_counts"], float)
        rows.append(
            {
                "dataset": name,
                "training_texts": train["texts"],
                "classes": len(summary["classes"]) or np.nan,
                "largest_class": counts.max() / counts.sum() if len(counts) else np.nan,
                "length": test["median_tokens"],
                "vocabulary": summary["vocabulary"],
                "accuracy": accuracy.get(name, np.nan),
            }
        )
    return pd.DataFrame(rows, columns=["dataset", *PROPERTIES])


def moderators(claims: pd.DataFrame, described: pd.DataFrame) -> pd.DataFrame:
    """Which property of a data set the effect of a contrast goes with.

    This explores: with ten data sets only a strong relation is found, and one that is found may
    come from another property. So p is adjusted over all rows by Benjamini and Hochberg.

    Args:
        claims: `claims.csv`, read as `across` reads it.
        described: of `properties`.

    Returns:
        One row per contrast and property with at least five data sets: Spearman's `rho`, its `p`
        by permutation, and `p_bh`. Properties that are the same everywhere are left out.
    """
    rows = []
    for key, own in _contrasts(claims, LEAST_RANKED):
        joined = own.merge(described, on="dataset")
        for name in PROPERTIES:
            known = joined[[name, "estimate"]].dropna()
            if len(known) < LEAST_RANKED or known[name].nunique() < 2:
                continue
            rho, p = _spearman(known[name].to_numpy(float), known["estimate"].to_numpy(), *key)
            rows.append(key | {"property": name, "data_sets": len(known), "rho": rho, "p": p})
    table = pd.DataFrame(rows, columns=MODERATORS)
    if len(table):
        table["p_bh"] = multipletests(table["p"], method="fdr_bh")[1]
    return table


def _contrasts(claims: pd.DataFrame, least: int) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """The name of each contrast that a verdict rests on, and its effect on each data set."""
    own = claims[claims["role"].isin(["primary", "co-primary"]) & (claims["dataset"] != ALL)]
    for names, rows in own.dropna(subset=["estimate"]).groupby(CONTRAST, sort=False):
        if len(rows) >= least:
            yield dict(zip(CONTRAST, names, strict=True)), rows.reset_index(drop=True)


def _spearman(x: np.ndarray, y: np.ndarray, *key: object) -> tuple[float, float]:
    """Spearman's rank correlation, and its two-sided p by permutation."""
    first, second = zscore(rankdata(x)), zscore(rankdata(y))
    found = permutation_test(
        (second,),
        lambda shuffled, axis=-1: (first * shuffled).mean(axis),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(seed_of("moderators", *key)),
    )
    return float(found.statistic), float(found.pvalue)
