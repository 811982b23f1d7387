"""What a run's job tells: a row a text for the claims, and rows of `agreement.csv`."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from attinfo.agreement.gaps import gap_columns
from attinfo.agreement.kendall import Concordance, concordance, nan_in_text, pooled
from attinfo.agreement.pairs import text_of
from attinfo.agreement.planted import found_by_text
from attinfo.agreement.plausibility import plausible_by_text
from attinfo.agreement.ranks import (
    Ranked,
    is_constant,
    pearson,
    spearman,
    tau_on_support,
    top_overlap,
    top_tau,
    weighted_tau,
)
from attinfo.agreement.skew import skew_at, skew_by_text
from attinfo.runtime.seeds import seed_of
from attinfo.states.store import States

# Measures with a sign that attention has not: compared by size, as Jain & Wallace do gradients.
SIGNED = ("gradient", "integrated_gradients", "leave_one_out")
CONTROLS = ("position", "frequency")


def read_pointwise(paths: Iterable[str | Path]) -> pd.DataFrame:
    """The tables of a run's tokens by each of its estimators, side by side."""
    table = pd.concat(map(pd.read_parquet, paths), axis=1)
    return table.loc[:, ~table.columns.duplicated()]  # text, token and attention once


def measures_of(
    pointwise: pd.DataFrame, importance: pd.DataFrame | None = None
) -> dict[str, np.ndarray]:
    """[tokens] of each measure that all tokens have: information, and importance by size."""
    found = {}
    for name in pointwise.columns.drop(["text", "token", "attention"]):
        if not name.endswith(("_position", "_rank")):  # values of units do not cover the texts
            found[name] = pointwise[name].to_numpy(np.float64)
    if importance is not None:
        for name in importance.columns.drop(["text", "token"]):
            values = importance[name].to_numpy(np.float64)
            found[name] = np.abs(values) if name in SIGNED else values
    return found


def controls_of(states: States) -> dict[str, np.ndarray]:
    """[tokens] what may stand behind an agreement: `position`, from the start, and `frequency`,
    how often the token's word occurs in the analysed texts.
    """
    return {
        "position": states.position.astype(np.float64),
        "frequency": np.bincount(states.token_id)[states.token_id].astype(np.float64),
    }


def permutation(offsets: np.ndarray, run: str) -> np.ndarray:
    """[tokens] a token of the same text for each token, every one once; each run has its own."""
    rng = np.random.default_rng(seed_of("permuted attention", run))
    return np.lexsort((rng.random(offsets[-1]), text_of(offsets)))


def excluded_texts(score: np.ndarray, values: np.ndarray, offsets: np.ndarray) -> dict[str, int]:
    """Why texts have no rank correlation, each counted once, for the first of these reasons."""
    reasons = {
        "not_a_number": nan_in_text(score, offsets) | nan_in_text(values, offsets),
        "one_token": np.diff(offsets) == 1,
        "constant_attention": is_constant(score, offsets),
        "constant_measure": is_constant(values, offsets),
    }
    left, counts = np.ones(len(offsets) - 1, bool), {}
    for name, holds in reasons.items():
        counts[name] = int((left & holds).sum())
        left &= ~holds
    return counts


def _statistics(
    name: str,
    measures: Mapping[str, Ranked],
    states: States,
    pairs: Concordance,
) -> dict[str, np.ndarray]:
    """[texts] every rank statistic of attention and a measure."""
    score, other = measures["attention"], measures[name]
    values, offsets = other.values, states.offsets
    sparse = (states.attention == 0).any()
    tau = pairs.tau("attention", name)
    return {
        "tau": tau,
        "weighted_tau": weighted_tau(score, other),
        "spearman": spearman(score, other),
        "pearson": pearson(states.attention, values, offsets),
        "topk_overlap": top_overlap(score, other),
        "topk_tau": top_tau(score, other),
        "tau_support": (
            tau_on_support(score.values, states.attention, values, offsets) if sparse else tau
        ),
        "partial_position": pairs.partial("attention", name, "position"),
        "partial_frequency": pairs.partial("attention", name, "frequency"),
        "tau_permuted": pairs.tau("permuted", name),
    }


