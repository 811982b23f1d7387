"""The rules behind an answer: which outcome, which verdict, which words."""

from dataclasses import replace
import json

import numpy as np
import pandas as pd
import pytest

from attinfo.audit.agreement import Choice, Drawn, choose, estimate
from attinfo.audit.answer import (
    FAILED,
    MET,
    OPEN,
    RULES,
    answers,
    from_plain,
    outcome,
    plain,
    without_nan,
)
from attinfo.audit.answer import verdict as verdict_of
from attinfo.audit.halves import CHOOSING, JUDGING
from attinfo.audit.words import in_words, reason

TEXTS = 60
HALF = np.arange(TEXTS) % 2
RNG = np.random.default_rng(0)


def case(view: float, control: float, untrained: float, fall: float, best: float = 0.6):
    """The answer about a view whose agreement and fall are about these numbers."""

    def around(mean: float) -> np.ndarray:
        return mean + 0.05 * RNG.normal(size=TEXTS)

    names = {"rollout": view, "last_words": control, "untrained:rollout": untrained}
    tau = {(name, "leave_one_out"): around(mean) for name, mean in names.items()}
    among = {("leave_one_out", "gradient"): around(0.6)}
    falls = {"rollout": fall, "last_words": 0.1, "random": 0.1, "best": best}
    removal = pd.concat(
        pd.DataFrame(
            {
                "text": np.flatnonzero(HALF == JUDGING),
                "ordering": name,
                "kind": "comprehensiveness",
                "aopc": around(mean)[HALF == JUDGING],
            }
        )
        for name, mean in falls.items()
    )
    choice = Choice({"rollout": "rollout"}, "rollout", "last_words")
    drawn = Drawn(np.arange(0), np.arange(TEXTS + 1), HALF)
    (found,) = answers(choice, tau, among, removal, ["leave_one_out"], drawn, 400, 0.95, 1)
    return found


@pytest.mark.parametrize(
    ("numbers", "expected", "failed"),
    [
        ((0.5, 0.1, 0.1, 0.5), "would", set()),
        ((0.5, 0.6, 0.1, 0.5), "would not", {"beats_controls"}),
        ((0.5, 0.1, 0.6, 0.5), "would not", {"beats_untrained"}),
        ((0.2, 0.0, 0.0, 0.5), "would not", {"near_measures"}),
        ((0.5, 0.1, 0.1, 0.2), "would not", {"removal_near_best"}),
        ((0.5, 0.1, 0.1, 0.0), "would not", {"removal_beats_controls", "removal_near_best"}),
        ((0.5, 0.5, 0.1, 0.5), "not settled", set()),
    ],
)
def test_each_rule_can_decide_alone(
    numbers: tuple[float, ...], expected: str, failed: set[str]
) -> None:
    found = case(*numbers)
    assert found.verdict == expected
    assert {one.rule for one in found.criteria if one.outcome == FAILED} == failed
    assert [one.rule for one in found.criteria] == list(RULES)


def test_an_answer_survives_its_way_through_json() -> None:
    found = case(0.5, 0.1, 0.1, 0.5)
    assert from_plain(plain([found])) == [found]
    unknown = replace(found, removal=float("nan"))
    text = json.dumps(without_nan(plain([unknown])), allow_nan=False)
    (again,) = from_plain(json.loads(text))
    assert np.isnan(again.removal) and again.criteria == unknown.criteria


def test_an_answer_in_words_quotes_its_numbers_and_gives_a_reason_for_each_rule() -> None:
    found = case(0.5, 0.1, 0.1, 0.5)
    words = in_words(found, ["leave_one_out"], 0.95)
    assert words.startswith("For this model, on these texts, rollout orders words like")
    assert f"{found.tau:+.2f}" in words and "We would read it" in words
    for one in found.criteria:
        assert f"{one.value:.2f}" in reason(one, found)


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0.1, 0.2, MET), (-0.2, -0.1, FAILED), (-0.1, 0.1, OPEN)]
)
def test_an_outcome_needs_the_whole_interval(low: float, high: float, expected: str) -> None:
    assert outcome(low, high) == expected
    assert outcome(np.nan, np.nan) == OPEN


def test_an_undecided_rule_leaves_the_answer_open_and_a_failed_one_settles_it() -> None:
    assert verdict_of([MET, OPEN]) == "not settled"
    assert verdict_of([MET, OPEN, FAILED]) == "would not"


def test_what_is_best_on_the_judging_half_alone_is_not_chosen() -> None:
    own = np.where(HALF == CHOOSING, 0.4, 0.1)
    lucky = np.where(HALF == CHOOSING, 0.0, 0.9)
    tau = {
        ("cls_head.1.1", "leave_one_out"): own,
        ("cls_head.1.2", "leave_one_out"): lucky,
        ("first_words", "leave_one_out"): np.zeros(TEXTS),
        ("last_words", "leave_one_out"): own,
    }
    found = choose(
        tau,
        ["cls_head.1.1", "cls_head.1.2"],
        ["first_words", "last_words"],
        ["leave_one_out"],
        HALF,
    )
    assert found == Choice({"cls_head": "cls_head.1.1"}, "cls_head", "last_words")


def test_texts_without_an_order_are_counted_and_are_not_zero() -> None:
    found = estimate(np.array([0.5, np.nan, 0.5]), 200, 0.95, 1)
    assert (found["estimate"], found["n"], found["undefined"]) == (0.5, 2, 1)
