"""The tables of the page on models, agreement and verdicts, from the tables of the study."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from attinfo.claims.conclusions import ALL
from attinfo.claims.run_statistics import MEASURES, STATISTICS
from attinfo.figures.style import name_of
from attinfo.report.tables.base import Table

KEY = ["dataset", "encoder", "attention", "normaliser"]
Intervals = dict[str, tuple[str, str]]


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Building blocks by the names that readers know; the data set only where there are several."""
    blocks = {c: table[c].map(name_of) for c in (*KEY[1:], "variant") if c in table}
    table = table.assign(**blocks).rename_axis(columns=None)
    if "dataset" in table and table["dataset"].nunique() == 1:
        table = table.drop(columns="dataset")
    return table.rename(columns={"dataset": "data set"})


def by_cell(
    cells: pd.DataFrame, labels: Mapping[str, str], key: list[str], bounds: bool
) -> tuple[pd.DataFrame, Intervals]:
    """A row a cell, a column a statistic, with the columns of its bounds if `bounds`.

    Statistics that are undefined in every cell are left out.
    """
    columns = ["estimate", *(["ci_low", "ci_high"] if bounds else [])]
    own = cells[cells["statistic"].isin(labels)]
    wide = own.pivot_table(
        index=key, columns="statistic", values=columns, aggfunc="first", sort=False, dropna=False
    )
    # Combinations of blocks that the study does not have come of `dropna`.
    wide = wide[wide.index.isin(pd.MultiIndex.from_frame(own[key]))]
    shown, intervals = {}, {}
    for statistic, label in labels.items():
        if ("estimate", statistic) not in wide or wide["estimate", statistic].isna().all():
            continue
        for column, suffix in zip(columns, ("", " low", " high"), strict=False):
            shown[label + suffix] = wide[column, statistic]
        if bounds:
            intervals[label] = (f"{label} low", f"{label} high")
    return named(pd.DataFrame(shown, index=wide.index).reset_index()), intervals


def verdict_table(claims: pd.DataFrame, level: float) -> Table:
    """A row a conclusion: its primary contrast over all data sets."""
    own = claims[(claims["dataset"] == ALL) & (claims["role"] == "primary")]
    frame = pd.DataFrame(
        {
            "conclusion": "(" + own["claim"] + ")",
            "verdict": own["verdict"].where(own["n"] > 0, "not asked"),
            "contrast": own["contrast"],
            "statistic": own["statistic"].map(lambda name: STATISTICS[name].label),
            "seeds": own["n"],
            "effect": own["estimate"],
            "low": own["ci_low"],
            "high": own["ci_high"],
            "p (Holm)": own["p_holm"],
            "detectable": own["mde"],
        }
    )
    return Table(
        "verdict-table",
        "The five primary contrasts",
        frame,
        {"effect": "+.3f", "p (Holm)": ".4f", "detectable": ".3f"},
        {"effect": ("low", "high")},
        f"A positive effect supports the conclusion. In brackets the {level:.0%} interval. "
        "Detectable: the effect that a study like this one would call in four of five cases. "
        f"Supported and contradicted need p below {1 - level:.2g} after Holm’s correction over "
        "the five; everything else is undetermined, which is not evidence of no effect.",
        "claims.csv",
    )


def contrast_table(claims: pd.DataFrame) -> Table:
    """Every contrast but the primary ones, and these on single data sets."""
    primary = (claims["role"] == "primary") & (claims["dataset"] == ALL)
    own = claims[~primary & (claims["n"] > 0)]
    frame = pd.DataFrame(
        {
            "conclusion": "(" + own["claim"] + ")",
            "role": own["role"],
            "dataset": own["dataset"],
            "contrast": own["contrast"],
            "seeds": own["n"],
            "effect": own["estimate"],
            "low": own["ci_low"],
            "high": own["ci_high"],
            "p (BH)": own["p_bh"],
            "verdict": own["verdict"],
        }
    )
    return Table(
        "contrast-table",
        "All other contrasts",
        named(frame),
        {"effect": "+.3f", "p (BH)": ".4f"},
        {"effect": ("low", "high")},
        "Declared before any result: python -m attinfo.claims.conclusions prints "
        "them. Controls ask the primary question at equal accuracy. p is adjusted over all rows of "
        "this table by "
        "Benjamini and Hochberg. Where no effect is claimed, equivalent is what supported is "
        "elsewhere.",
        "claims.csv",
    )


