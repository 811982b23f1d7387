"""Plausibility: finding the words that people rate, against brute force and known rankings."""

from collections.abc import Callable, Iterator
from itertools import pairwise, permutations
from pathlib import Path
from random import Random

from conftest import Planted, Trained
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from test_agreement import pointwise_of, ragged, random_run, run_of
from test_units import OPTIONS

from attinfo.agreement.plausibility import (
    average_precision,
    plausible_by_text,
    rated_words,
    read_rated,
    roc_auc,
)
from attinfo.agreement.tables import by_text
from attinfo.config.inputs import Inputs
from attinfo.config.study import Study
from attinfo.data.early_checks import check_files
from attinfo.data.texts import read_arrow
from attinfo.information.units import information
from attinfo.runtime.errors import InputError

TEXTS = st.lists(
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6),
    min_size=1,
    max_size=6,
)


def orders(values: np.ndarray) -> Iterator[list[int]]:
    """Every order of the tokens in which no value comes before a larger one."""
    for order in permutations(range(len(values))):
        if all(values[i] >= values[j] for i, j in pairwise(order)):
            yield list(order)


def precision_of(rated: np.ndarray) -> float:
    """Average precision of tokens that stand in one order."""
    places = np.flatnonzero(rated) + 1
    return float(np.mean([k / place for k, place in enumerate(places, 1)]))


