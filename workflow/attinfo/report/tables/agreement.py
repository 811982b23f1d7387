"""The tables of the page on the models and on the agreement of their attention."""

from collections.abc import Mapping, Sequence

import pandas as pd

from attinfo.claims.run_statistics import format_of, shown_in
from attinfo.claims.statistic import AGREEMENT_TABLE, MEASURE_TABLE, MODEL_TABLE
from attinfo.keys import CELL, GIVEN, GROUP
from attinfo.labels import label_of
from attinfo.report.tables.base import Table, by_cell, named


def _formats(headings: Mapping[str, str]) -> dict[str, str]:
    return {heading: format_of(statistic) for statistic, heading in headings.items()}


def model_table(cells: pd.DataFrame, level: float) -> Table:
    """One row per cell and variant: accuracy, information, agreement and skew."""
    headings = {"accuracy": "", "r_squared": "R²", **shown_in(MODEL_TABLE)}  # the first columns
    frame, intervals = by_cell(cells, headings, GROUP, bounded=list(headings))
    return Table(
        MODEL_TABLE,
        "Accuracy, information, agreement and evenness of every model",
        frame,
        _formats(shown_in(MODEL_TABLE)) | {"R²": ".3f"},
        intervals,
        f"Mean over seeds, with the {level:.0%} interval over seeds and resampled texts. I/H: "
        "usable information of linear probes about the predicted class, as a share of its entropy; "
        "of numbers, which have no entropy, in nats. "
        "Entropy ratio: 1 for equal weights, 0 for all weight on one word. A dash means undefined, "
        "such as the agreement of equal weights.",
        "cells.csv",
    )


def agreement_table(cells: pd.DataFrame, level: float) -> Table:
    """One row per trained cell: agreement of attention and gain by several statistics."""
    headings = shown_in(AGREEMENT_TABLE)
    own = cells[cells["variant"] == "trained"]
    frame, intervals = by_cell(own, headings, CELL, bounded=["tau_gain"])
    return Table(
        AGREEMENT_TABLE,
        "Agreement of attention with information (gain), by several statistics",
        frame,
        _formats(headings),
        intervals,
        f"Within texts, mean over texts and seeds; in brackets the {level:.0%} interval. The "
        "ceiling is the largest τ-b that the ties of the two orders allow.",
        "cells.csv",
    )


def measure_table(cells: pd.DataFrame) -> Table:
    """One row per trained cell: agreement with each measure, and how well rated words are found."""
    headings = shown_in(MEASURE_TABLE)
    given = [name for name in dict.fromkeys(cells["statistic"]) if name.startswith(f"tau_{GIVEN}")]
    headings |= {name: label_of(name.removeprefix("tau_")) for name in given}
    frame, _ = by_cell(cells[cells["variant"] == "trained"], headings, CELL, bounded=())
    return Table(
        MEASURE_TABLE,
        "Agreement of attention with measures of importance and with rated words",
        frame,
        _formats(shown_in(MEASURE_TABLE)) | {headings[name]: "+.3f" for name in given},
        note="τ-b within texts, mean over texts and seeds; agreement.csv counts texts for which a "
        "costly measure was not computed. Position, word frequency and permuted weights are "
        "controls: an agreement that attention has with them too says nothing of importance. Rated "
        "words: average precision of finding the words that people rated (or the "
        "decisive words of generated texts), above that of a random order. Rarity of the word is "
        "the control: a measure that finds rated words no better than rarity does may know nothing "
        "of what people rated. This is plausibility, which is not faithfulness.",
        whole="cells.csv",
    )


def completeness_table(completeness: pd.DataFrame) -> Table | None:
    """One row per trained cell and measure with a known sum; None if no measure has one.

    Args:
        completeness: of `completeness.csv`.
    """
    own = completeness[completeness["variant"] == "trained"]
    if own.empty:
        return None
    cells = own.groupby([*CELL, "measure"], sort=False)
    frame = cells.agg(
        median=("median", "mean"), p95=("p95", "mean"), largest=("largest", "max"),
        size=("median_total", "mean"),
    ).reset_index()  # fmt: skip
    frame["measure"] = frame["measure"].map(label_of)
    names = {"p95": "95 % of texts", "size": "median size of the sum"}
    return Table(
        "completeness-table",
        "Do the values of a text sum to what they should?",
        named(frame).rename(columns=names),
        dict.fromkeys(["median", "95 % of texts", "largest", "median size of the sum"], ".3f"),
        note="Integrated gradients sum to the log-odds of the predicted class minus those at zero "
        "embeddings, up to the error of the quadrature. The columns are of the size of this error "
        "in log-odds: the median and the 95 % point over texts, mean over seeds, and the largest "
        "of all. More nodes (steps) make it smaller.",
        whole="completeness.csv",
    )


