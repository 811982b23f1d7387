"""Results of the controls of the verdicts: accuracy, training, choices, seeds, number of tests.

We chose the thresholds on which an outcome depends.
"""

import pandas as pd

from attinfo.claims.conclusions import CONCLUSIONS
from attinfo.claims.specifications import robustness
from attinfo.keys import CELL
from attinfo.labels import label_of
from attinfo.report.findings import (
    MET,
    OPEN,
    PART,
    STANDS,
    Finding,
    Study,
    UnansweredError,
    graded,
    in_words,
    together,
)

FEW_SEEDS = 5  # with fewer, intervals are wide


def accuracy(study: Study) -> Finding:
    """Primary contrasts at equal accuracy, beside the contrasts themselves."""
    rows = pd.concat(
        study.contrasts(name, "control", "accuracy") for name in ("preservation", "combinations")
    )
    if rows.empty:
        raise UnansweredError("no runs to compare at equal accuracy")
    return Finding(together(_repeated(study, rows)), in_words(rows))


def _repeated(study: Study, controls: pd.DataFrame) -> list[str]:
    """What each control makes of the contrast that it repeats, which its statement begins with."""
    claims, outcomes = study.tables["claims"], []
    for row in controls.to_dict("records"):
        whole = row["contrast"].rpartition(", ")[0]
        own = claims[(claims["contrast"] == whole) & (claims["dataset"] == row["dataset"])].iloc[0]
        decided = own["ci_low"] * own["ci_high"] > 0
        if decided and row["estimate"] * own["estimate"] < 0:
            outcomes.append(STANDS)
        else:
            same = decided and row["ci_low"] * row["ci_high"] > 0
            outcomes.append(MET if same else OPEN)
    return outcomes


def training(study: Study) -> Finding:
    """How many models were still learning when training ended, and the contrasts without them."""
    table = study.tables["training"]
    enough = table["trained_enough"].astype(bool)
    short = int((~enough).sum())
    words = f"{short} of {len(table)} runs were still learning when their training ended."
    if not short:
        return Finding(MET, f"{words} The contrasts without such runs are those with all of them.")
    rows = pd.concat(study.contrasts(name, "control", "trained enough") for name in CONCLUSIONS)
    if rows.empty:
        return Finding(OPEN, f"{words} No contrast has runs without them.")
    return Finding(together([PART, *_repeated(study, rows)]), f"{words} {in_words(rows)}")


def choices(study: Study) -> Finding:
    """The share of specifications in which each effect keeps its sign."""
    curves, outcomes, parts = study.tables["specifications"], [], []
    for claim, own in curves.groupby("claim", sort=False):
        found = robustness(own)
        if found is not None and found.specifications > 1:
            outcomes.append(graded(1 - found.same, 0, 0.1))
            turned = f", turned most often by {found.axis}: {found.choice}" * bool(found.axis)
            parts.append(f"({claim}) {found.same:.0%} of {found.specifications}{turned}")
    if not parts:
        raise UnansweredError("no conclusion whose effect can be computed in two ways")
    words = "; ".join(parts)
    return Finding(
        together(outcomes),
        f"Specifications in which the effect has the sign of the primary one: {words}.",
    )


def seeds(study: Study) -> Finding:
    """The number of seeds, and the variance that seeds cause."""
    count = study.tables["runs"]["seed"].nunique()
    if count < 2:
        raise UnansweredError("one seed, so it shows nothing about retrained models")
    variance = study.tables["variance"]
    own = variance[(variance["statistic"] == "tau_gain") & variance["share"].notna()]
    own = own[own["component"].isin(["seed", "residual"])]
    shares = ", ".join(
        f"{row['component']} {row['share']:.0%} (SD {row['sd']:.3f})"
        for row in own.to_dict("records")
    )
    few = f" With fewer than {FEW_SEEDS} seeds, intervals are wide." if count < FEW_SEEDS else ""
    words = (
        f"{count} seeds per cell are the replicates of every interval, and texts are resampled "
        f"within them.{few}"
        + (f" Shares of the variance of agreement (τ-b) that seeds cause: {shares}." * bool(shares))
    )
    return Finding(PART if few else MET, words)


def multiplicity(study: Study) -> Finding:
    """How many contrasts there are, the effect of adjusting, and how certain the best cell is."""
    claims, ranks = study.tables["claims"], study.tables["ranks"]
    level = study.config["statistics"]["level"]
    tested = claims[claims["p"].notna()]
    if tested.empty:
        raise UnansweredError("no p that could be adjusted")
    adjusted = tested["p_holm"].fillna(tested["p_bh"])
    words = (
        f"Of {len(tested)} contrasts with a p, {(tested['p'] < 1 - level).sum()} are below "
        f"{1 - level:.2g} before adjustment and {(adjusted < 1 - level).sum()} after it."
    )
    best = ranks[(ranks["statistic"] == "tau_gain") & (ranks["rank"] == 1)]
    for row in best.head(1).to_dict("records"):
        cell = ", ".join(label_of(row[block]) for block in CELL[1:])
        words += (
            f" The cell with the largest agreement ({cell}) has a rank between "
            f"{row['rank_low']:.0f} and {row['rank_high']:.0f} of {row['cells']:.0f}."
        )
    return Finding(MET, words)
