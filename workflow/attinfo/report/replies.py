"""Asking a study: its tables at hand, and what it says to a question that it can answer or not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from attinfo.claims.conclusions import ALL
from attinfo.figures.style import name_of


class UnansweredError(Exception):
    """This study has not what an answer would take; the message says what."""


@dataclass(frozen=True)
class Study:
    """What the answers are read from: the study's tables, the summaries of its data, its config."""

    tables: Mapping[str, pd.DataFrame]
    summaries: Mapping[str, Mapping[str, Any]]
    config: Mapping[str, Any]

    def cells(self, statistic: str, variant: str = "trained", **blocks: str) -> pd.Series:
        """A statistic of the cells of a variant; at least one is known."""
        cells = self.tables["cells"]
        own = cells[(cells["statistic"] == statistic) & (cells["variant"] == variant)]
        for block, name in blocks.items():
            own = own[own[block] == name]
        found = own["estimate"].dropna()
        if found.empty:
            told = " ".join([*map(name_of, blocks.values()), name_of(variant)])
            raise UnansweredError(f"no {told} models in which it is defined")
        return found

    def mean(self, statistic: str, variant: str = "trained", **blocks: str) -> str:
        """The mean over cells, signed."""
        return f"{self.cells(statistic, variant, **blocks).mean():+.3f}"

    def contrasts(self, claim: str, *, role: str = "secondary", within: str = "") -> list[str]:
        """Other contrasts of a conclusion, over all data sets, with effect and verdict."""
        claims = self.tables["claims"]
        own = claims[(claims["claim"] == claim) & (claims["role"] == role) & (claims["n"] > 0)]
        own = own[(own["dataset"] == ALL) & own["contrast"].str.contains(within, regex=False)]
        return [
            f"{row.contrast[0].upper()}{row.contrast[1:]}: {row.estimate:+.3f} "
            f"[{row.ci_low:+.3f}, {row.ci_high:+.3f}], {row.verdict}"
            for row in own.itertuples()
        ]

    def agreement(self, index: str, pair: str, statistic: str) -> pd.DataFrame:
        """Rows of `agreement.csv` of the trained models."""
        table = self.tables["agreement"]
        own = table[(table["variant"] == "trained") & (table["index"] == index)]
        return own[(own["pair"] == pair) & (own["statistic"] == statistic)].dropna(subset="value")

    @property
    def information(self) -> pd.DataFrame:
        """Estimates by linear probes, of the trained models."""
        table = self.tables["information"]
        return table[(table["variant"] == "trained") & (table["estimator"] == "linear")]


class Question(NamedTuple):
    """An objection, the control that meets it, what is found, and what stays open.

    `places` name figures and tables to look at; the first that the page has is linked.
    """

    objection: str
    control: str
    finding: Callable[[Study], str]
    places: tuple[str, ...]
    remains: str = ""


class Reply(NamedTuple):
    """A question as the page shows it."""

    objection: str
    control: str
    finding: str
    status: str  # answered, in part, or not by this study
    place: str
    remains: str


def replies(
    questions: tuple[Question, ...], study: Study, anchors: Mapping[str, str]
) -> list[Reply]:
    """What this study says to each question; what it does not, it says too.

    Args:
        questions: to be answered.
        study: that is asked.
        anchors: of the page, by the names of figures and tables that it has; and `contents`.
    """
    shown = []
    for asked in questions:
        place = next(anchors[p] for p in (*asked.places, "contents") if p in anchors)
        try:
            finding, remains = asked.finding(study), asked.remains
            status = "Answered in part" if remains else "Answered"
        except UnansweredError as why:
            finding, remains = f"It has {why}.", ""
            status = "Not answered by this study"
        shown.append(Reply(asked.objection, asked.control, finding, status, place, remains))
    return shown
