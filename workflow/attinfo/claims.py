"""The paper's five conclusions as contrasts, declared before any result, and their verdicts.

A contrast is the difference of one statistic between two sets of cells that are alike in
everything named in `within`, paired by data set and seed. Each is worded so that a positive
effect supports the conclusion.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from attinfo.agreement import GAP_BINS
from attinfo.config import parse_normaliser
from attinfo.statistics import Interval, Ratios, interval, resample_replicates, text_weights

RUN = ["dataset", "encoder", "attention", "normaliser", "variant", "seed"]
CELL = RUN[:-1]


@dataclass(frozen=True)
class Statistic:
    """A number per run, as a signed sum of ratios of sums over texts.

    `terms` hold a sign, a column and its count column; without one the column is averaged over
    the texts in which it is defined. `per_entropy` divides by the entropy of the run's output.
    """

    label: str
    terms: tuple[tuple[int, str, str | None], ...]
    per_entropy: bool = False


def _usable(estimator: str, index: str) -> Statistic:
    suffix = "" if index == "instance" else f"_{index}"
    column = f"{estimator}_pvi{suffix}"
    terms = ((1, f"sum:{column}", f"count:{column}"),)
    return Statistic(f"I/H(Ŷ), {estimator}, by {index}", terms, per_entropy=True)


def _mean(label: str, column: str) -> Statistic:
    return Statistic(label, ((1, column, None),))


def _concordance(sign: int, bin: int) -> tuple[int, str, str]:
    return sign, f"concordant:{bin}", f"pairs:{bin}"


STATISTICS = {
    "information_position": _usable("linear", "position"),
    "information_rank": _usable("linear", "rank"),
    "information_instance": _usable("linear", "instance"),
    "information_position_knn": _usable("knn", "position"),
    "tau_gain": _mean("τ-b of attention and gain, within texts", "tau:linear_gain"),
    "tau_pvi": _mean("τ-b of attention and pvi, within texts", "tau:linear_pvi"),
    "tau_knn": _mean("τ-b of attention and kNN pvi, within texts", "tau:knn_pvi"),
    "entropy_ratio": _mean("entropy of attention / entropy of equal weights", "entropy_ratio"),
    "max_weight": _mean("largest weight in a text", "max_weight"),
    "gini": _mean("Gini coefficient of the weights", "gini"),
    "accuracy": _mean("test accuracy", "correct"),
    "concordance_rise": Statistic(
        "concordance, largest − smallest gap decile",
        (_concordance(1, GAP_BINS - 1), _concordance(-1, 0)),
    ),
    **{
        f"concordance_{bin}": Statistic(f"concordance, gap decile {bin + 1}", (_concordance(1, bin),))
        for bin in range(GAP_BINS)
    },
    **{f"gap_{bin}": _mean(f"mean gap, decile {bin + 1}", f"gap:{bin}") for bin in range(GAP_BINS)},
}


@dataclass(frozen=True)
class Contrast:
    """One comparison: `plus` against `minus` (or against `value`), among the runs of `among`.

    The sets are pandas queries over the columns dataset, encoder, attention, normaliser, kind
    and temperature (of the normaliser), variant and seed.
    """

    claim: str
    statement: str
    statistic: str
    plus: str
    minus: str | None = None
    within: tuple[str, ...] = ()
    among: str = "variant == 'trained'"
    sign: int = 1
    value: float = 0.0
    primary: bool = False


CONCLUSIONS = {
    "i": "Additive and Deep attention preserve more information between hidden states and "
    "output than Scaled Dot-product",
    "ii": "Additive attention actively learns to explain",
    "iii": "Where attention values are nearly equal, their order disagrees with the "
    "information order",
    "iv": "Gumbel-softmax below temperature one gives more skewed attention than softmax",
    "v": "Some building blocks, such as BiLSTM with Additive attention, keep the two orders "
    "better correlated",
}

_LEARNT = "attention in ['additive', 'deep']"
_DOT = "attention == 'scaled_dot'"
_ANY = "variant in ['trained', 'frozen_scorer', 'permuted', 'label_shuffled']"
_COLD_GUMBEL = "kind == 'gumbel_softmax' and temperature < 1"
_EXAMPLE = "encoder == 'bilstm' and attention == 'additive'"


def _preserve(statistic: str, statement: str, primary: bool = False) -> Contrast:
    blocks = ("encoder", "normaliser")
    return Contrast("i", statement, statistic, _LEARNT, _DOT, blocks, primary=primary)


def _learns(scorer: str, ablation: str, statement: str, primary: bool = False) -> Contrast:
    trained = f"attention == '{scorer}' and variant == 'trained'"
    ablated = f"attention == '{scorer}' and variant == '{ablation}'"
    blocks = ("encoder", "normaliser")
    return Contrast("ii", statement, "tau_gain", trained, ablated, blocks, _ANY, primary=primary)


CONTRASTS = (
    _preserve(
        "information_position", "I/H by position: additive and deep above scaled dot", primary=True
    ),
    _preserve("information_rank", "the same by attention rank"),
    _preserve("information_instance", "the same over all tokens"),
    _preserve("information_position_knn", "the same by position, nearest neighbours"),
    _learns(
        "additive",
        "frozen_scorer",
        "agreement: trained additive scorer above the same scorer frozen at random",
        primary=True,
    ),
    _learns("additive", "permuted", "the same against permuted weights"),
    _learns("additive", "label_shuffled", "the same against training on shuffled labels"),
    _learns("deep", "frozen_scorer", "deep scorer: trained above frozen"),
    _learns("scaled_dot", "frozen_scorer", "scaled-dot scorer: trained above frozen"),
    Contrast(
        "iii",
        "concordance with information: pairs in the largest gap decile above the smallest",
        "concordance_rise",
        plus="variant == 'trained'",
        primary=True,
    ),
    Contrast(
        "iii",
        "concordance in the smallest gap decile above one half (chance)",
        "concordance_0",
        plus="variant == 'trained'",
        value=0.5,
        sign=-1,
    ),
    Contrast(
        "iv",
        "entropy of attention: softmax above Gumbel-softmax at temperature < 1",
        "entropy_ratio",
        plus="normaliser == 'softmax'",
        minus=_COLD_GUMBEL,
        within=("encoder", "attention"),
        primary=True,
    ),
    Contrast(
        "iv",
        "the same against softmax at the same temperature: what the noise adds",
        "entropy_ratio",
        plus="kind == 'softmax' and temperature < 1",
        minus=_COLD_GUMBEL,
        within=("encoder", "attention", "temperature"),
    ),
    Contrast(
        "iv",
        "Gini of attention: Gumbel-softmax at temperature < 1 above softmax",
        "gini",
        plus=_COLD_GUMBEL,
        minus="normaliser == 'softmax'",
        within=("encoder", "attention"),
    ),
    Contrast(
        "v",
        "agreement: BiLSTM with additive above the other encoders and scorers",
        "tau_gain",
        plus=_EXAMPLE,
        minus=f"not ({_EXAMPLE})",
        within=("normaliser",),
        primary=True,
    ),
    Contrast(
        "v",
        "the same by pvi at the realised output",
        "tau_pvi",
        plus=_EXAMPLE,
        minus=f"not ({_EXAMPLE})",
        within=("normaliser",),
    ),
    Contrast(
        "v",
        "agreement: BiLSTM with additive above the per-token MLP with additive",
        "tau_gain",
        plus=_EXAMPLE,
        minus="encoder == 'mlp' and attention == 'additive'",
        within=("normaliser",),
    ),
)


@dataclass(frozen=True)
class Draws:
    """Bootstrap draws of one statistic: [1 + B, runs], row 0 over the texts as they are."""

    runs: pd.DataFrame
    values: np.ndarray


def describe_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """The identity of each run, with `kind` and `temperature` of its normaliser."""
    parsed = [parse_normaliser(name) for name in runs["normaliser"]]
    return runs.assign(
        kind=[kind for kind, _ in parsed], temperature=[temperature for _, temperature in parsed]
    )


def output_entropy(predicted: pd.Series) -> float:
    """Entropy of a run's predicted classes, in nats."""
    share = predicted.value_counts(normalize=True).to_numpy()
    return float(-(share * np.log(share)).sum())