def _row(pair: str, statistic: str, values: np.ndarray, lengths: np.ndarray) -> dict[str, object]:
    """A row of `agreement.csv`: the mean over texts, and the one by null variance."""
    known = ~np.isnan(values)
    return {
        "index": "instance",
        "pair": pair,
        "statistic": statistic,
        "value": values[known].mean() if known.any() else np.nan,
        "value_weighted": pooled(values, lengths),
        "n": int(known.sum()),
        "excluded": int((~known).sum()),
    }


def by_text(
    states: States,
    pointwise: pd.DataFrame,
    decisive: np.ndarray | None = None,
    importance: pd.DataFrame | None = None,
    rated: np.ndarray | None = None,
    temperatures: Iterable[float] = (),
    run: str = "",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Everything the claims need of one run, summed by text, so that texts can be resampled.

    Args:
        states: of the run, without `hidden`.
        pointwise: the run's `pointwise.parquet`.
        decisive: [tokens] bool, where it is known which tokens decide the label.
        importance: the run's `importance.parquet`, where there is one.
        rated: [tokens] bool, where a human yardstick rates words; see `plausible_by_text`.
        temperatures: of the study's normalisers, at which the skew of the scores is told too.
        run: names the run, so that attention is permuted in a way of its own.

    Returns:
        A row a text: label, predicted, tokens; the skew of its weights; what `gap_columns` and,
        where `decisive` is known, `found_by_text` tell; for each pointwise column its sum and its
        count of tokens (`sum:`, `count:`); `<statistic>:<measure>` of attention with each
        measure (tau, weighted_tau, spearman, pearson, topk_overlap, topk_tau, tau_support,
        partial_position, partial_frequency, tau_permuted, ceiling); `tau:position` and
        `tau:frequency`; `tau:<a>~<b>` of other pairs. A text with NaN in its weights is undefined
        in all of them. And the rows of `agreement.csv` for the index `instance`.
    """
    offsets, lengths = states.offsets, states.lengths
    columns: dict[str, np.ndarray] = {
        "label": states.label,
        "predicted": states.predicted,
        "tokens": lengths,
        **skew_by_text(states.attention, offsets),
        **skew_at(states.score, offsets, temperatures),
    }
    gain = pointwise["linear_gain"].to_numpy()
    if decisive is not None:
        columns |= found_by_text(states, gain, decisive)
    for name in pointwise.columns.drop(["text", "token", "attention"]):
        values = pointwise[name].to_numpy()
        known = ~np.isnan(values)
        text = pointwise["text"].to_numpy()[known]
        columns[f"sum:{name}"] = np.bincount(text, values[known], minlength=len(lengths))
        columns[f"count:{name}"] = np.bincount(text, minlength=len(lengths))

    shuffle = permutation(offsets, run)
    own = measures_of(pointwise, importance)
    score = states.score.astype(np.float64)
    measures = {"attention": score, **own, **controls_of(states), "permuted": score[shuffle]}
    pairs = concordance(measures, offsets)
    ranked = {name: Ranked(measures[name], offsets) for name in ("attention", *own)}
    rows = []
    for name in own:
        found = _statistics(name, ranked, states, pairs)
        columns |= {f"{statistic}:{name}": values for statistic, values in found.items()}
        ceiling = pairs.ceiling("attention", name)
        columns[f"ceiling:{name}"] = ceiling
        ties = {
            "tie_rate": _or_nan(pairs.tie_rate("attention", name)).mean(),
            "ceiling": _or_nan(ceiling).mean(),
            **excluded_texts(score, own[name], offsets),
        }
        for statistic, values in found.items():
            label = "kendall_b" if statistic == "tau" else statistic
            rows.append(_row(f"attention~{name}", label, values, lengths) | ties)
    for name in CONTROLS:
        columns[f"tau:{name}"] = pairs.tau("attention", name)
        rows.append(_row(f"attention~{name}", "kendall_b", columns[f"tau:{name}"], lengths))
    for i, one in enumerate(own):
        for other in list(own)[i + 1 :]:
            columns[f"tau:{one}~{other}"] = tau = pairs.tau(one, other)
            rows.append(_row(f"{one}~{other}", "kendall_b", tau, lengths))
    if rated is not None:
        # Controls: rated words are rarer than others, so rarity alone finds many of them.
        controls = {"permuted": measures["permuted"], "rarity": -measures["frequency"]}
        finders = {"attention": score, **own, **controls}
        columns |= plausible_by_text(finders, rated, offsets)
        for name in finders:
            for statistic in ("ap_lift", "auc"):
                values = columns[f"{statistic}:{name}"]
                rows.append(_row(f"yardstick~{name}", statistic, values, lengths))
    columns |= gap_columns(states.score, states.attention, gain, offsets, shuffle)
    return pd.DataFrame(columns), pd.DataFrame(rows)


def _or_nan(values: np.ndarray) -> np.ndarray:
    """The values, or one NaN where there is none: the mean of nothing is NaN, without a warning."""
    known = values[~np.isnan(values)]
    return known if len(known) else np.full(1, np.nan)


def by_unit(
    states: States, information: pd.DataFrame, pointwise: pd.DataFrame, run: str = ""
) -> pd.DataFrame:
    """Rows of `agreement.csv` for the indexes `position` and `rank` of one run.

    Pairs are named by what orders the units and by their information:

    - `position`: the mean weight of each, over the texts that have them all, against its
      information, `attention~<estimator>_mi`; of permuted weights `permuted~<estimator>_mi`.
    - `rank`: the order of the ranks, most attended first, against theirs. Ranks of permuted
      weights have no estimates of their own; their information is the mean pvi, `_pvi`, of their
      tokens, which for comparison is told of attention too.

    Args:
        states: of the run.
        information: its rows of `information.parquet`.
        pointwise: its `pointwise.parquet`.
        run: names the run, so that each is permuted in a way of its own.
    """
    shuffle = permutation(states.offsets, run)
    rows = []
    units = information[
        information["index"].isin(["position", "rank"]) & ~information["spot_check"]
    ]
    for (index, estimator), part in units.groupby(["index", "estimator"], sort=True):
        unit = part["unit"].to_numpy()
        texts = states.lengths > unit.max()
        tokens = states.offsets[:-1][texts, None] + unit
        nats = part["mi_nats"].to_numpy(np.float64)
        pvi = pointwise[f"{estimator}_pvi"].to_numpy(np.float64)
        orders = {}
        if index == "rank":
            orders[f"attention~{estimator}_mi"] = -unit, nats
        for name, own in (("attention", slice(None)), ("permuted", shuffle)):
            if index == "position":
                weight = states.attention[own][tokens].mean(0, dtype=np.float64)
                orders[f"{name}~{estimator}_mi"] = weight, nats
            else:
                falling = np.lexsort((-states.score[own], states.text))
                orders[f"{name}~{estimator}_pvi"] = -unit, pvi[falling[tokens]].mean(0)
        for pair, order in orders.items():
            rows += _unit_rows(str(index), pair, *order)
    return pd.DataFrame(rows)


def _unit_rows(
    index: str, pair: str, order: np.ndarray, values: np.ndarray
) -> list[dict[str, object]]:
    """Every rank statistic of an order of units and their information."""
    whole, order = np.array([0, len(order)]), order.astype(np.float64)
    pairs = concordance({"x": order, "y": values}, whole)
    one, other = Ranked(order, whole), Ranked(values, whole)
    found = {
        "kendall_b": pairs.tau("x", "y"),
        "weighted_tau": weighted_tau(one, other),
        "spearman": spearman(one, other),
        "pearson": pearson(order, values, whole),
        "topk_overlap": top_overlap(one, other),
    }
    told = {"tie_rate": pairs.tie_rate("x", "y")[0], "ceiling": pairs.ceiling("x", "y")[0]}
    return [
        {"index": index, "pair": pair, "statistic": statistic, "value": value[0]}
        | {"n": len(order), "excluded": int(np.isnan(value[0])), **told}
        for statistic, value in found.items()
    ]
