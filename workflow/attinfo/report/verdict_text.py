"""The verdicts in sentences for readers outside the field."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from attinfo.claims.conclusions import BY_NUMERAL
from attinfo.claims.contrast import Conclusion
from attinfo.claims.specifications import Robustness, robustness
from attinfo.claims.verdicts import ONE_SEED
from attinfo.keys import ALL
from attinfo.labels import counted, listed

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
    for any reader; `beside`: findings of other contrasts, a sentence each; `robust`: whether the
    effect depends on choices; `reason`: why the verdict is what it is, for readers of the field.
    """

    claim: str
    conclusion: str
    question: str
    verdict: str
    answer: str
    sentence: str
    beside: tuple[str, ...]
    robust: str
    reason: str


def answers(claims: pd.DataFrame, specifications: pd.DataFrame, level: float) -> list[Answer]:
    """Answer the question of each conclusion.

    Args:
        claims: of `claims.csv`.
        specifications: of `specifications.csv`.
        level: of its intervals.
    """
    own = claims[(claims["role"] == "primary") & (claims["dataset"] == ALL)]
    shown = []
    for row in own.to_dict("records"):
        conclusion, has_runs = BY_NUMERAL[row["claim"]], row["n"] > 0
        verdict = row["verdict"] if has_runs else MISSING
        others = claims[(claims["claim"] == row["claim"]) & (claims["dataset"] == ALL)]
        curve = robustness(specifications[specifications["claim"] == row["claim"]])
        shown.append(
            Answer(
                row["claim"],
                conclusion.statement,
                conclusion.question,
                verdict,
                WORDS[verdict].answer,
                _sentence(row, conclusion, level, split(others)) if has_runs else _missing(row),
                beside(others, conclusion, level) if has_runs else (),
                robust_words(verdict, curve) if has_runs and curve else "",
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
    if not float(size):
        size = f"less than {10**-conclusion.decimals:g}"
    return f"{size}{conclusion.unit if unit else ''} {word}"


def _with_interval(
    row: Mapping[str, Any], finding: str, conclusion: Conclusion, level: float
) -> str:
    """A finding with the effect in words, and its interval."""
    effect = _size(row["estimate"], conclusion, unit=True)
    low, high = (_size(row[bound], conclusion, unit=False) for bound in ("ci_low", "ci_high"))
    unit = f", in{conclusion.unit}" if conclusion.unit else ""
    words = finding.format(effect=effect)
    if row["verdict"] == "undetermined":
        words = f"Estimate: {words[0].lower()}{words[1:]}"
    return f"{words} {level:.0%} interval: {low} to {high}{unit}."


def _sentence(row: Mapping[str, Any], conclusion: Conclusion, level: float, divided: str) -> str:
    finding = _with_interval(row, conclusion.finding, conclusion, level)
    return f"{finding} {divided or _uncertainty(row, level)}".strip()


def _uncertainty(row: Mapping[str, Any], level: float) -> str:
    """Why a verdict is undetermined."""
    if row["verdict"] != "undetermined":
        return ""
    if row["note"] == ONE_SEED:
        return "One model of each kind does not show what retrained models would do."
    if row["ci_low"] <= 0 <= row["ci_high"]:
        return "The data fit both directions, so more models are needed."
    if row["p"] < 1 - level and not row["p_joint"] < 1 - level:
        return "The comparisons that the conclusion also needs do not show the same."
    return (
        "This contrast alone would be significant. Judged together with the other conclusions it "
        "is not."
    )


def split(claims: pd.DataFrame) -> str:
    """Say between what the difference lies, where the parts of a conclusion differ.

    A part is called if each of its contrasts is significant alone and all have one sign; "" where
    all parts are called in one direction, none is, or there is one part only.

    Args:
        claims: the rows of one conclusion, over all data sets.
    """
    own = claims[claims["role"].isin(["primary", "co-primary"]) & (claims["n"] > 0)]
    called = {}
    for about, rows in own.groupby(own["about"].fillna(""), sort=False):
        signs = set(np.sign(rows["estimate"]))
        alone = (rows["ci_low"] * rows["ci_high"] > 0).all() and len(signs) == 1
        called[str(about)] = signs.pop() if alone else 0.0
    decided = {about: sign for about, sign in called.items() if sign}
    if len(called) < 2 or not decided or len(set(called.values())) == 1:
        return ""
    words = [f"{about} ({'more' if sign > 0 else 'less'})" for about, sign in decided.items()]
    rest = [about for about in called if about not in decided]
    if not rest:
        return f"The differences point in opposite directions: {listed(words)}."
    return f"A difference is found {listed(words)}, and is not settled {listed(rest)}."


def beside(claims: pd.DataFrame, conclusion: Conclusion, level: float) -> tuple[str, ...]:
    """The findings of the contrasts of a conclusion that have a sentence for the page.

    Args:
        claims: the rows of the conclusion, over all data sets.
        conclusion: with its contrasts.
        level: of the intervals.
    """
    sentences = []
    for contrast in conclusion.contrasts:
        own = claims[(claims["contrast"] == contrast.statement) & (claims["n"] > 0)]
        if contrast.finding and len(own):
            row = own.iloc[0].to_dict()
            if contrast.each:
                words = f"{contrast.finding} {row['note'][0].upper()}{row['note'][1:]}."
            else:
                words = _with_interval(row, contrast.finding, conclusion, level)
            sentences.append(words)
    return tuple(sentences)


def robust_words(verdict: str, curve: Robustness) -> str:
    """Say whether an effect keeps its sign whatever reasonable choice is made."""
    count = counted(curve.specifications, "specification")
    if curve.specifications == 1:
        return "This study leaves one way to compute the effect, so robustness is not known."
    called = (
        f"{curve.called:.0%} are significant with this sign, {curve.opposite:.0%} with the other"
    )
    if curve.same == 1:
        holds = "The effect has this sign" if verdict == "undetermined" else "It holds"
        return f"{holds} whatever reasonable choice is made: in all of {count}, of which {called}."
    what = "The sign" if verdict == "undetermined" else "The verdict"
    return (
        f"{what} hangs on a choice ({curve.axis}): with {curve.choice} the effect turns in "
        f"{curve.turned} of {curve.of} specifications. Of all {curve.specifications}, "
        f"{curve.same:.0%} have this sign; {called}."
    )


def _missing(row: Mapping[str, Any]) -> str:
    return f"This study has no models to compare. The comparison would be: {row['contrast']}."
