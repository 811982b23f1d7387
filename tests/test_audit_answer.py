"""The rules behind an answer: which outcome, which verdict, which words."""

from dataclasses import replace
import json

import numpy as np
import pandas as pd
import pytest

from attinfo.audit.agreement import Bootstrap, Choice, Drawn, choose
from attinfo.audit.answer import (
    FAILED,
    MET,
    OPEN,
    RULES,
    answers,
    from_plain,
    outcome,
    plain,
    rows_of,
    without_nan,
)
from attinfo.audit.answer import verdict as verdict_of
from attinfo.audit.names import CHOOSING, JUDGING
from attinfo.audit.words import in_words, name_of, reason
from attinfo.blocks.views import VIEWS, View
from attinfo.config.sections.statistics import Statistics

TEXTS = 60
HALF = np.arange(TEXTS) % 2
RNG = np.random.default_rng(0)


def case(
    view: float,
    control: float,
    untrained: float,
    fall: float,
    best: float = 0.6,
    pairs: bool = True,
):
    """The answer about a view whose agreement and fall are about these numbers."""

    def around(mean: float) -> np.ndarray:
        return mean + 0.05 * RNG.normal(size=TEXTS)

    names = {"rollout": view, "last_words": control, "untrained:rollout": untrained}
    tau = {(name, "leave_one_out"): around(mean) for name, mean in names.items()}
    among = {("leave_one_out", "gradient"): around(0.6)} if pairs else {}
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
    bootstrap = Bootstrap(Statistics(bootstrap=400, seed=1))
    (found,) = answers(choice, tau, among, removal, ["leave_one_out"], drawn, bootstrap)
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
    found = Bootstrap(Statistics(bootstrap=200)).estimate(np.array([0.5, np.nan, 0.5]))
    assert (found["estimate"], found["n"], found["undefined"]) == (0.5, 2, 1)


def test_without_a_second_measure_the_rule_about_their_agreement_stays_open() -> None:
    found = case(0.9, 0.1, 0.1, 0.5, pairs=False)
    (near,) = [one for one in found.criteria if one.rule == "near_measures"]
    assert (near.outcome, near.n) == (OPEN, 0) and found.verdict == "not settled"
    assert reason(near, found) == "No text has both of the numbers that this rule compares."


def test_how_far_a_removal_reaches_lies_between_random_and_best() -> None:
    found = replace(case(0.5, 0.1, 0.1, 0.5), removal=0.3, removal_random=0.1, removal_best=0.5)
    assert found.reached == pytest.approx(0.5)
    assert np.isnan(replace(found, removal_best=0.1).reached)


def test_falls_in_words_have_minus_signs_and_zeros_none() -> None:
    found = replace(case(0.5, 0.1, 0.1, 0.5), removal=-0.2, removal_random=-0.001)
    words = in_words(found, ["leave_one_out"], 0.95)
    assert "class by −0.20 on average; a random order lowers it by 0.00," in words
    assert "-" not in words.replace("leave-one-out", "").replace("τ-b", "")


def test_rows_of_an_answer_have_all_fields_and_a_row_for_each_rule() -> None:
    found = case(0.5, 0.1, 0.1, 0.5)
    rows = rows_of([found])
    assert [row["rule_rule"] for row in rows] == list(RULES)
    assert all((row["view"], row["tau"]) == ("rollout", found.tau) for row in rows)
    assert "criteria" not in rows[0]


def test_intervals_of_a_bootstrap_are_quantiles_of_its_resamples_and_do_not_change() -> None:
    values = np.random.default_rng(3).normal(size=200)
    bootstrap = Bootstrap(Statistics(bootstrap=4000, level=0.9))
    found = bootstrap.estimate(values)
    half = 1.645 * values.std() / np.sqrt(len(values))
    assert found["estimate"] == pytest.approx(values.mean())
    assert found["ci_low"] == pytest.approx(values.mean() - half, abs=0.02)
    assert found["ci_high"] == pytest.approx(values.mean() + half, abs=0.02)
    bootstrap.estimate(values[:50])
    assert bootstrap.estimate(values) == found


def test_names_of_columns_come_from_the_registered_view() -> None:
    assert name_of("cls_head.5.3") == "head 3 of layer 5"
    assert name_of("untrained:cls_layer.2") == "mean of the heads of layer 2, untrained"
    for name, view in VIEWS.items():
        layers = (1, 2) if view.grain != "model" else (0,)
        heads = (1, 2) if view.grain == "head" else (0,)
        names = {view.name_of(layer, head) for layer in layers for head in heads}
        assert len(names) == len(layers) * len(heads), name


def test_a_view_without_a_name_for_its_columns_has_one_for_each() -> None:
    view = View(name="own", path="a:b", summary="x", label="own view", grain="head")
    assert view.name_of(2, 3) == "own view, layer 2, head 3"
