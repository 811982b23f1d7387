"""Would we read a view as an explanation? By rules that are declared before any result."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from attinfo.audit.agreement import Choice, Drawn, estimate, mean_of
from attinfo.audit.controls import BEST, RANDOM, UNTRAINED
from attinfo.audit.halves import JUDGING

SHARE = 0.5  # of what measures reach among themselves, and of what the best order does
MET, FAILED, OPEN = "met", "failed", "open"
WOULD, WOULD_NOT, UNSETTLED = "would", "would not", "not settled"
RULES = {
    "beats_controls": "It orders words more like the measures than the best order that knows "
    "nothing of the model: by place or by frequency",
    "beats_untrained": "It orders words more like the measures than the same view of an untrained "
    "model with the same config",
    "near_measures": f"It agrees with the measures at least {SHARE:.0%} as well as these agree "
    "with each other",
    "removal_beats_controls": "Removing the words that it puts first changes the prediction more "
    "than removing those of the best control",
    "removal_near_best": f"That change is at least {SHARE:.0%} of the way from a random order to "
    "the best order of the same text",
}


@dataclass(frozen=True)
class Criterion:
    """A rule, what it compares, and whether the interval lies above zero.

    `estimate` is a difference per text, so that `met` means its interval lies above 0, `failed`
    below 0, and `open` that it holds 0. `value` and `other` are the two sides.
    """

    rule: str
    value: float
    other: float
    estimate: float
    ci_low: float
    ci_high: float
    n: int
    outcome: str


@dataclass(frozen=True)
class Answer:
    """The answer about one view: its verdict, its column, and the criteria behind the verdict."""

    view: str
    column: str
    quoted: bool
    control: str
    verdict: str
    tau: float
    tau_low: float
    tau_high: float
    removal: float
    removal_random: float
    removal_best: float
    removal_texts: int
    criteria: tuple[Criterion, ...]


def outcome(low: float, high: float) -> str:
    """Whether an interval lies above zero."""
    if np.isnan(low) or low <= 0 <= high:
        return OPEN
    return MET if low > 0 else FAILED


def verdict(outcomes: Sequence[str]) -> str:
    """`would` if all criteria are met, `would not` if one fails, else `not settled`."""
    if all(own == MET for own in outcomes):
        return WOULD
    return WOULD_NOT if FAILED in outcomes else UNSETTLED


def answers(
    choice: Choice,
    tau: Mapping[tuple[str, str], np.ndarray],
    measures_tau: Mapping[tuple[str, str], np.ndarray],
    removal: pd.DataFrame,
    references: Sequence[str],
    drawn: Drawn,
    repeats: int,
    level: float,
    seed: int,
) -> list[Answer]:
    """Judge each view by its chosen column, on the judging half.

    Args:
        choice: made on the other half.
        tau: of `taus`: columns, controls and those of an untrained model, with each measure.
        measures_tau: of `among`.
        removal: of `removed` and `best_orders`, on texts of the judging half.
        references: the measures that decide.
        drawn: the drawn texts.
        repeats, level, seed: of the bootstrap.
    """
    judged = drawn.half == JUDGING
    own_pairs = [tau for pair, tau in measures_tau.items() if set(pair) <= set(references)]
    others = [tau for pair, tau in measures_tau.items() if set(pair) & set(references)]
    ceiling = mean_of(own_pairs or others) if others else np.ones(len(judged))
    fell = removal[removal["kind"] == "comprehensiveness"].pivot(
        index="text", columns="ordering", values="aopc"
    )

    def agreed(name: str) -> np.ndarray:
        return mean_of([tau[name, measure] for measure in references])[judged]

    def falls(name: str) -> np.ndarray:
        own = fell[name] if name in fell else pd.Series(np.nan, fell.index)
        return own.to_numpy(float)

    def compared(rule: str, one: np.ndarray, other: np.ndarray) -> Criterion:
        known = ~np.isnan(one) & ~np.isnan(other)
        found = estimate((one - other)[known], repeats, level, seed)
        value, against = _mean(one[known]), _mean(other[known])
        low, high = found["ci_low"], found["ci_high"]
        return Criterion(
            rule, value, against, found["estimate"], low, high, int(found["n"]), outcome(low, high)
        )

    made = []
    for view, column in choice.columns.items():
        own, control = agreed(column), agreed(choice.control)
        fallen, midway = falls(column), SHARE * falls(BEST) + (1 - SHARE) * falls(RANDOM)
        untrained = f"{UNTRAINED}:{column}"
        criteria = [compared("beats_controls", own, control)]
        if (untrained, references[0]) in tau:
            criteria.append(compared("beats_untrained", own, agreed(untrained)))
        criteria += [
            compared("near_measures", own, SHARE * ceiling[judged]),
            compared("removal_beats_controls", fallen, falls(choice.control)),
            compared("removal_near_best", fallen, midway),
        ]
        known = estimate(own, repeats, level, seed)
        bounded = ~np.isnan(falls(BEST)) & ~np.isnan(fallen)
        made.append(
            Answer(
                view,
                column,
                view == choice.view,
                choice.control,
                verdict([one.outcome for one in criteria]),
                known["estimate"],
                known["ci_low"],
                known["ci_high"],
                _mean(falls(column)[bounded]),
                _mean(falls(RANDOM)[bounded]),
                _mean(falls(BEST)[bounded]),
                int(bounded.sum()),
                tuple(criteria),
            )
        )
    return sorted(made, key=lambda one: (not one.quoted, -one.tau))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def plain(found: Sequence[Answer]) -> list[dict[str, Any]]:
    """Answers as plain values."""
    return [asdict(one) for one in found]


def from_plain(rows: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """Answers from plain values; a number that is None is NaN."""
    found = []
    for row in rows:
        criteria = tuple(Criterion(**_numbers(own)) for own in row["criteria"])
        found.append(Answer(**_numbers({**row, "criteria": criteria})))
    return found


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: np.nan if value is None else value for name, value in row.items()}


def without_nan(content: Any) -> Any:
    """Plain values for JSON, which has no NaN: None in its place."""
    if isinstance(content, Mapping):
        return {name: without_nan(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_nan(value) for value in content]
    return None if isinstance(content, float) and np.isnan(content) else content