def model_table(cells: pd.DataFrame, level: float) -> Table:
    """A row a cell and variant: accuracy, information, agreement and skew."""
    labels = {
        "accuracy": "test accuracy",
        "information_position": "I/H by position",
        "information_instance": "I/H all tokens",
        "tau_gain": "τ-b gain",
        "entropy_ratio": "entropy ratio",
    }
    frame, intervals = by_cell(cells, labels, [*KEY, "variant"], bounds=True)
    return Table(
        "model-table",
        "Accuracy, information, agreement and evenness of every model",
        frame,
        dict.fromkeys(labels.values(), ".3f"),
        intervals,
        f"Mean over seeds and {level:.0%} interval over seeds and resampled texts. I/H: usable "
        "information of linear probes about the predicted class, as a share of its entropy. "
        "Entropy ratio: 1 for equal weights, 0 for all weight on one word. A dash: undefined, as "
        "the agreement of equal weights.",
        "cells.csv",
    )


def agreement_table(cells: pd.DataFrame, level: float) -> Table:
    """A row a trained cell: agreement of attention and gain by several statistics."""
    labels = {
        "tau_gain": "τ-b",
        "weighted_tau_gain": "weighted τ",
        "spearman_gain": "Spearman’s ρ",
        "pearson_gain": "Pearson’s r",
        "topk_overlap_gain": "top-k overlap",
        "partial_position_gain": "τ-b, position fixed",
        "partial_frequency_gain": "τ-b, frequency fixed",
        "ceiling_gain": "ceiling of τ-b",
    }
    own = cells[cells["variant"] == "trained"]
    frame, intervals = by_cell(own, labels, KEY, bounds=True)
    kept = {label: bounds for label, bounds in intervals.items() if label == "τ-b"}
    others = [bound for label in intervals.keys() - kept for bound in intervals[label]]
    return Table(
        "agreement-table",
        "Attention against information (gain), by several statistics",
        frame.drop(columns=others),
        dict.fromkeys(labels.values(), "+.3f"),
        kept,
        f"Within texts, mean over texts and seeds; in brackets the {level:.0%} interval. The "
        "ceiling is the largest τ-b that the ties of the two orders allow.",
        "cells.csv",
    )


def yardstick_table(cells: pd.DataFrame) -> Table:
    """A row a trained cell: attention against each measure and against people."""
    labels = {f"tau_{name}": label for name, (_, label) in MEASURES.items()}
    labels |= {
        "tau_position": "position",
        "tau_frequency": "word frequency",
        "tau_permuted_gain": "gain, weights permuted",
        "plausibility_attention": "rated words, attention",
        "plausibility_gain": "rated words, gain",
        "plausibility_permuted": "rated words, weights permuted",
        "plausibility_rarity": "rated words, rarity",
    }
    frame, _ = by_cell(cells[cells["variant"] == "trained"], labels, KEY, bounds=False)
    return Table(
        "yardstick-table",
        "Attention against other yardsticks than information",
        frame,
        dict.fromkeys(labels.values(), "+.3f"),
        note="τ-b within texts, mean over texts and seeds. Position, word frequency and permuted "
        "weights are controls: an agreement that they share is none of attention’s own. Rated "
        "words: average precision of finding the words that people (VADER, or the known truth of "
        "generated texts) find telling, above that of a random order; what finds them no better "
        "than rarity does may know nothing of what people find telling. That is plausibility; "
        "faithfulness is another thing.",
        whole="cells.csv",
    )


def _pivot(own: pd.DataFrame, wanted: Mapping[tuple[str, str], str], key: list[str]) -> Any:
    """A row a cell; `wanted` names columns by the two columns of `own` that are `one`, `other`."""
    own = own.assign(column=[wanted.get(k) for k in zip(own["one"], own["other"], strict=True)])
    wide = own.dropna(subset=["column"]).pivot_table(
        index=key, columns="column", values="value", aggfunc="mean", sort=False
    )
    return named(wide[[name for name in wanted.values() if name in wide]].reset_index())


def reliability_table(agreement: pd.DataFrame) -> Table:
    """A row a trained cell: how well rankings within texts repeat over seeds, and what follows."""
    wanted = {
        ("attention~attention", "seed_reliability"): "attention, seed to seed",
        ("attention~linear_gain", "seed_reliability"): "gain, seed to seed",
        ("attention~linear_gain", "spearman"): "Spearman’s ρ of the two",
        ("attention~linear_gain", "disattenuated"): "disattenuated",
    }
    own = agreement[(agreement["index"] == "instance") & (agreement["variant"] == "trained")]
    own = own.assign(one=own["pair"], other=own["statistic"])
    return Table(
        "reliability-table",
        "How well rankings repeat",
        _pivot(own, wanted, KEY),
        dict.fromkeys(wanted.values(), ".3f"),
        note="Spearman’s ρ within texts between two seeds’ models of a cell bounds what agreement "
        "can be. Disattenuated: as if both rankings repeated perfectly (Spearman 1904); undefined "
        "where one does not repeat at all, or with one seed; above 1 where rankings repeat too "
        "badly for it to mean anything.",
        whole="agreement.csv",
    )


