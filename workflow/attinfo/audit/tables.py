"""The tables of the page of an audit, and the table of all answers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from attinfo.audit.answer import FAILED, MET, rows_of
from attinfo.audit.checkpoints import Checkpoint
from attinfo.audit.names import OWN_HEAD, PROBE
from attinfo.audit.words import BADGES, name_of
from attinfo.report.tables.base import Table
from attinfo.statistics.intervals import t_interval


def answers_table(first: Checkpoint) -> Table:
    """All views with their verdicts, the quoted one first."""
    rows = []
    for one in first.answers:
        rows.append(
            {
                "view": name_of(one.column),
                "read as an explanation": one.verdict,
                "τ-b": one.tau,
                "τ-b low": one.tau_low,
                "τ-b high": one.tau_high,
                "of the best removal": one.reached,
                "rules met": sum(own.outcome == MET for own in one.criteria),
                "rules failed": sum(own.outcome == FAILED for own in one.criteria),
                "not settled": sum(own.outcome not in (MET, FAILED) for own in one.criteria),
            }
        )
    return Table(
        f"answers-{first.model}",
        "Every view by the same rules",
        pd.DataFrame(rows),
        {"τ-b": "+.2f", "of the best removal": ".0%"},
        {"τ-b": ("τ-b low", "τ-b high")},
        note="The layer or head of each view was chosen on one half of the texts. All numbers come "
        "from the other half. The quoted view, in the first row, agreed best with the measures on "
        "the choosing half.",
        whole="answers.csv",
    )


def checkpoint_table(own: Sequence[Checkpoint], level: float) -> Table:
    """The quoted view of each checkpoint, and the mean over checkpoints with its interval."""
    rows: list[dict[str, object]] = [
        {
            "checkpoint": str(one.number),
            "view": name_of(one.answers[0].column),
            "verdict": BADGES[one.answers[0].verdict],
            "accuracy": one.texts["right"].mean(),
            "τ-b": one.answers[0].tau,
            "low": one.answers[0].tau_low,
            "high": one.answers[0].tau_high,
        }
        for one in own
    ]
    mean, low, high = t_interval(np.array([one.answers[0].tau for one in own]), level)
    rows.append(
        {"checkpoint": "mean", "view": "", "verdict": "", "accuracy": np.nan, "τ-b": mean}
        | {"low": low, "high": high}
    )
    return Table(
        f"checkpoints-{own[0].model}",
        "Checkpoints of this model",
        pd.DataFrame(rows),
        {"τ-b": "+.2f", "accuracy": ".1%"},
        {"τ-b": ("low", "high")},
        note="Intervals of single checkpoints are over texts; that of the mean is over "
        "checkpoints, by t.",
    )


def tables_of(first: Checkpoint, level: float) -> dict[str, Table | None]:
    """Make the tables of a checkpoint, by the names that the template has for them."""
    interval = {"τ-b": ("ci_low", "ci_high")}
    among = first.tables["measures"]
    measures = pd.DataFrame(
        {
            "measure": among["measure"].map(name_of),
            "other": among["other"].map(name_of),
            "τ-b": among["estimate"],
            "ci_low": among["ci_low"],
            "ci_high": among["ci_high"],
            "texts": among["n"],
        }
    )
    info = first.tables["information"]
    layers = pd.DataFrame(
        {
            "layer": info["layer"].map(lambda layer: "embeddings" if layer == 0 else str(layer)),
            "read by": info["estimator"].map(
                {PROBE: "linear probe", OWN_HEAD: "the model's own head"}
            ),
            "nats": info["mi_nats"],
            "ci_low": info["ci_low"],
            "ci_high": info["ci_high"],
            "I/H": info["mi_over_h"],
            "null, 95 %": info["floor_upper"],
            "words": info["n"],
            "flags": info["flags"].fillna(""),
        }
    )
    rated = first.tables["plausibility"]
    name, words = first.model, f"{level:.0%} intervals over texts of the judging half."
    plausible = None
    if len(rated):
        table = pd.DataFrame(
            {
                "order": rated["ordering"].map(name_of),
                "ROC AUC": rated["estimate"],
                "ci_low": rated["ci_low"],
                "ci_high": rated["ci_high"],
                "texts": rated["n"],
            }
        )
        plausible = Table(
            f"plausibility-{name}",
            "Does the order put words first that people rate?",
            table.sort_values("ROC AUC", ascending=False),
            {"ROC AUC": ".2f"},
            {"ROC AUC": ("ci_low", "ci_high")},
            note="ROC AUC of finding the words of a lexicon; 0.5 is chance. An order may be "
            "plausible to people and yet not show which words the model uses. " + words,
        )
    return {
        "agreement": _agreement(first, words),
        "measures": Table(
            f"measures-{name}",
            "Agreement of the measures among themselves",
            measures,
            {"τ-b": "+.2f"},
            interval,
            note="Rule 3 compares views with these numbers. " + words,
        ),
        "removal": _removal(first, words),
        "information": Table(
            f"information-{name}",
            "Information by layer",
            layers,
            {"nats": ".3f", "I/H": ".2f", "null, 95 %": ".3f"},
            {"nats": ("ci_low", "ci_high")},
        ),
        "plausibility": plausible,
    }


def _add_estimates(
    wide: pd.DataFrame, name: str, estimates: pd.DataFrame
) -> dict[str, tuple[str, str]]:
    """Add a column of estimates by ordering, and return the names of its interval's columns."""
    low, high = f"{name} low", f"{name} high"
    for column, key in ((name, "estimate"), (low, "ci_low"), (high, "ci_high")):
        wide[column] = wide["ordering"].map(estimates[key])
    return {name: (low, high)}