def _column(table: pd.DataFrame, name: str) -> np.ndarray:
    """A column; NaN where the run has none, as uniform attention has no ranks."""
    return table.get(name, pd.Series(np.nan, table.index)).to_numpy(np.float64)


def draw(
    tables: Mapping[tuple[Any, ...], pd.DataFrame], statistic: Statistic, repeats: int, seed: int
) -> Draws:
    """Resample the texts of every run; runs of one data set share their texts and draws.

    Args:
        tables: run -> a row a text, as from `agreement.by_text`.
        statistic: what to compute.
        repeats: number of resamples B.
        seed: of the resampling.
    """
    runs = pd.DataFrame(tables.keys(), columns=RUN)
    values = np.empty((1 + repeats, len(runs)))
    for dataset, part in runs.groupby("dataset"):
        own = [tables[tuple(run)] for run in part.itertuples(index=False)]
        weights = text_weights(len(own[0]), repeats, seed, dataset)
        total = np.zeros((1 + repeats, len(own)))
        for sign, column, count in statistic.terms:
            numerator = np.stack([_column(t, column) for t in own], 1)
            if count is None:
                denominator = (~np.isnan(numerator)).astype(np.float64)
                numerator = np.nan_to_num(numerator)
            else:
                denominator = np.stack([_column(t, count) for t in own], 1)
            total += sign * Ratios(numerator, denominator).over(weights)
        if statistic.per_entropy:
            entropies = np.array([output_entropy(t["predicted"]) for t in own])
            with np.errstate(invalid="ignore", divide="ignore"):
                total /= np.where(entropies > 0, entropies, np.nan)
        values[:, part.index] = total
    return Draws(describe_runs(runs), values)


