"""The two tables of a run: `texts.parquet`, one row per text, and its rows of `agreement.csv`."""

from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from attinfo.agreement.gaps import gap_columns
from attinfo.agreement.kendall import concordance, nan_in_text, pooled
from attinfo.agreement.pairs import text_of
from attinfo.agreement.planted import found_by_text
from attinfo.agreement.plausibility import plausible_by_text
from attinfo.agreement.rank_statistics import RANK_STATISTICS, Compared
from attinfo.agreement.ranks import (
    Ranked,
    is_constant,
    only_top,
    pearson,
    spearman,
    top_overlap,
    weighted_tau,
)
from attinfo.agreement.rationales import rationales_by_text
from attinfo.agreement.reliability import reliability
from attinfo.agreement.skew import skew_at, skew_by_text
from attinfo.keys import GIVEN, HALF, PLACE
from attinfo.runtime.seeds import seed_of
from attinfo.states.store import States

CONTROLS = ("position", "frequency")


def read_pointwise(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Read the pointwise tables of a run's estimators and join their columns.

    Args:
        paths: of `pointwise/<estimator>.parquet`, all of one run.
    """
    table = pd.concat(map(pd.read_parquet, paths), axis=1)
    return table.loc[:, ~table.columns.duplicated()]  # text, token and attention once


def measures_of(
    pointwise: pd.DataFrame,
    importance: pd.DataFrame | None = None,
    signed: Collection[str] = (),
) -> dict[str, np.ndarray]:
    """The measures that attention is compared with, [tokens] each.

    Args:
        pointwise: of `read_pointwise`. Columns of single positions and ranks are left out, as not
            all tokens have a value there, and so are those of `halves_of`.
        importance: of `importance.parquet`.
        signed: the importance measures of which the absolute value counts, as attention has no
            sign. That of scores from elsewhere always counts.
    """
    found = {}
    for name in pointwise.columns.drop(["text", "token", "attention"]):
        # Values of units do not cover the texts.
        if HALF not in name and not name.endswith(("_position", "_rank")):
            found[name] = pointwise[name].to_numpy(np.float64)
    if importance is not None:
        for name in importance.columns.drop(PLACE):
            values = importance[name].to_numpy(np.float64)
            found[name] = np.abs(values) if name in signed or name.startswith(GIVEN) else values
    return found


def halves_of(pointwise: pd.DataFrame) -> dict[str, np.ndarray]:
    """Values by probes of halves of the texts, such as `linear_gain#1`, [tokens] each.

    They are no measures of their own: they show how far a measure repeats.
    """
    return {name: pointwise[name].to_numpy(np.float64) for name in pointwise if HALF in name}


def controls_of(states: States) -> dict[str, np.ndarray]:
    """What could explain an agreement by itself, [tokens] each.

    `position`: the place in the text; `frequency`: how often the word occurs in the analysed texts.
    """
    return {
        "position": states.position.astype(np.float64),
        "frequency": np.bincount(states.token_id)[states.token_id].astype(np.float64),
    }


def permutation(offsets: np.ndarray, run: str) -> np.ndarray:
    """[tokens] a random permutation of the tokens within each text; `run` seeds it."""
    rng = np.random.default_rng(seed_of("permuted attention", run))
    return np.lexsort((rng.random(offsets[-1]), text_of(offsets)))


def excluded_texts(
    score: np.ndarray, values: np.ndarray, offsets: np.ndarray, drawn: np.ndarray
) -> dict[str, int]:
    """Count the texts without a rank correlation, by the first reason that applies to each.

    Args:
        score, values: [tokens].
        offsets: [texts + 1].
        drawn: [texts] bool, the texts for which the values were computed. Others are not counted.
    """
    reasons = {
        "not_a_number": nan_in_text(score, offsets) | nan_in_text(values, offsets),
        "one_token": np.diff(offsets) == 1,
        "constant_attention": is_constant(score, offsets),
        "constant_measure": is_constant(values, offsets),
    }
    left, counts = drawn.copy(), {}
    for name, holds in reasons.items():
        counts[name] = int((left & holds).sum())
        left &= ~holds
    return counts


def _drawn(values: np.ndarray, importance: pd.DataFrame | None, offsets: np.ndarray) -> np.ndarray:
    """[texts] bool: the texts for which a measure was computed.

    They are all texts, or the drawn ones if the measure has no value in any other.

    Args:
        values: [tokens] of the measure.
        importance: of `importance.parquet`.
        offsets: [texts + 1].
    """
    every = np.ones(len(offsets) - 1, bool)
    if importance is None:
        return every
    drawn = importance["drawn"].to_numpy()[offsets[:-1]]
    return drawn if nan_in_text(values, offsets)[~drawn].all() else every


def _row(
    pair: str, statistic: str, values: np.ndarray, lengths: np.ndarray, drawn: np.ndarray
) -> dict[str, object]:
    """A row of `agreement.csv`: the plain mean over texts, and the one by inverse null variance."""
    known = ~np.isnan(values)
    return {
        "index": "instance",
        "pair": pair,
        "statistic": statistic,
        "value": values[known].mean() if known.any() else np.nan,
        "value_weighted": pooled(values, lengths),
        "n": int(known.sum()),
        "excluded": int((~known & drawn).sum()),
        "not_drawn": int((~drawn).sum()),
    }


def by_text(
    states: States,
    pointwise: pd.DataFrame,
    decisive: np.ndarray | None = None,
    importance: pd.DataFrame | None = None,
    rated: np.ndarray | None = None,
    temperatures: Iterable[float] = (),
    run: str = "",
    signed: Collection[str] = (),
    rationale: np.ndarray | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Summarise one run text by text, so that the claims can resample texts.

    Args:
        states: of the run; `hidden` is not needed.
        pointwise: of `read_pointwise`.
        decisive: [tokens] bool, where it is known which tokens decide the label.
        importance: of `importance.parquet`, where there is one.
        rated: [tokens] bool, where a lexicon rates words; see `plausible_by_text`.
        temperatures: at which the skew of the scores is computed as well.
        run: name of the run, which seeds the permutation of its attention.
        signed: the importance measures that are ranked by their absolute value.
        rationale: [tokens] share of the annotators who marked each token, where people did; see
            `rationales_by_text`.

    Returns:
        First a table with one row per text: label, predicted, tokens; the skew of the weights; the
        columns of `gap_columns` and, where `decisive` is given, of `found_by_text`; the sum and the
        number of tokens of each pointwise column (`sum:`, `count:`); `<statistic>:<measure>` for
        each of `RANK_STATISTICS`, and `ceiling:<measure>`; `tau:position` and `tau:frequency`;
        `tau:<a>~<b>` for every two measures. All are NaN in a text whose weights have a NaN.
        In the first and the last decile of the gaps, 0 and 9: `concordant@<column>:0` and
        `pairs@<column>:0` for each pointwise column. By the probes of halves of the texts:
        `tau:linear_gain#1`, `tau:linear_pvi#1`, `concordant:0#1`, `pairs:0#1` and those with
        `#2`. Then the rows of `agreement.csv` of the index `instance`.
    """
    offsets, lengths = states.offsets, states.lengths
    columns: dict[str, np.ndarray] = {
        "label": states.label,
        "predicted": states.predicted,
        "tokens": lengths,
        **skew_by_text(states.attention, offsets),
        **skew_at(states.score, offsets, temperatures),
    }
    if states.numbers:
        error = states.logits[:, 0].astype(np.float64) - states.label
        columns["squared_error"] = error**2
        columns["squared_deviation"] = (states.label - states.label.mean(dtype=np.float64)) ** 2
    gain = pointwise["linear_gain"].to_numpy()
    if decisive is not None:
        columns |= found_by_text(states, gain, decisive)
    halves = halves_of(pointwise)
    for name in pointwise.columns.drop(["text", "token", "attention", *halves]):
        values = pointwise[name].to_numpy()
        known = ~np.isnan(values)
        text = pointwise["text"].to_numpy()[known]
        columns[f"sum:{name}"] = np.bincount(text, values[known], minlength=len(lengths))
        columns[f"count:{name}"] = np.bincount(text, minlength=len(lengths))

    shuffle = permutation(offsets, run)
    own = measures_of(pointwise, importance, signed)
    score = states.score.astype(np.float64)
    measures = {"attention": score, **own, **controls_of(states), "permuted": score[shuffle]}
    pairs = concordance(measures | halves, offsets)
    ranked = {name: Ranked(measures[name], offsets) for name in ("attention", *own)}
    drawn = {name: _drawn(values, importance, offsets) for name, values in measures.items()}
    top = concordance({name: only_top(one) for name, one in ranked.items()}, offsets)
    rows = []
    for name in own:
        compared = Compared(ranked["attention"], states.attention, ranked[name], name, pairs, top)
        found = {key: statistic.of(compared) for key, statistic in RANK_STATISTICS.items()}
        columns |= {f"{statistic}:{name}": values for statistic, values in found.items()}
        ceiling = pairs.ceiling("attention", name)
        columns[f"ceiling:{name}"] = ceiling
        ties = {
            "tie_rate": _or_nan(pairs.tie_rate("attention", name)).mean(),
            "ceiling": _or_nan(ceiling).mean(),
            **excluded_texts(score, own[name], offsets, drawn[name]),
        }
        for statistic, values in found.items():
            label = RANK_STATISTICS[statistic].in_table or statistic
            rows.append(_row(f"attention~{name}", label, values, lengths, drawn[name]) | ties)
    for name in CONTROLS:
        columns[f"tau:{name}"] = tau = pairs.tau("attention", name)
        rows.append(_row(f"attention~{name}", "kendall_b", tau, lengths, drawn[name]))
    for i, one in enumerate(own):
        for other in list(own)[i + 1 :]:
            columns[f"tau:{one}~{other}"] = tau = pairs.tau(one, other)
            both = drawn[one] & drawn[other]
            rows.append(_row(f"{one}~{other}", "kendall_b", tau, lengths, both))
    # Controls: rated words are rarer than others, so rarity alone finds many of them.
    controls = {"permuted": measures["permuted"], "rarity": -measures["frequency"]}
    finders = {"attention": score, **own, **controls}
    if rated is not None:
        columns |= plausible_by_text(finders, rated, offsets)
        for name in finders:
            for statistic in ("ap_lift", "auc"):
                values = columns[f"{statistic}:{name}"]
                computed = drawn.get(name, np.ones(len(lengths), bool))
                rows.append(_row(f"yardstick~{name}", statistic, values, lengths, computed))
    if rationale is not None:
        found = rationales_by_text(finders, rationale, offsets, run.partition("/")[0])
        columns |= found
        for column, values in found.items():
            statistic, _, name = column.partition(":")
            if name:
                computed = drawn.get(name, np.ones(len(lengths), bool))
                rows.append(_row(f"rationale~{name}", statistic, values, lengths, computed))
    columns |= {f"tau:{name}": pairs.tau("attention", name) for name in halves}
    rows += reliability(halves, offsets)
    extremes = {f"{{}}@{name}:{{}}": own[name] for name in pointwise if name in own}
    extremes |= {
        f"{{}}:{{}}{HALF}{name.partition(HALF)[2]}": values
        for name, values in halves.items()
        if name.startswith("linear_gain")
    }
    columns |= gap_columns(states.score, states.attention, gain, offsets, shuffle, extremes)
    return pd.DataFrame(columns), pd.DataFrame(rows)


def _or_nan(values: np.ndarray) -> np.ndarray:
    """The values that are known, or one NaN: numpy warns of the mean of nothing."""
    known = values[~np.isnan(values)]
    return known if len(known) else np.full(1, np.nan)


def by_unit(
    states: States, information: pd.DataFrame, pointwise: pd.DataFrame, run: str = ""
) -> pd.DataFrame:
    """Rows of `agreement.csv` of the indexes `position` and `rank` of one run.

    The name of a pair says what orders the units and which information it is compared with:

    - `position`: the mean weight at each position, over the texts that are long enough for all of
      them, and the information at the position, `attention~<estimator>_mi`; with permuted weights
      `permuted~<estimator>_mi`.
    - `rank`: the ranks, the most attended token first, and the information of each. There are no
      estimates for the ranks of permuted weights. In their place stands the mean pvi of the tokens,
      `permuted~<estimator>_pvi`, which is reported for attention too.

    Args:
        states: of the run.
        information: the rows of the run in `information.parquet`.
        pointwise: of `read_pointwise`.
        run: name of the run, which seeds the permutation of its weights.
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
    """The rank statistics of an order of units and their information."""
    whole, order = np.array([0, len(order)]), order.astype(np.float64)
    pairs = concordance({"x": order, "y": values}, whole)
    one, other = Ranked(order, whole), Ranked(values, whole)
    found = {
        "kendall_b": pairs.tau("x", "y"),
        "weighted_tau": weighted_tau(one, other, pairs.of_tokens("y")),
        "spearman": spearman(one, other),
        "pearson": pearson(order, values, whole),
        "topk_overlap": top_overlap(one, other),
    }
    ties = {"tie_rate": pairs.tie_rate("x", "y")[0], "ceiling": pairs.ceiling("x", "y")[0]}
    return [
        {"index": index, "pair": pair, "statistic": statistic, "value": value[0]}
        | {"n": len(order), "excluded": int(np.isnan(value[0])), **ties}
        for statistic, value in found.items()
    ]
