"""From the states of a run to units, and from units to the tables of results."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from conftest import chosen, estimators
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pandas as pd
import pytest
from samples import uneven_tokens
import torch

from attinfo.blocks.estimators import ESTIMATORS
from attinfo.data.groups import FOLDS
from attinfo.information.estimators.linear import half_probes
from attinfo.information.halves import halves, in_two
from attinfo.information.sample import Sample
from attinfo.information.summary import measured
from attinfo.information.units import (
    attention_rank,
    effective_rank,
    information,
    sample_of,
    units_of,
)
from attinfo.states.store import States

OPTIONS: dict[str, Any] = {
    "output": "predicted",
    "estimators": estimators(linear={}, knn={"neighbours": 3}),
    "light": [],
    "spot_checks": [],
    "spot_units": 0,
    "spot_share": 1.0,
    "words": True,
    "halves": True,
    "half_probes": {"linear": ESTIMATORS["linear"].half_probes},
    "positions": 4,
    "ranks": 3,
    "min_texts": 60,
    "permutations": 19,
    "seed": 5,
}
LENGTHS = [2] * 50 + [4] * 50 + [9] * 50  # so 100 texts have the four positions, 150 two ranks
UNITS = [*(("position", i) for i in range(4)), *(("rank", i) for i in range(3)), ("instance", 0)]


def states_of(lengths: list[int], d: int = 6, seed: int = 0, **changes: np.ndarray) -> States:
    rng = np.random.default_rng(seed)
    tokens, texts = sum(lengths), len(lengths)
    score = rng.normal(size=tokens).astype(np.float32)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    weights = np.exp(score)
    weights /= np.repeat(np.add.reduceat(weights, offsets[:-1]), lengths)
    arrays = {
        "hidden": rng.normal(size=(tokens, d)).astype(np.float32),
        "score": score,
        "attention": weights.astype(np.float32),
        "token_id": rng.integers(1, 50, tokens).astype(np.int32),
        "offsets": offsets,
        "logits": rng.normal(size=(texts, 2)).astype(np.float32),
        "label": rng.integers(0, 2, texts).astype(np.int32),
    }
    return States(**(arrays | changes))


# Units.


def test_units_are_one_token_each_of_the_same_texts_and_small_units_are_left_out() -> None:
    states = states_of(LENGTHS)
    units = {(u.index, u.unit): u.tokens for u in units_of(states, 12, 3, 60)}
    last = {"position": 4, "rank": 3}
    assert list(units) == UNITS
    for (index, unit), tokens in units.items():
        if index == "instance":
            assert (tokens == np.arange(len(states.score))).all()
            continue
        assert (states.text[tokens] == np.flatnonzero(states.lengths >= last[index])).all()
        if index == "position":
            assert (states.position[tokens] == unit).all()
    for text, token in enumerate(units["rank", 0]):
        begin, end = states.offsets[50 + text : 52 + text]
        assert states.score[token] == states.score[begin:end].max()


def test_constant_attention_has_no_ranks() -> None:
    states = states_of(LENGTHS, score=np.zeros(sum(LENGTHS), np.float32))
    assert {unit.index for unit in units_of(states, 4, 3, 60)} == {"position", "instance"}


@given(
    lengths=st.lists(st.integers(1, 8), min_size=1, max_size=10),
    values=st.integers(1, 20),
    seed=st.integers(0, 99),
)
@settings(max_examples=40)
def test_the_rank_of_a_token_is_its_place_by_score_ties_in_the_order_of_the_text(
    lengths: list[int], values: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    score = rng.integers(0, values, sum(lengths)).astype(np.float32)
    states = states_of(lengths, score=score)
    expected = [
        np.argsort(np.argsort(-part, kind="stable"), kind="stable")
        for part in np.split(score, states.offsets[1:-1])
    ]
    assert attention_rank(states).tolist() == np.concatenate(expected).tolist()


# Samples.


def test_a_sample_holds_the_states_and_outputs_of_its_unit() -> None:
    states = states_of(LENGTHS)
    unit = next(u for u in units_of(states, 4, 3, 60) if (u.index, u.unit) == ("position", 2))
    sample = sample_of(states, unit, OPTIONS)
    texts = np.flatnonzero(states.lengths > 2)
    assert (sample.hidden.numpy() == states.hidden[states.offsets[texts] + 2]).all()
    assert (sample.output[:, 0].numpy() == states.predicted[texts]).all()
    assert sample.output.shape == (100, 20) and sample.reference is None


def test_every_text_is_stood_for_by_a_token_of_its_own_drawn_at_random() -> None:
    states = states_of(LENGTHS)
    *_, instance = units_of(states, 4, 3, 60)
    sample = sample_of(states, instance, OPTIONS)
    assert sample.reference is not None
    assert torch.equal(sample.text[sample.reference], torch.arange(150))
    places = states.position[sample.reference]
    assert set(places[-50:]) > {0, 4, 8}
    other = sample_of(states, instance, OPTIONS | {"seed": 6})
    assert not torch.equal(sample.reference, other.reference)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_some_texts_of_a_sample_keep_their_states_outputs_folds_and_references(
    share: float,
) -> None:
    sample = uneven_tokens(150, 450, 4, permutations=3, classes=3)
    kept = torch.from_numpy(np.random.default_rng(0).random(150) < share)
    part = sample.of_texts(kept)
    texts = kept.nonzero().squeeze(1)
    assert part.classes == 3
    assert torch.equal(part.output, sample.output[texts, :1])
    assert torch.equal(part.fold, sample.fold[texts])
    rows = torch.cat([(sample.text == text).nonzero().squeeze(1) for text in texts])
    assert torch.equal(part.hidden, sample.hidden[rows])
    assert torch.equal(texts[part.text], sample.text[rows])
    assert sample.reference is not None and part.reference is not None
    assert torch.equal(part.hidden[part.reference], sample.hidden[sample.reference[texts]])
    assert torch.equal(part.text[part.reference], torch.arange(len(texts)))


@given(texts=st.integers(20, 61), seed=st.integers(0, 9))
@settings(max_examples=10)
def test_halves_share_no_text_and_leave_none_out(texts: int, seed: int) -> None:
    sample = replace(uneven_tokens(texts, 3 * texts, 2), fold=torch.arange(texts))
    one, other = halves(sample, seed)
    assert len(one.output) == texts // 2 and len(other.output) == (texts + 1) // 2
    assert sorted([*one.fold.tolist(), *other.fold.tolist()]) == list(range(texts))
    assert len(one.hidden) + len(other.hidden) == 3 * texts
    again = halves(sample, seed)[0]
    assert torch.equal(one.fold, again.fold)
    assert not torch.equal(one.fold, halves(sample, seed + 1)[0].fold)


# Effective rank.


@pytest.mark.parametrize("d", [3, 12])
def test_the_effective_rank_is_one_for_one_direction_and_d_for_all_alike(d: int) -> None:
    rng = np.random.default_rng(0)
    line = torch.from_numpy(np.outer(rng.normal(size=4000), rng.normal(size=d)))
    assert effective_rank(line + 5) == pytest.approx(1, abs=1e-9)
    cross = torch.cat([torch.eye(d), -torch.eye(d)])  # the same variance in every direction
    assert effective_rank(3 * cross + 1) == pytest.approx(d, abs=1e-4)


def test_the_effective_rank_lies_between_where_variances_differ() -> None:
    variances = torch.tensor([4.0, 1.0, 1.0])
    cross = torch.cat([torch.eye(3), -torch.eye(3)]) * variances.sqrt()
    assert effective_rank(cross) == pytest.approx(36 / 18)
    turned = cross @ torch.linalg.qr(torch.tensor([[1.0, 2, 3], [0, 1, 4], [5, 6, 0]])).Q
    assert effective_rank(turned) == pytest.approx(36 / 18, abs=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_states_that_are_all_the_same_have_a_rank_of_one_at_most(value: float) -> None:
    assert 0 <= effective_rank(torch.full((100, 5), value)) <= 1


# Tables.


def telling(states: States) -> States:
    """Add information about the prediction to the states, most at early positions."""
    shift = 2 * states.predicted[states.text] / (1 + states.position)
    return replace(states, hidden=states.hidden + shift[:, None].astype(np.float32))


@pytest.fixture(scope="module")
def tables() -> tuple[States, pd.DataFrame, pd.DataFrame]:
    states = telling(states_of(LENGTHS))
    return states, *information(states, OPTIONS)


def keys_of(rows: pd.DataFrame) -> list[tuple[str, int, str]]:
    return list(rows[["index", "unit", "estimator"]].itertuples(index=False, name=None))


def test_there_is_a_row_for_each_unit_and_estimator(tables) -> None:
    _, rows, _ = tables
    expected = [(*unit, estimator) for unit in UNITS for estimator in ("linear", "knn")]
    assert keys_of(rows) == [*expected, ("instance", 0, "token_type")]
    assert not rows["spot_check"].any()


def test_tokens_have_values_by_two_probes_of_disjoint_halves(tables) -> None:
    states, _, tokens = tables
    *_, whole = units_of(states, 4, 3, 60)
    sample = sample_of(states, whole, OPTIONS)
    first = in_two(sample, OPTIONS["seed"])
    for k in range(FOLDS):
        assert abs(int(first[sample.fold == k].sum()) - int((sample.fold == k).sum()) / 2) <= 1
    for number, half in ((1, first), (2, ~first)):
        output = sample.output.clone()
        output[~half] = 1 - output[~half]  # what the other half's texts are does not matter
        one, other = half_probes(replace(sample, output=output), first)
        gain = (one, other)[number - 1].gain
        np.testing.assert_allclose(tokens[f"linear_gain#{number}"], gain, atol=1e-6)
        assert tokens[f"linear_pvi#{number}"].mean() > 0.1
        assert tokens[f"linear_pvi#{number}"].corr(tokens["linear_pvi"]) > 0.8
    assert (tokens["linear_gain#1"] - tokens["linear_gain#2"]).abs().mean() > 0.005
    assert not any("#" in name for name in tokens if not name.startswith("linear"))


def test_halves_for_two_probes_hold_whole_groups_and_are_none_where_a_fold_has_one() -> None:
    states = states_of([3] * 100, token_id=np.arange(300, dtype=np.int32))
    *_, whole = units_of(states, 2, 1, 60)
    sample = sample_of(states, whole, OPTIONS, np.arange(100) // 4)
    first = in_two(sample, 1)
    for group in range(25):
        assert len(first[sample.group == group].unique()) == 1
    for k in range(FOLDS):
        assert len(first[sample.fold == k].unique()) == 2
    assert in_two(sample, 2).tolist() != first.tolist()
    few = np.arange(100) // 20
    assert in_two(sample_of(states, whole, OPTIONS, few), 1) is None
    _, tokens = information(states, OPTIONS | {"positions": 1, "ranks": 1}, groups=few)
    assert (
        tokens[[f"linear_{kind}#{n}" for kind in ("pvi", "gain") for n in (1, 2)]]
        .isna()
        .all(axis=None)
    )


def test_a_light_estimator_gives_the_values_of_tokens_alone(tables) -> None:
    states, without, known = tables
    light = estimators(logistic={})
    rows, tokens = information(states, OPTIONS | {"light": light})
    own = rows[rows["estimator"] == "logistic"]
    assert keys_of(own) == [("instance", 0, "logistic")]
    assert own[["floor_mean", "floor_upper", "half_1", "half_2"]].isna().all(axis=None)
    assert own["mi_nats"].item() == pytest.approx(tokens["logistic_pvi"].mean(), abs=1e-6)
    assert tokens["logistic_gain"].corr(tokens["linear_gain"]) > 0.9
    assert [name for name in tokens if name not in known] == ["logistic_pvi", "logistic_gain"]
    rest = rows[rows["estimator"] != "logistic"].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, without, check_dtype=False)
    pd.testing.assert_frame_equal(tokens[list(known)], known)


def test_the_columns_of_a_row_follow_their_definitions(tables) -> None:
    states, rows, _ = tables
    assert (rows["ci_low"] < rows["mi_nats"]).all() and (rows["mi_nats"] < rows["ci_high"]).all()
    assert (rows["floor_mean"] <= rows["floor_upper"]).all()
    np.testing.assert_allclose(rows["mi_over_h"], rows["mi_nats"] / rows["h_output"])
    for index, texts in rows.groupby("index")["n"].unique().items():
        (n,) = texts  # the same texts throughout an index, here the last ones
        share = states.predicted[-n:].mean()
        entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
        np.testing.assert_allclose(rows.loc[rows["index"] == index, "h_output"], entropy)
    below = rows["mi_nats"] <= rows["floor_upper"]
    assert (rows["flags"].str.contains("below_floor") == below).all()


def test_the_rank_in_a_row_is_that_of_the_states_of_its_unit(tables) -> None:
    states, rows, _ = tables
    for unit in units_of(states, 4, 3, 60):
        own = rows[(rows["index"] == unit.index) & (rows["unit"] == unit.unit)]
        variances = np.linalg.eigvalsh(np.cov(states.hidden[unit.tokens].T, bias=True))
        expected = variances.sum() ** 2 / (variances**2).sum()
        np.testing.assert_allclose(own["effective_rank"], expected, rtol=1e-4)
        assert 1 < expected < 6


def test_the_halves_in_a_row_are_the_estimates_of_half_the_texts_each(tables) -> None:
    states, rows, _ = tables
    assert rows.loc[rows["index"] == "instance", ["half_1", "half_2"]].isna().all(axis=None)
    for unit in units_of(states, 4, 3, 60):
        if unit.index == "instance":
            continue
        parts = halves(sample_of(states, unit, OPTIONS), OPTIONS["seed"])
        for row in rows.itertuples():
            if (row.index, row.unit) == (unit.index, unit.unit) and row.estimator != "token_type":
                estimator = chosen("estimator", row.estimator)
                expected = [float(measured(estimator, p).pvi.mean()) for p in parts]
                assert [row.half_1, row.half_2] == pytest.approx(expected, abs=1e-9)
    assert rows[rows["estimator"] == "token_type"][["half_1", "half_2"]].isna().all(axis=None)


def test_the_estimate_of_a_unit_is_the_mean_of_its_tokens(tables) -> None:
    states, rows, tokens = tables
    assert (tokens["text"] == states.text).all() and (tokens["token"] == states.position).all()
    assert (tokens["attention"] == states.attention).all()
    for row in rows.itertuples():
        suffix = "" if row.index == "instance" else f"_{row.index}"
        values = tokens[f"{row.estimator}_pvi{suffix}"]
        if row.index == "position":
            values = values[states.position == row.unit]
        elif row.index == "rank":
            values = values[attention_rank(states) == row.unit]
        assert values.mean() == pytest.approx(row.mi_nats, abs=1e-5)
    in_unit = (tokens["token"] < 4) & (states.lengths[states.text] >= 4)
    assert tokens["linear_pvi_position"].notna().equals(in_unit)
    assert (tokens["linear_gain"] >= 0).all()


def test_positions_that_tell_more_have_more_information(tables) -> None:
    _, rows, _ = tables
    linear = rows[(rows["index"] == "position") & (rows["estimator"] == "linear")]
    assert (np.diff(linear["mi_nats"]) < 0).all()
    assert linear["mi_nats"].iloc[0] > linear["floor_upper"].iloc[0]


def test_the_information_in_the_word_itself_does_not_look_at_the_states() -> None:
    states = states_of([8] * 300, seed=1)
    word = np.where(states.predicted[states.text] == 1, 60, 70).astype(np.int32)
    rng = np.random.default_rng(0)
    token_id = np.where(rng.random(2400) < 0.2, word, states.token_id).astype(np.int32)
    rows, tokens = information(replace(states, token_id=token_id), OPTIONS)
    of_words = rows[rows["estimator"] == "token_type"]
    assert len(of_words) == 1 and of_words["mi_nats"].item() > of_words["floor_upper"].item()
    telling_word = np.isin(token_id, [60, 70])
    assert tokens["token_type_pvi"][telling_word].mean() > 0.5
    assert abs(tokens["token_type_pvi"][~telling_word].mean()) < 0.05
    others = rows[rows["estimator"] != "token_type"]
    plain, _ = information(states, OPTIONS)
    pd.testing.assert_frame_equal(others, plain[plain["estimator"] != "token_type"])


def test_runs_are_drawn_for_spot_checks_and_other_estimates_stay_the_same() -> None:
    states = states_of(LENGTHS)
    checks = OPTIONS | {"spot_checks": estimators(gaussian={}), "spot_units": 2}
    every, tokens = information(states, checks, "a run")
    others = every[~every["spot_check"]].reset_index(drop=True)
    assert every["spot_check"].sum() == 2
    counts = []
    for number in range(20):
        some, same = information(states, checks | {"spot_share": 0.5}, f"run {number}")
        rest = some[~some["spot_check"]].reset_index(drop=True)
        pd.testing.assert_frame_equal(rest, others)
        pd.testing.assert_frame_equal(same, tokens)
        counts.append(int(some["spot_check"].sum()))
    assert set(counts) == {0, 2} and 4 <= counts.count(2) <= 16


def test_an_output_of_one_class_leaves_nothing_to_estimate() -> None:
    states = states_of(LENGTHS, logits=np.tile(np.float32([1, 0]), (150, 1)))
    checks = {"spot_checks": estimators(stack={}), "spot_units": 2}
    rows, tokens = information(states, OPTIONS | checks)
    assert (rows[["mi_nats", "h_output", "ci_low", "ci_high"]] == 0).all(axis=None)
    assert (rows.loc[~rows["spot_check"], "floor_upper"] == 0).all()
    assert rows.loc[rows["spot_check"], "floor_upper"].isna().all()  # without a null
    assert (rows["flags"] == "constant_output").all()
    assert rows["mi_over_h"].isna().all()
    of_instance = ["linear_gain", "linear_pvi", "knn_pvi", "token_type_pvi"]
    assert (tokens[of_instance] == 0).all(axis=None)


def test_the_gold_label_may_be_the_output() -> None:
    label = np.random.default_rng(9).integers(0, 2, 150).astype(np.int32)
    states = states_of(LENGTHS, label=label)
    states = replace(states, hidden=states.hidden + 2 * label[states.text, None])
    estimate = partial(information, replace(states, hidden=states.hidden.astype(np.float32)))
    gold, predicted = (estimate(OPTIONS | {"output": o})[0] for o in ("label", "predicted"))
    of_states = gold["estimator"] != "token_type"
    assert (gold["mi_nats"] > gold["floor_upper"])[of_states].all()
    assert predicted["mi_nats"].mean() < 0.05 < gold["mi_nats"].mean()


# Spot checks.

CHECKED: Mapping[str, Any] = OPTIONS | {
    "estimators": estimators(linear={}),
    "light": [],
    "spot_checks": estimators(knn={"neighbours": 5}),
    "spot_units": 2,
    "spot_share": 1.0,
    "words": True,
    "halves": True,
    "half_probes": {},
}


def checked_units(run: str, **changes: Any) -> list[tuple[str, int, str]]:
    options = {**CHECKED, "estimators": [], "permutations": 0, **changes}
    rows, _ = information(states_of(LENGTHS), options, run)
    return keys_of(rows[rows["spot_check"]])


def test_spot_checks_are_rows_of_their_own_of_as_many_units_as_asked_for() -> None:
    states = telling(states_of(LENGTHS))
    rows, tokens = information(states, CHECKED, "run")
    checks = rows[rows["spot_check"]]
    assert len(checks) == 2 and (checks["estimator"] == "knn").all()
    assert not (rows["estimator"][~rows["spot_check"]] == "knn").any()
    assert checks[["half_1", "half_2"]].isna().all(axis=None)
    assert not any(column.startswith("knn") for column in tokens)
    units = {(unit.index, unit.unit): unit for unit in units_of(states, 4, 3, 60)}
    for row in checks.itertuples():
        sample: Sample = sample_of(states, units[row.index, row.unit], CHECKED)
        expected = measured(chosen("estimator", "knn", neighbours=5), sample)
        assert row.mi_nats == pytest.approx(float(expected.pvi.mean()), abs=1e-9)
        assert row.n == len(sample.output)


def test_spot_checks_are_the_same_for_a_run_and_others_for_another() -> None:
    drawn = {run: tuple(checked_units(run)) for run in ("a", "b", "c", "d")}
    assert list(drawn["a"]) == checked_units("a")
    assert len(set(drawn.values())) > 1
    assert any(tuple(checked_units(run, seed=6)) != drawn[run] for run in ("a", "b"))


def test_the_instance_is_never_spot_checked() -> None:
    for wanted, drawn in ((0, 0), (7, 7), (99, 7)):
        units = checked_units("a", spot_units=wanted)
        assert len(units) == drawn
        assert [unit[:2] for unit in units] == [u for u in UNITS if u[0] != "instance"][:drawn]


def test_every_unit_is_drawn_for_spot_checks_in_some_run() -> None:
    # Thirty runs of two of seven units: each is left out of all with a chance of 4e-5.
    drawn = {unit[:2] for run in range(30) for unit in checked_units(str(run))}
    assert drawn == {unit for unit in UNITS if unit[0] != "instance"}


# Texts that are the same, and states that repeat.


def with_copies(seed: int = 0) -> States:
    """Fifty texts, each of which stands four times in the store, and labels that are noise."""
    rng = np.random.default_rng(seed)
    once = states_of([4] * 60, d=8, seed=seed, token_id=rng.integers(1, 10**6, 240))
    copied = {
        name: np.tile(getattr(once, name), (4, 1) if name in ("hidden", "logits") else 4)
        for name in ("hidden", "score", "attention", "token_id", "logits", "label")
    }
    return States(**copied, offsets=np.arange(241) * 4)


def test_texts_of_the_same_tokens_are_in_one_fold_and_permuted_together() -> None:
    states = with_copies()
    for unit in units_of(states, 2, 1, 60):
        sample = sample_of(states, unit, OPTIONS)
        assert sample.group is not None
        group = sample.group.numpy()
        assert (group == np.arange(240) % 60).all()
        for columns in (sample.fold[:, None], sample.output):
            of_first = columns[:60].repeat(4, 1)
            assert torch.equal(columns, of_first)
        for half in halves(sample, 0):
            assert half.group is not None
            assert half.group.bincount()[half.group].eq(4).all()


def test_texts_that_differ_are_no_group() -> None:
    states = states_of(LENGTHS, token_id=np.arange(sum(LENGTHS), dtype=np.int32))
    for unit in units_of(states, 2, 1, 60):
        assert sample_of(states, unit, OPTIONS).group is None


@pytest.mark.parametrize(
    "estimator", ["linear", "knn", pytest.param("stack", marks=pytest.mark.slow)]
)
def test_copies_of_texts_do_not_look_like_information(estimator: str) -> None:
    options = {
        **OPTIONS,
        "estimators": estimators(**{estimator: {}}),
        "output": "label",
        "words": False,
    }
    above = []
    for seed in range(5):
        rows, _ = information(with_copies(seed), options | {"positions": 2, "ranks": 1})
        above += (~rows["flags"].str.contains("below_floor")).tolist()
    assert np.mean(above) < 0.3


def test_states_of_words_that_repeat_are_flagged_and_keep_their_information() -> None:
    rng = np.random.default_rng(0)
    word = rng.integers(0, 30, sum(LENGTHS))
    vectors = rng.normal(size=(30, 6)).astype(np.float32)
    states = states_of(LENGTHS, token_id=word.astype(np.int32), hidden=vectors[word])
    first = word[states.offsets[:-1]]
    label = ((first < 15) ^ (rng.random(len(first)) < 0.1)).astype(np.int32)
    states = replace(states, label=label)
    options = {**OPTIONS, "estimators": estimators(stack={}), "output": "label", "words": False}
    rows, _ = information(states, options)
    assert rows["flags"].str.contains("repeated_states").all()
    at_first = rows[(rows["index"] == "position") & (rows["unit"] == 0)].iloc[0]
    assert at_first["mi_nats"] > max(0.08, at_first["floor_upper"])
    plain, _ = information(states_of(LENGTHS), options)
    assert not plain["flags"].str.contains("repeated_states").any()