def replicate_effects(draws: Draws, contrast: Contrast) -> tuple[np.ndarray, int]:
    """[1 + B, replicates] effects of a contrast, and how many strata each is a mean of.

    A replicate is a data set and a seed. Within it the difference is taken in each stratum (the
    cells alike in `within`) that has both sides, and averaged over the strata. A run in which
    the statistic is undefined takes no part.
    """
    runs = draws.runs[np.isfinite(draws.values).all(0)].query(contrast.among)
    side = pd.Series(0, index=runs.index)
    side[runs.query(contrast.plus).index] = 1
    if contrast.minus is not None:
        side[runs.query(contrast.minus).index] = -1
    effects, strata = [], 0
    for _, replicate in runs[side != 0].groupby(["dataset", "seed"], sort=True):
        differences = []
        keys = list(contrast.within)
        groups: Iterable[Any] = replicate.groupby(keys) if keys else [((), replicate)]
        for _, stratum in groups:
            plus = stratum.index[side[stratum.index] == 1]
            minus = stratum.index[side[stratum.index] == -1]
            if len(plus) == 0 or (contrast.minus is not None and len(minus) == 0):
                continue
            against = draws.values[:, minus].mean(1) if len(minus) else contrast.value
            differences.append(draws.values[:, plus].mean(1) - against)
        if differences:
            effects.append(contrast.sign * np.mean(differences, axis=0))
            strata = len(differences)
    return np.stack(effects, 1) if effects else np.empty((len(draws.values), 0)), strata


def verdict(estimate: float, p: float, level: float) -> str:
    """supported, contradicted or undetermined, from an adjusted p."""
    if not p < 1 - level:
        return "undetermined"
    return "supported" if estimate > 0 else "contradicted"


def judge(draws: Mapping[str, Draws], level: float, seed: int) -> pd.DataFrame:
    """The table `claims.csv`: each contrast with effect, interval, adjusted p and verdict.

    The five primary contrasts are adjusted together by Holm, the others by Benjamini and
    Hochberg.
    """
    rows = []
    for contrast in CONTRASTS:
        effects, strata = replicate_effects(draws[contrast.statistic], contrast)
        count = effects.shape[1]
        found = Interval(np.nan, np.nan, np.nan, np.nan)
        if count:
            # The same draws of seeds for every contrast: they are paired.
            found = interval(resample_replicates(effects, seed, count), level)
        note = "" if count else "this study has no runs to compare"
        if count == 1:
            note = "one seed: the interval is of these models, over texts alone"
        rows.append(
            {
                "claim": contrast.claim,
                "role": "primary" if contrast.primary else "secondary",
                "contrast": contrast.statement,
                "statistic": contrast.statistic,
                "n": count,
                "strata": strata,
                "estimate": found.estimate,
                "ci_low": found.low,
                "ci_high": found.high,
                "p": found.p,
                "note": note,
            }
        )
    table = pd.DataFrame(rows)
    for role, method, column in (("primary", "holm", "p_holm"), ("secondary", "fdr_bh", "p_bh")):
        judged = (table["role"] == role) & table["p"].notna()
        if judged.any():
            adjusted = multipletests(table.loc[judged, "p"], method=method)[1]
            table.loc[judged, column] = adjusted
    adjusted = table["p_holm"].fillna(table["p_bh"]) if "p_bh" in table else table["p_holm"]
    table["verdict"] = [
        verdict(e, p, level) for e, p in zip(table["estimate"], adjusted, strict=True)
    ]
    return table


def summarise(
    draws: Mapping[str, Draws], level: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every statistic of every run (`runs.csv`, wide) and cell (`cells.csv`, with intervals)."""
    runs = next(iter(draws.values())).runs[RUN].copy()
    cells = []
    for name, drawn in draws.items():
        runs[name] = drawn.values[0]
        for cell, part in drawn.runs.groupby(CELL, sort=False):
            found = interval(resample_replicates(drawn.values[:, part.index], seed, len(part)), level)
            row = dict(zip(CELL, cell, strict=True)) | {"statistic": name, "seeds": len(part)}
            cells.append(row | {"estimate": found.estimate, "ci_low": found.low, "ci_high": found.high})
    return runs, pd.DataFrame(cells)


def settle(
    texts: Iterable[pd.DataFrame], level: float, repeats: int, seed: int
) -> dict[str, pd.DataFrame]:
    """From the text tables of all cells to the tables `claims`, `runs` and `cells`."""
    tables = {
        run: table.reset_index(drop=True).assign(correct=table["label"].eq(table["predicted"]).to_numpy())
        for frame in texts
        for run, table in frame.groupby(RUN, sort=True)
    }
    draws = {name: draw(tables, s, repeats, seed) for name, s in STATISTICS.items()}
    runs, cells = summarise(draws, level, seed)
    return {"claims": judge(draws, level, seed), "runs": runs, "cells": cells}