def _agreement(first: Checkpoint, words: str) -> Table:
    """Make the table of agreement: a row for each order, a column for each measure."""
    rows = first.tables["agreement"]
    wide = pd.DataFrame({"ordering": rows["ordering"].drop_duplicates()})
    wide["order"] = wide["ordering"].map(name_of)
    kinds = rows.drop_duplicates("ordering").set_index("ordering")["kind"]
    wide["kind"] = wide["ordering"].map(kinds)
    intervals: dict[str, tuple[str, str]] = {}
    for measure in dict.fromkeys(rows["measure"]):
        own = rows[rows["measure"] == measure].set_index("ordering")
        intervals |= _add_estimates(wide, name_of(measure), own)
    undefined = int(rows["undefined"].max())
    return Table(
        f"agreement-{first.model}",
        "Agreement of orders with measures",
        wide.drop(columns="ordering"),
        dict.fromkeys(intervals, "+.2f"),
        intervals,
        note="τ-b within texts, mean over texts. "
        + (f"Up to {undefined} texts have no order and do not count. " if undefined else "")
        + words,
        whole=f"models/{first.model}/{first.number}/agreement.csv",
    )


REMOVALS = {  # column: kind, and the texts over which it is the mean
    "without top words": ("comprehensiveness", "all"),
    "with top words only": ("sufficiency", "all"),
    "without top words, searched texts": ("comprehensiveness", "searched"),
}


def _removal(first: Checkpoint, words: str) -> Table:
    """Make the table of removal: a row for each order, a column for each kind of removal."""
    rows = first.tables["removal"]
    wide = pd.DataFrame({"ordering": rows["ordering"].drop_duplicates()})
    wide["order"] = wide["ordering"].map(name_of)
    intervals: dict[str, tuple[str, str]] = {}
    for name, (kind, of_texts) in REMOVALS.items():
        own = rows[(rows["kind"] == kind) & (rows["of_texts"] == of_texts)].set_index("ordering")
        intervals |= _add_estimates(wide, name, own)
    wide = wide.sort_values("without top words, searched texts", ascending=False)
    counts = {
        of_texts: int(rows.loc[rows["of_texts"] == of_texts, "n"].max())
        for of_texts in ("all", "searched")
        if (rows["of_texts"] == of_texts).any()
    }
    return Table(
        f"removal-{first.model}",
        "Fall of the probability of the predicted class",
        wide.drop(columns="ordering"),
        dict.fromkeys(intervals, "+.2f"),
        intervals,
        note=f"Means over {counts.get('all', 0)} texts. The best and the worst order were searched "
        f"in {counts.get('searched', 0)} short texts; the last column is the mean over these. "
        + words,
        whole=f"models/{first.model}/{first.number}/removal.csv",
    )


def every_answer(checkpoints: Sequence[Checkpoint]) -> pd.DataFrame:
    """Make the table `answers.csv`: a row for each view of each checkpoint and each rule."""
    return pd.DataFrame(
        {"model": one.model, "checkpoint": one.number, **row}
        for one in checkpoints
        for row in rows_of(one.answers)
    )
