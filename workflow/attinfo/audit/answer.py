"""Whether a view is read as an explanation, by rules that do not depend on the results."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from attinfo.audit.agreement import Bootstrap, Choice, Drawn, mean_of
from attinfo.audit.names import BEST, JUDGING, RANDOM, UNTRAINED

SHARE = 0.5  # of the agreement among measures, and of the way from a random to the best order
MET, FAILED, OPEN = "met", "failed", "open"
WOULD, WOULD_NOT, UNSETTLED = "would", "would not", "not settled"
RULES = {
    "beats_controls": "It agrees with the measures more than the best order by place or by "
    "frequency, which does not depend on the model",
    "beats_untrained": "It agrees with the measures more than the same view of an untrained model "
    "with the same config",
    "near_measures": f"Its agreement with the measures is at least {SHARE:.0%} of their agreement "
    "with each other",
    "removal_beats_controls": "Removing the words that it puts first lowers the probability of the "
    "predicted class more than removing those that the best control puts first",
    "removal_near_best": f"That fall is at least {SHARE:.0%} of the way from the fall of a random "
    "order to that of the best order of the same text",
}


@dataclass(frozen=True)
class Criterion:
    """A rule, the two numbers that it compares, and its outcome.

    `value` and `other` are means over the `n` texts that have both, `estimate` is their difference.
    The outcome is `met` if the interval of the difference lies above 0, `failed` if it lies below
    0, and else `open`.
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
    """The answer about one view: its verdict, and the criteria behind the verdict.

    Attributes:
        view, column: the view, and its layer or head that was chosen.
        quoted: whether it is the view that agrees best with the measures on the choosing half.
        control: the best order by place or by frequency.
        verdict: `would`, `would not` or `not settled`.
        tau, tau_low, tau_high: agreement with the references, and its interval.
        removal, removal_random, removal_best: mean fall of the probability when the top words of
            the column, of a random order and of the best order are removed.
        removal_texts: number of texts of these means, whose best order was searched.
        criteria: the outcome of each rule.
    """

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

    @property
    def reached(self) -> float:
        """Share of the way from the random to the best removal; NaN where these are equal."""
        way = self.removal_best - self.removal_random
        return (self.removal - self.removal_random) / way if way > 0 else float("nan")


def outcome(low: float, high: float) -> str:
    """`met` if an interval lies above zero, `failed` if it lies below, else `open`."""
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
    bootstrap: Bootstrap,
) -> list[Answer]:
    """Judge each view by its chosen column, on the judging half.

    Args:
        choice: the columns and the control, chosen on the other half.
        tau: what `taus` returns: agreement of columns and controls with each measure.
        measures_tau: what `among` returns: agreement of every two measures. Without a pair that has
            a reference, the rule `near_measures` stays open.
        removal: tables of `removed` and `best_orders`, for texts of the judging half.
        references: the measures that decide.
        drawn: the drawn texts.
        bootstrap: for the intervals.

    Returns:
        An answer for each view, the quoted one first.
    """
    judged = drawn.half == JUDGING
    own_pairs = [tau for pair, tau in measures_tau.items() if set(pair) <= set(references)]
    others = [tau for pair, tau in measures_tau.items() if set(pair) & set(references)]
    ceiling = mean_of(own_pairs or others) if others else np.full(len(judged), np.nan)
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
        found = bootstrap.estimate((one - other)[known])
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
        known = bootstrap.estimate(own)
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


def rows_of(found: Sequence[Answer]) -> list[dict[str, Any]]:
    """A row for each view and rule: fields of the answer, and those of the criterion as `rule_`."""
    rows = []
    for answer in plain(found):
        criteria = answer.pop("criteria")
        rows += [answer | {f"rule_{key}": value for key, value in own.items()} for own in criteria]
    return rows


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