def unit_table(agreement: pd.DataFrame) -> Table:
    """A row a cell, as trained and with its weights permuted: agreement by position and by rank."""
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
        _pivot(own, wanted, [*KEY, "variant"]),
        dict.fromkeys(wanted.values(), "+.2f"),
        note="τ-b over the positions, and over the ranks, of a run, mean over seeds. All are of "
        "the same texts: later positions exist in longer texts alone, where weights are smaller, "
        "so that otherwise even random weights would follow position. Permuted: the weights of "
        "each text in random order, information as it is; it should be at zero. Ranks of permuted "
        "weights have no estimate of their own, so there the mean pvi of their tokens stands in. "
        "The variant permuted is another thing: its output was read with the permuted weights, "
        "and information is about that output. What agreement by rank it has comes of weights "
        "making the output, not of their finding anything.",
        whole="agreement.csv",
    )


def faithfulness_table(faithfulness: pd.DataFrame) -> Table:
    """A row a kind and an order of deletion: normalised and raw AOPC, mean over trained cells."""
    own = faithfulness[faithfulness["variant"] == "trained"]
    means = own.groupby(["kind", "ordering"], sort=False)
    rows = means[["naopc", "aopc"]].mean().rename(columns={"naopc": "normalised", "aopc": "raw"})
    rows["texts left out"] = means["undefined"].sum()
    frame = rows.reset_index()
    frame["ordering"] = frame["ordering"].str.replace("_", " ")
    return Table(
        "faithfulness-table",
        "What deleting words in each order does to the prediction",
        frame.rename(columns={"ordering": "words deleted in the order of"}),
        {"normalised": ".3f", "raw": ".3f"},
        note="Comprehensiveness: how far the probability of the predicted class falls without the "
        "top words (higher is better); sufficiency: how far it falls with nothing but them (lower "
        "is better). Raw: AOPC, the mean over several shares of words. Normalised: from the worst "
        "(0) to the best (1) of all orders of a text (Edin et al. 2025), so that models compare; "
        "of a seeded sample of texts. Mean over the trained cells; each has its interval over "
        "seeds in the file.",
        whole="faithfulness.csv",
    )


def published_table(published: pd.DataFrame, level: float) -> Table:
    """A row a published number: ours beside it, and what one more run of ours might give."""
    frame = published[KEY].assign(
        measure=published["statistic"].map(lambda name: STATISTICS[name].label),
        **published[["published", "ours", "ci_low", "ci_high"]],
        **{"one more run, low": published["run_low"], "one more run, high": published["run_high"]},
        seeds=published["seeds"],
        within=published["within"].map({True: "yes", False: "no"}),
        source=published["source"],
    )
    numbers = ["published", "ours", "one more run, low", "one more run, high"]
    return Table(
        "published-table",
        "Beside published numbers",
        named(frame),
        dict.fromkeys(numbers, "+.3f"),
        {"ours": ("ci_low", "ci_high")},
        f"What others report for such models, beside our mean over seeds with its {level:.0%} "
        "interval, and the range in which one more run of ours is expected. A published number is "
        "of one run, as a rule, and of other data splits.",
        "published.csv",
    )


def variance_table(variance: pd.DataFrame) -> Table:
    """A row a source of variance of each statistic."""
    frame = pd.DataFrame(
        {
            "statistic": variance["statistic"].map(lambda name: STATISTICS[name].label),
            "source": variance["component"],
            "levels": variance["levels"],
            "standard deviation": variance["sd"],
            "share": variance["share"],
            "note": variance["note"].fillna(""),
        }
    )
    return Table(
        "variance-table",
        "Which block the differences come from",
        frame,
        {"standard deviation": ".3f", "share": ".0%"},
        note="Variance of a statistic over the trained runs, split over building blocks, data "
        "sets and seeds (crossed random effects, restricted maximum likelihood).",
        whole="variance.csv",
    )


def rank_table(ranks: pd.DataFrame) -> Table:
    """A row a trained cell: its rank by agreement with gain, and the interval of the rank."""
    own = ranks[ranks["statistic"] == "tau_gain"].sort_values(["dataset", "rank"])
    frame = own[KEY].assign(
        **{"τ-b gain": own["estimate"], "rank": own["rank"]},
        **{"rank, at best": own["rank_low"], "at worst": own["rank_high"], "of": own["cells"]},
        note=own["note"].fillna(""),
    )
    return Table(
        "rank-table",
        "Which cell is best, and how far that is known",
        named(frame),
        {"τ-b gain": "+.3f"},
        note="Ranks of the cells by agreement of attention with gain. The intervals hold for all "
        "cells at once: cells whose intervals overlap are not told apart.",
        whole="ranks.csv",
    )