def columns_of(texts: list[list[tuple[int, bool]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values, rated = (np.array(v) for v in zip(*(t for text in texts for t in text), strict=True))
    return values.astype(float), rated, ragged([len(text) for text in texts])


@given(TEXTS)
@settings(max_examples=60)
def test_average_precision_is_the_mean_over_the_orders_of_tied_tokens(
    texts: list[list[tuple[int, bool]]],
) -> None:
    values, rated, offsets = columns_of(texts)
    precision = average_precision(values, rated, offsets)
    for found, a, b in zip(precision, offsets, offsets[1:], strict=False):
        own = rated[a:b]
        if own.all() or not own.any():
            assert np.isnan(found)
            continue
        expected = np.mean([precision_of(own[order]) for order in orders(values[a:b])])
        assert found == pytest.approx(expected, abs=1e-12)


@given(TEXTS)
@settings(max_examples=60)
def test_both_scores_are_those_of_scikit_learn(texts: list[list[tuple[int, bool]]]) -> None:
    values, rated, offsets = columns_of(texts)
    untied = values + np.arange(len(values)) / 1000  # ties are grouped there
    precision = average_precision(untied, rated, offsets)
    area = roc_auc(values, rated, offsets)
    for i, (a, b) in enumerate(pairwise(offsets)):
        own = rated[a:b]
        if own.all() or not own.any():
            assert np.isnan(precision[i]) and np.isnan(area[i])
            continue
        assert precision[i] == pytest.approx(average_precision_score(own, untied[a:b]))
        assert area[i] == pytest.approx(roc_auc_score(own, values[a:b]))


@given(TEXTS, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_neither_score_depends_on_scale_or_on_where_a_text_or_a_token_stands(
    texts: list[list[tuple[int, bool]]], turns: Random
) -> None:
    values, rated, offsets = columns_of(texts)
    places = turns.sample(range(len(texts)), len(texts))
    others = columns_of([turns.sample(texts[i], len(texts[i])) for i in places])
    for score in (average_precision, roc_auc):
        found = score(values, rated, offsets)
        np.testing.assert_allclose(score(np.exp(3 * values) - 9, rated, offsets), found)
        np.testing.assert_allclose(score(*others), found[places], atol=1e-12)


@pytest.mark.parametrize("tokens", [2, 7, 40])
def test_chance_is_what_bestgen_derived(tokens: int) -> None:
    harmonic = (1 / np.arange(1, tokens + 1)).sum()
    numbers = np.arange(1, tokens)
    rated = np.concatenate([np.arange(tokens) < r for r in numbers])
    offsets = ragged([tokens] * len(numbers))
    chance = plausible_by_text({}, rated, offsets)["ap_chance"]
    derived = (harmonic + (numbers - 1) / (tokens - 1) * (tokens - harmonic)) / tokens
    np.testing.assert_allclose(chance, derived)
    assert (chance > numbers / tokens).all()  # the share of rated tokens is not chance


def test_a_random_measure_is_at_chance_and_a_constant_one_undefined() -> None:
    rng = np.random.default_rng(0)
    offsets = ragged(rng.integers(2, 30, 4000).tolist())
    rated = rng.random(offsets[-1]) < 0.1
    # Ties do not help.
    measures = {"random": rng.random(offsets[-1]), "tied": rng.integers(0, 3, offsets[-1])}
    columns = plausible_by_text(measures, rated, offsets)
    for name in measures:
        for column, chance in ((f"ap_lift:{name}", 0.0), (f"auc:{name}", 0.5)):
            found = columns[column][~np.isnan(columns[column])]
            assert len(found) > 2000
            assert abs(found.mean() - chance) < 3 * found.std() / np.sqrt(len(found))
    constant = plausible_by_text({"constant": np.ones(offsets[-1])}, rated, offsets)
    assert np.isnan(constant["ap_lift:constant"]).all() and np.isnan(constant["auc:constant"]).all()


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
    row = rows.set_index(["pair", "statistic"]).loc[("yardstick~attention", "auc")]
    assert (row["n"], row["excluded"]) == (known.sum(), (~known).sum())


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
        ({"word": ["a", " "], "value": ["1", "2"]}, "row 2 has no word"),
        ({"word": ["a", "b"], "value": ["0.5", "-0.9"]}, "none of its 2 words"),
        ({"word": [], "value": []}, "none of its 0 words"),
    ],
)
def test_a_bad_yardstick_ends_in_one_line(table: dict[str, list[str]], named: str) -> None:
    with pytest.raises(InputError) as raised:
        rated_words(pd.DataFrame(table, dtype="str"), 1.0, "mine")
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


@pytest.mark.parametrize("encoder", ["mlp", "bilstm"])
def test_a_trained_model_finds_the_planted_words_and_rarity_does_not(
    planted: Planted, trained: Callable[..., Trained], encoder: str
) -> None:
    table = pd.DataFrame({"word": ["good", "bad"], "value": ["2", "-2"]})
    rated = read_rated(planted.folder, "test", table, name="mine", least=1.0)
    model = trained(encoder)
    assert (rated == model.keyword(planted)).all()
    _, pointwise = information(model.states, OPTIONS)
    _, rows = by_text(model.states, pointwise, rated=rated)
    values = rows.set_index(["pair", "statistic"])["value"]
    # The other states of a BiLSTM know the planted words too.
    assert values["yardstick~linear_gain", "auc"] > (0.99 if encoder == "mlp" else 0.8)
    if encoder == "mlp":  # without context no other token can be attended for the keyword
        assert values["yardstick~attention", "auc"] > 0.99
    assert values["yardstick~permuted", "auc"] == pytest.approx(0.5, abs=0.1)
    assert values["yardstick~rarity", "auc"] < 0.2  # the keywords are the most frequent words here


def study_with(**dataset: str) -> Inputs:
    mine = {"source": {"name": "files", "path": "mine.csv"}}
    loaded = {"source": {"name": "files", "path": "no such list.csv"}, "least": 0.5}
    cell = {"encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
    config = {
        "study": "tests",
        "seeds": [1],
        "datasets": {"mine": mine | dataset},
        "yardsticks": {"loaded": loaded},
        "grid": [{"dataset": "mine", **cell}],
    }
    return Inputs(Study.checked(config))


def test_naming_a_yardstick_prepares_and_trains_nothing_again() -> None:
    without, named = study_with(), study_with(yardstick="loaded")
    assert without.data_key("mine") == named.data_key("mine")
    assert without.study.training_of("mine") == named.study.training_of("mine")
    assert without.yardstick_options("mine") is None is without.yardstick_key("mine")
    columns = {"word": "word", "value": "value", "middle": 0.0}
    assert named.yardstick_options("mine") == {"name": "loaded", "least": 0.5} | columns
    assert named.yardstick_key("mine") in named.sources.keys() - without.sources.keys()


def test_an_unknown_yardstick_and_a_missing_list_end_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="unknown yardstick 'loadd': did you mean 'loaded'"):
        study_with(yardstick="loadd")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("text,label\n")
    check_files(study_with())  # a yardstick that no data set names is not asked for
    with pytest.raises(InputError, match=r"yardsticks\.loaded\.source: 'no such list\.csv'"):
        check_files(study_with(yardstick="loaded"))
