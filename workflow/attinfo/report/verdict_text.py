"""The five verdicts as sentences for readers who are not of the field."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from attinfo.claims.conclusions import ALL, CONCLUSIONS
from attinfo.claims.verdicts import ONE_SEED

ANSWERS = {
    "supported": "Yes",
    "contradicted": "No, the opposite",
    "undetermined": "Not settled",
}
NOT_ASKED = "Not asked"


class Plain(NamedTuple):
    """A conclusion in plain words: the question, and how to say its effect.

    `finding` holds {effect}, a size in `unit` followed by `more` or `less`.
    """

    question: str
    finding: str
    more: str
    less: str
    scale: float = 1
    unit: str = ""
    decimals: int = 2


POINTS = " percentage points"
AGREEING = "on a scale from −1 (the reverse order) to +1 (the same order)"
PLAIN = {
    "i": Plain(
        "Do additive and deep attention leave more about the model’s decision in its inner states "
        "than scaled dot-product attention?",
        "Of all there is to know about the decision, a state under additive or deep attention "
        "tells {effect} than one under scaled dot-product attention.",
        "more",
        "less",
        100,
        POINTS,
        1,
    ),
    "ii": Plain(
        "Does additive attention learn, by training, to point at the informative words?",
        "Trained, its order of the words agrees with the order by information {effect} than "
        f"with a scorer left at random, {AGREEING}.",
        "more",
        "less",
    ),
    "iii": Plain(
        "Where two words get nearly the same weight, does the weight stop telling which of them "
        "is the more informative?",
        "Pairs of words with very different weights are in the order of their information {effect} "
        "often than pairs with nearly equal weights.",
        "more",
        "less",
        100,
        POINTS,
        1,
    ),
    "iv": Plain(
        "Does Gumbel-softmax, at a temperature below one, put attention on fewer words than "
        "softmax does?",
        "Its weights are {effect} than those of softmax, where 100 is the same weight for every "
        "word.",
        "less even",
        "more even",
        100,
        " points",
        1,
    ),
    "v": Plain(
        "Does the paper’s example, a BiLSTM with additive attention, point at informative words "
        "better than other combinations?",
        "Its order of the words agrees with the order by information {effect} than the orders of "
        f"the others do, {AGREEING}.",
        "more",
        "less",
    ),
}


class Answer(NamedTuple):
    """One conclusion on the page."""

    claim: str
    conclusion: str  # as the paper has it
    question: str
    verdict: str
    answer: str  # to the question, in a word
    sentence: str  # what was found, for anybody
    reason: str  # why the verdict is what it is, for readers of the field


def answers(claims: pd.DataFrame, level: float) -> list[Answer]:
    """An answer to each of the five conclusions."""
    own = claims[(claims["role"] == "primary") & (claims["dataset"] == ALL)]
    shown = []
    for row in own.fillna({"reason": "", "note": ""}).to_dict("records"):
        plain, asked = PLAIN[row["claim"]], row["n"] > 0
        shown.append(
            Answer(
                row["claim"],
                CONCLUSIONS[row["claim"]],
                plain.question,
                row["verdict"] if asked else "missing",
                ANSWERS[row["verdict"]] if asked else NOT_ASKED,
                _sentence(row, plain, level) if asked else _missing(row),
                row["reason"] if asked else "",
            )
        )
    return shown


SAID = {
    "supported": ("holds here", "hold here"),
    "contradicted": ("is contradicted", "are contradicted"),
    "undetermined": ("is not settled", "are not settled"),
    "missing": ("is not asked", "are not asked"),
}
ALIKE = {
    "supported": "All five conclusions hold here.",
    "contradicted": "All five conclusions are contradicted here.",
    "undetermined": "None of the five conclusions is settled here.",
    "missing": "This study has no models to ask any of the five conclusions of.",
}
NUMBERS = ("none", "one", "two", "three", "four", "five")


def headline(shown: list[Answer]) -> str:
    """How many of the conclusions hold, in a sentence."""
    if len({a.verdict for a in shown}) == 1:
        return ALIKE[shown[0].verdict]
    counts = {verdict: sum(a.verdict == verdict for a in shown) for verdict in SAID}
    parts = [f"{NUMBERS[n]} {SAID[verdict][n > 1]}" for verdict, n in counts.items() if n]
    *most, last = parts
    return f"Of the five conclusions {', '.join(most)}{' and ' * bool(most)}{last}."


def _spoken(value: float, plain: Plain) -> str:
    word = plain.more if value > 0 else plain.less
    return f"{abs(value) * plain.scale:.{plain.decimals}f} {word}"


def _sentence(row: Mapping[str, Any], plain: Plain, level: float) -> str:
    size = f"{abs(row['estimate']) * plain.scale:.{plain.decimals}f}"
    word = plain.more if row["estimate"] > 0 else plain.less
    effect = f"{size}{plain.unit} {word}"
    if not float(size):
        effect = f"no {plain.more} and no {plain.less}"
    low, high = (_spoken(row[bound], plain) for bound in ("ci_low", "ci_high"))
    unit = f", in{plain.unit}" if plain.unit else ""
    said = f"{plain.finding.format(effect=effect)} {level:.0%} interval: {low} to {high}{unit}."
    return f"{said} {_certainty(row, level)}".strip()


def _certainty(row: Mapping[str, Any], level: float) -> str:
    """What a verdict that is open leaves open."""
    if row["verdict"] != "undetermined":
        return ""
    if row["note"] == ONE_SEED:
        return "With one model of each kind nobody knows what models trained anew would do."
    if row["ci_low"] <= 0 <= row["ci_high"]:
        return "Both directions fit the data: more models are needed to tell."
    return (
        "By itself that would count; judged together with the other conclusions it is not certain "
        "enough."
    )


def _missing(row: Mapping[str, Any]) -> str:
    return f"This study has no models to compare. The comparison would be: {row['contrast']}."
