"""The verdicts in sentences for readers outside the field."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from attinfo.claims.conclusions import BY_NUMERAL
from attinfo.claims.contrast import Conclusion
from attinfo.claims.verdicts import ONE_SEED
from attinfo.keys import ALL

MISSING = "missing"  # in the place of a verdict: the study has no runs to compare


class Words(NamedTuple):
    """How a verdict is worded: as answer to the question, and in the headline.

    `one`, `many`: of one and of several conclusions; `all`: of all, whose number is {total}.
    """

    answer: str
    one: str
    many: str
    all: str


WORDS = {
    "supported": Words("Yes", "holds here", "hold here", "All {total} conclusions hold here."),
    "equivalent": Words(
        "Yes, within the margin",
        "holds within its margin",
        "hold within their margins",
        "All {total} conclusions hold within their margins.",
    ),
    "contradicted": Words(
        "No, the opposite",
        "is contradicted",
        "are contradicted",
        "All {total} conclusions are contradicted here.",
    ),
    "undetermined": Words(
        "Not settled",
        "is not settled",
        "are not settled",
        "None of the {total} conclusions is settled here.",
    ),
    MISSING: Words(
        "Not asked",
        "is not asked",
        "are not asked",
        "This study has no models to test any of the {total} conclusions on.",
    ),
}


class Answer(NamedTuple):
    """A conclusion on the page.

    `conclusion`: as the paper has it; `answer`: to the question, in a word; `sentence`: the finding
    for any reader; `reason`: why the verdict is what it is, for readers of the field.
    """

    claim: str
    conclusion: str
    question: str
    verdict: str
    answer: str
    sentence: str
    reason: str


def answers(claims: pd.DataFrame, level: float) -> list[Answer]:
    """Answer the question of each conclusion.

    Args:
        claims: of `claims.csv`.
        level: of its intervals.
    """
    own = claims[(claims["role"] == "primary") & (claims["dataset"] == ALL)]
    shown = []
    for row in own.to_dict("records"):
        conclusion, has_runs = BY_NUMERAL[row["claim"]], row["n"] > 0
        verdict = row["verdict"] if has_runs else MISSING
        shown.append(
            Answer(
                row["claim"],
                conclusion.statement,
                conclusion.question,
                verdict,
                WORDS[verdict].answer,
                _sentence(row, conclusion, level) if has_runs else _missing(row),
                row["reason"] if has_runs else "",
            )
        )
    return shown


def headline(shown: Sequence[Answer]) -> str:
    """Say how many of the conclusions hold, in a sentence."""
    total, verdicts = len(shown), {a.verdict for a in shown}
    if len(verdicts) == 1:
        return WORDS[verdicts.pop()].all.format(total=total)
    counts = {verdict: sum(a.verdict == verdict for a in shown) for verdict in WORDS}
    parts = [
        f"{count} {WORDS[verdict].one if count == 1 else WORDS[verdict].many}"
        for verdict, count in counts.items()
        if count
    ]
    *most, last = parts
    return f"Of the {total} conclusions {', '.join(most)} and {last}."


def _size(value: float, conclusion: Conclusion, unit: bool) -> str:
    """The size of an effect with its direction: `3.1 percentage points more`."""
    word = conclusion.more if value > 0 else conclusion.less
    size = f"{abs(value) * conclusion.scale:.{conclusion.decimals}f}"
    return f"{size}{conclusion.unit if unit else ''} {word}"


def _sentence(row: Mapping[str, Any], conclusion: Conclusion, level: float) -> str:
    effect = _size(row["estimate"], conclusion, unit=True)
    low, high = (_size(row[bound], conclusion, unit=False) for bound in ("ci_low", "ci_high"))
    unit = f", in{conclusion.unit}" if conclusion.unit else ""
    finding = conclusion.finding.format(effect=effect)
    if row["verdict"] == "undetermined":
        finding = f"Estimate: {finding[0].lower()}{finding[1:]}"
    words = f"{finding} {level:.0%} interval: {low} to {high}{unit}."
    return f"{words} {_uncertainty(row)}".strip()


def _uncertainty(row: Mapping[str, Any]) -> str:
    """Why a verdict is undetermined."""
    if row["verdict"] != "undetermined":
        return ""
    if row["note"] == ONE_SEED:
        return "One model of each kind does not show what retrained models would do."
    if row["ci_low"] <= 0 <= row["ci_high"]:
        return "The data fit both directions, so more models are needed."
    return (
        "This contrast alone would be significant. Judged together with the other conclusions it "
        "is not."
    )


def _missing(row: Mapping[str, Any]) -> str:
    return f"This study has no models to compare. The comparison would be: {row['contrast']}."