def _pivot(
    own: pd.DataFrame, wanted: Mapping[tuple[str, str], str], key: Sequence[str]
) -> pd.DataFrame:
    """One row per cell; `wanted` names columns by the values of `one` and `other` in `own`."""
    own = own.assign(column=[wanted.get(k) for k in zip(own["one"], own["other"], strict=True)])
    wide = own.dropna(subset=["column"]).pivot_table(
        index=list(key), columns="column", values="value", aggfunc="mean", sort=False
    )
    return named(wide[[name for name in wanted.values() if name in wide]].reset_index())


def reliability_table(agreement: pd.DataFrame) -> Table:
    """One row per trained cell: how well rankings within texts repeat, and between seeds."""
    wanted = {
        ("linear_gain~linear_gain", "reliability"): "gain, two probes, τ-b",
        ("linear_gain~linear_gain", "reliability_spearman"): "gain, two probes, ρ",
        ("linear_gain~linear_gain", "reliability_stepped_up"): "gain, their mean, ρ",
        ("linear_pvi~linear_pvi", "reliability_spearman"): "pvi, two probes, ρ",
        ("attention~linear_gain", "spearman"): "attention and gain, ρ",
        ("attention~attention", "between_seeds"): "attention of two seeds, ρ",
        ("linear_gain~linear_gain", "between_seeds"): "gain of two seeds, ρ",
    }
    own = agreement[(agreement["index"] == "instance") & (agreement["variant"] == "trained")]
    own = own.assign(one=own["pair"], other=own["statistic"])
    return Table(
        "reliability-table",
        "How well rankings repeat",
        _pivot(own, wanted, CELL),
        dict.fromkeys(wanted.values(), ".3f"),
        note="Within texts, mean over texts and seeds: τ-b, or Spearman’s ρ. Two probes of one "
        "model, fitted to disjoint halves of the texts, order tokens as alike as the measurement "
        "repeats; their mean repeats better (Spearman & Brown). Weights are no estimates: measured "
        "again they are the same. Two seeds of a cell are two models, which may truly differ: "
        "their correlation says nothing about the reliability of either, so no agreement is "
        "corrected by it.",
        whole="agreement.csv",
    )


def unit_table(agreement: pd.DataFrame) -> Table:
    """One row per cell, trained or permuted: agreement by position and by rank."""
    wanted = {
        ("position", "attention~linear_mi"): "by position",
        ("position", "permuted~linear_mi"): "by position, permuted",
        ("rank", "attention~linear_mi"): "by rank",
        ("rank", "attention~linear_pvi"): "by rank, mean pvi",
        ("rank", "permuted~linear_pvi"): "by rank, mean pvi, permuted",
    }
    own = agreement[agreement["variant"].isin(["trained", "permuted"])]
    own = own[own["statistic"] == "kendall_b"]
    own = own.assign(one=own["index"], other=own["pair"])
    return Table(
        "unit-table",
        "Agreement by position and by rank",
        _pivot(own, wanted, GROUP),
        dict.fromkeys(wanted.values(), "+.2f"),
        note="τ-b over the positions, or the ranks, of a run, mean over seeds. All positions are "
        "of the same texts: later positions exist only in longer texts, whose weights are smaller, "
        "so otherwise even random weights would follow position. Permuted: the weights of each "
        "text in random order, with the information unchanged; expected is zero. There is no "
        "estimate for the ranks of permuted weights, so the mean pvi of their tokens takes its "
        "place. The variant “permuted” differs from this control: its output was computed with the "
        "permuted weights, and its information is about that output. Any agreement by rank that it "
        "has arises because the weights make the output.",
        whole="agreement.csv",
    )


def faithfulness_table(faithfulness: pd.DataFrame) -> Table:
    """One row per kind and order of deletion: normalised and raw AOPC, mean over trained cells."""
    own = faithfulness[faithfulness["variant"] == "trained"]
    means = own.groupby(["kind", "ordering"], sort=False)
    rows = means[["naopc", "aopc"]].mean().rename(columns={"naopc": "normalised", "aopc": "raw"})
    rows["texts left out"] = means["undefined"].sum()
    frame = rows.reset_index()
    frame["ordering"] = frame["ordering"].map(label_of)
    return Table(
        "faithfulness-table",
        "What deleting words in each order does to the prediction",
        frame.rename(columns={"ordering": "words deleted in the order of"}),
        {"normalised": ".3f", "raw": ".3f"},
        note="Comprehensiveness: how far the probability of the predicted class falls without the "
        "top words (higher is better). Sufficiency: how far it falls with the top words alone "
        "(lower is better). Raw: AOPC, the mean over several shares of words. Normalised: from the "
        "worst (0) to the best (1) order of a text (Edin et al. 2025), so that models compare; of "
        "a random sample of texts. Mean over the trained cells; the file has the interval of each "
        "over seeds.",
        whole="faithfulness.csv",
    )
