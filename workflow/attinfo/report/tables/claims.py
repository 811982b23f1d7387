"""The tables of the page on the conclusions: contrasts, variance, ranks, published numbers."""

import pandas as pd

from attinfo.claims.across_data_sets import PROPERTIES
from attinfo.claims.run_statistics import RANKED, STATISTICS
from attinfo.claims.specifications import robustness
from attinfo.keys import ALL, CELL
from attinfo.report.tables.base import Table, named
from attinfo.statistics.variance import LABELS


def _label(statistic: str) -> str:
    return STATISTICS[statistic].label


def with_notes(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave the missing notes of a table empty, and drop the column if all are missing."""
    if frame["note"].isna().all() or (frame["note"] == "").all():
        return frame.drop(columns="note")
    return frame.assign(note=frame["note"].astype(object).where(frame["note"].notna(), ""))


def verdict_table(claims: pd.DataFrame, level: float) -> Table:
    """One row per conclusion: its primary contrast over all data sets."""
    own = claims[(claims["dataset"] == ALL) & (claims["role"] == "primary")]
    frame = pd.DataFrame(
        {
            "conclusion": "(" + own["claim"] + ")",
            "verdict": own["verdict"].where(own["n"] > 0, "not asked"),
            "contrast": own["contrast"],
            "statistic": own["statistic"].map(_label),
            "seeds": own["n"],
            "effect": own["estimate"],
            "low": own["ci_low"],
            "high": own["ci_high"],
            "p (Holm)": own["p_holm"],
            "robust": own["robust"],
            "detectable": own["mde"],
        }
    )
    return Table(
        "verdict-table",
        "The primary contrast of each conclusion",
        frame,
        {"effect": "+.3f", "p (Holm)": ".4f", "robust": ".0%", "detectable": ".3f"},
        {"effect": ("low", "high")},
        f"A positive effect supports the conclusion. In brackets: the {level:.0%} interval. "
        "Robust: the share of specifications with the same sign. Detectable: the effect that four "
        "in five studies like this one would detect. Supported "
        f"and contradicted need p below {1 - level:.2g} after Holm’s correction for the "
        f"{int(own['p_holm'].notna().sum())} contrasts with a p. All others are undetermined, "
        "which is no evidence that there is no effect.",
        "claims.csv",
    )


def robustness_table(specifications: pd.DataFrame) -> Table:
    """One row per conclusion: how many specifications keep the sign, and what turns it."""
    rows = []
    for claim, own in specifications.groupby("claim", sort=False):
        found = robustness(own)
        if found is not None:
            turned = f"{found.turned} of {found.of}" if found.axis else ""
            rows.append(
                {
                    "conclusion": f"({claim})",
                    "specifications": found.specifications,
                    "same sign": found.same,
                    "significant, same sign": found.called,
                    "significant, other sign": found.opposite,
                    "smallest effect": own["estimate"].min(),
                    "largest effect": own["estimate"].max(),
                    "turns most often under": f"{found.axis}: {found.choice}" * bool(found.axis),
                    "there in": turned,
                }
            )
    return Table(
        "robustness-table",
        "How many specifications agree",
        pd.DataFrame(rows),
        {
            **dict.fromkeys(
                ("same sign", "significant, same sign", "significant, other sign"), ".0%"
            ),
            **dict.fromkeys(("smallest effect", "largest effect"), "+.3f"),
        },
        note="Same sign: as the primary contrast has. Significant: p below the level of the study, "
        "not adjusted, as this describes choices and tests nothing more. Choices that leave the "
        "same runs are counted once. python -m attinfo.claims.specifications prints the choices, "
        "which are declared before any result.",
        whole="specifications.csv",
    )


def contrast_table(claims: pd.DataFrame) -> Table:
    """All contrasts but the primary ones, and the primary ones on single data sets."""
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
        "The contrasts that are not primary",
        named(frame),
        {"effect": "+.3f", "p (BH)": ".4f"},
        {"effect": ("low", "high")},
        "All were declared before any result: python -m attinfo.claims.conclusions prints them. "
        "Controls repeat the primary contrast at equal accuracy. p is adjusted over the rows of "
        "this table by Benjamini and Hochberg. Equivalent takes the place of supported where a "
        "contrast claims that there is no effect.",
        "claims.csv",
    )


def across_table(across: pd.DataFrame, level: float) -> Table | None:
    """One row per contrast that a verdict rests on: the mean over data sets, and a new one."""
    if across.empty:
        return None
    frame = pd.DataFrame(
        {
            "conclusion": "(" + across["claim"] + ")",
            "contrast": across["contrast"],
            "data sets": across["data_sets"],
            "positive": across["positive"],
            "mean effect": across["estimate"],
            "low": across["ci_low"],
            "high": across["ci_high"],
            "p": across["p"],
            "new data set, low": across["new_low"],
            "new data set, high": across["new_high"],
            "spread": across["tau"],
            "between data sets": across["i2"],
        }
    )
    formats = dict.fromkeys(("mean effect", "new data set, low", "new data set, high"), "+.3f")
    return Table(
        "across-table",
        "The effect on a new data set",
        frame,
        formats | {"p": ".4f", "spread": ".3f", "between data sets": ".0%"},
        {"mean effect": ("low", "high")},
        "Here the data sets are a sample: the effect varies between them (random effects). In "
        f"brackets: the {level:.0%} interval of the mean. New data set: the {level:.0%} prediction "
        "interval for the effect on one more. Spread: the standard deviation of effects between "
        "data sets. Between data sets: its share of the variance of effects (I²). The verdicts "
        "are about the data sets of this study alone. p is not adjusted.",
        "across.csv",
    )


def moderator_table(moderators: pd.DataFrame) -> Table | None:
    """One row per contrast and property of data sets: does the effect go with the property?"""
    if moderators.empty:
        return None
    own = moderators.sort_values("p", kind="stable")
    frame = pd.DataFrame(
        {
            "conclusion": "(" + own["claim"] + ")",
            "contrast": own["contrast"],
            "property": own["property"].map(PROPERTIES),
            "data sets": own["data_sets"],
            "Spearman’s ρ": own["rho"],
            "p": own["p"],
            "p (BH)": own["p_bh"],
        }
    )
    return Table(
        "moderator-table",
        "What the effect goes with",
        frame,
        {"Spearman’s ρ": "+.2f", "p": ".4f", "p (BH)": ".4f"},
        note="The rank correlation over data sets of an effect with a property of the data set; p "
        "by permutation, adjusted over all rows by Benjamini and Hochberg. Properties go with each "
        "other, and data sets are few: this table explores.",
        whole="moderators.csv",
    )


def published_table(published: pd.DataFrame, level: float) -> Table:
    """One row per published number, beside the study's own and the range of one more run."""
    frame = published[CELL].assign(
        measure=published["statistic"].map(_label),
        **published[["published", "ours", "ci_low", "ci_high"]],
        **{"one more run, low": published["run_low"], "one more run, high": published["run_high"]},
        seeds=published["seeds"],
        within=published["within"].map({True: "yes", False: "no"}),
        source=published["source"],
    )
    numbers = ["published", "ours", "one more run, low", "one more run, high"]
    return Table(
        "published-table",
        "Published numbers beside ours",
        named(frame),
        dict.fromkeys(numbers, "+.3f"),
        {"ours": ("ci_low", "ci_high")},
        f"Numbers that others report for such models, our mean over seeds with its {level:.0%} "
        "interval, and the range in which one more run of ours is expected. A published number "
        "usually is of one run and of other data splits.",
        "published.csv",
    )


def variance_table(variance: pd.DataFrame) -> Table:
    """One row per statistic and source of its variance."""
    frame = pd.DataFrame(
        {
            "statistic": variance["statistic"].map(_label),
            "source": variance["component"].map(lambda name: LABELS.get(name, name)),
            "levels": variance["levels"],
            "standard deviation": variance["sd"],
            "share": variance["share"],
            "note": variance["note"],
        }
    )
    return Table(
        "variance-table",
        "Which block the differences come from",
        with_notes(frame),
        {"standard deviation": ".3f", "share": ".0%"},
        note="The variance of a statistic over the trained runs, split over building blocks, data "
        "sets and seeds (crossed random effects, restricted maximum likelihood). Combination: what "
        "a cell has beyond the effects of its blocks.",
        whole="variance.csv",
    )


def rank_table(ranks: pd.DataFrame) -> Table:
    """One row per trained cell: its rank by agreement with gain, and the interval of the rank."""
    own = ranks[ranks["statistic"] == RANKED[0]].sort_values(["dataset", "rank"])
    frame = own[CELL].assign(
        **{"τ-b with gain": own["estimate"], "rank": own["rank"]},
        **{"best rank": own["rank_low"], "worst rank": own["rank_high"], "of cells": own["cells"]},
        note=own["note"],
    )
    return Table(
        "rank-table",
        "Which cell is best, and how certain its rank is",
        named(with_notes(frame)),
        {"τ-b with gain": "+.3f"},
        note="Ranks of the cells by agreement of attention with gain. The intervals hold for all "
        "cells at once. The order of two cells whose intervals overlap is not known.",
        whole="ranks.csv",
    )
