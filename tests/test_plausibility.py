"""Plausibility: finding the words that people rate, against brute force and known rankings."""

from itertools import pairwise

from conftest import Planted
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from test_agreement import pointwise_of, ragged, random_run, run_of

from attinfo.agreement import by_text
from attinfo.agreement.plausibility import average_precision, rated_words, read_rated, roc_auc
from attinfo.data.texts import read_arrow
from attinfo.errors import InputError

TEXTS = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=9),
    min_size=1,
    max_size=8,
)


@given(TEXTS)
@settings(max_examples=100)
def test_both_scores_are_those_of_scikit_learn_and_undefined_without_two_kinds(
    texts: list[list[tuple[int, bool]]],
) -> None:
    values, rated = (np.array(v) for v in zip(*(t for text in texts for t in text), strict=True))
    offsets = ragged([len(text) for text in texts])
    precision = average_precision(values.astype(float), rated, offsets)
    area = roc_auc(values.astype(float), rated, offsets)
    for i, (a, b) in enumerate(pairwise(offsets)):
        own = rated[a:b]
        if own.all() or not own.any():
            assert np.isnan(precision[i]) and np.isnan(area[i])
            continue
        assert precision[i] == pytest.approx(average_precision_score(own, values[a:b]))
        assert area[i] == pytest.approx(roc_auc_score(own, values[a:b]))


def test_a_run_that_attends_to_rated_words_is_plausible_and_the_reverse_is_not() -> None:
    score, attention, offsets = random_run()
    states = run_of(score, attention, offsets)
    rated = score > 0.5
    gain = -score.astype(np.float64)
    table, rows = by_text(states, pointwise_of(states, gain), rated=rated)
    known = table["auc:attention"].notna()
    assert (table.loc[known, "auc:attention"] == 1).all()
    assert (table.loc[known, "auc:linear_gain"] == 0).all()
    assert (table.loc[known, "ap_lift:attention"] > 0).all()
    assert (table["rated"] == np.add.reduceat(rated.astype(int), offsets[:-1])).all()
    told = rows.set_index(["pair", "statistic"]).loc[("yardstick~attention", "auc")]
    assert (told["n"], told["excluded"]) == (known.sum(), (~known).sum())


def test_words_are_rated_by_size_in_any_case_and_doubles_by_their_mean() -> None:
    table = pd.DataFrame({"word": ["Good", "bad", "so", "XD", "xd"]})
    table["value"] = ["1.9", "-2.5", "0.3", "2.0", "-1.5"]
    assert rated_words(table, 1.0, "mine") == {"good", "bad"}
    assert rated_words(table, 0.2, "mine") == {"good", "bad", "so", "xd"}


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"word": ["a"], "rating": ["1"]}, "'value'"),
        ({"term": ["a"], "value": ["1"]}, "'word'"),
        ({"word": ["a", "b"], "value": ["1", "much"]}, "row 2 ('b') has the value 'much'"),
        ({"word": ["a"], "value": ["inf"]}, "row 1"),
    ],
)
def test_a_bad_yardstick_is_told_in_one_line(table: dict[str, list[str]], named: str) -> None:
    with pytest.raises(InputError) as raised:
        rated_words(pd.DataFrame(table), 1.0, "mine")
    message = str(raised.value)
    assert message.startswith("yardsticks.mine: ") and named in message
    assert "expected" in message and "\n" not in message


def test_tokens_are_looked_up_as_they_stand_in_the_text(planted: Planted) -> None:
    table = pd.DataFrame({"word": ["KEY0", "word3", "absent"], "value": ["-3", "1", "4"]})
    rated = read_rated(planted.folder, "test", table, name="mine", least=1.0)
    texts = planted.texts("test")
    assert len(rated) == len(texts.token_ids)
    strings = read_arrow(planted.folder, "test")["text"].to_pylist()
    for i, text in enumerate(strings):
        found = rated[texts.offsets[i] : texts.offsets[i + 1]].sum()
        assert found == sum(word in ("key0", "word3") for word in text.lower().split())
    assert rated.any()
