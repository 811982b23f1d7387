"""The tables from which objections are answered, and the form of an answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from attinfo.claims.conclusions import CONCLUSIONS
from attinfo.keys import ALL
from attinfo.labels import label_of

# What a control makes of an objection.
MET, PART, STANDS, OPEN, NONE = (
    "Met here",
    "Met in part",
    "Stands here",
    "Not settled here",
    "Not measured by this study",
)


class Finding(NamedTuple):
    """What a control found: one of the outcomes above, and the numbers in a sentence or two."""

    outcome: str
    words: str


class UnansweredError(Exception):
    """The study lacks what an answer needs; the message says what."""


def graded(value: float, good: float, bad: float) -> str:
    """Met up to `good`, standing above `bad`, met in part between them."""
    return MET if value <= good else STANDS if value > bad else PART


def together(outcomes: list[str]) -> str:
    """The outcome of several tests: the worst, where one that is not settled leaves all open."""
    return next((o for o in (STANDS, OPEN, PART) if o in outcomes), MET)


@dataclass(frozen=True)
class Study:
    """The tables of a study, the summaries of its data, and its config."""

    tables: Mapping[str, pd.DataFrame]
    summaries: Mapping[str, Mapping[str, Any]]
    config: Mapping[str, Any]

    def cells(self, statistic: str, variant: str = "trained", **blocks: str) -> pd.Series:
        """The known values of a statistic in the cells of a variant.

        Raises:
            UnansweredError: there is none.
        """
        cells = self.tables["cells"]
        own = cells[(cells["statistic"] == statistic) & (cells["variant"] == variant)]
        for block, name in blocks.items():
            own = own[own[block] == name]
        found = own["estimate"].dropna()
        if found.empty:
            words = " ".join([*map(label_of, blocks.values()), label_of(variant)])
            raise UnansweredError(f"no {words} models in which it is defined")
        return found

    def mean(self, statistic: str, variant: str = "trained", **blocks: str) -> float:
        """The mean of a statistic over the cells of a variant; see `cells`."""
        return float(self.cells(statistic, variant, **blocks).mean())

    def contrasts(self, conclusion: str, role: str = "secondary", within: str = "") -> pd.DataFrame:
        """Contrasts of a conclusion over all data sets that have runs.

        Args:
            conclusion: its name in `CONCLUSIONS`.
            role: `primary`, `secondary` or `control`.
            within: a part of the statement.
        """
        claims, numeral = self.tables["claims"], CONCLUSIONS[conclusion].numeral
        own = claims[(claims["claim"] == numeral) & (claims["role"] == role) & (claims["n"] > 0)]
        return own[(own["dataset"] == ALL) & own["contrast"].str.contains(within, regex=False)]

    def agreement(self, index: str, pair: str, statistic: str) -> pd.DataFrame:
        """The known rows of `agreement.csv` of the trained models."""
        table = self.tables["agreement"]
        own = table[(table["variant"] == "trained") & (table["index"] == index)]
        return own[(own["pair"] == pair) & (own["statistic"] == statistic)].dropna(subset="value")

    @property
    def information(self) -> pd.DataFrame:
        """The estimates by linear probes of the trained models."""
        table = self.tables["information"]
        return table[(table["variant"] == "trained") & (table["estimator"] == "linear")]


def in_words(contrasts: pd.DataFrame) -> str:
    """Contrasts with effect, interval and verdict, a sentence each."""
    return " ".join(
        f"{row['contrast'][0].upper()}{row['contrast'][1:]}: {row['estimate']:+.3f} "
        f"[{row['ci_low']:+.3f}, {row['ci_high']:+.3f}], {row['verdict']}."
        for row in contrasts.to_dict("records")
    )
