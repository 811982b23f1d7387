"""Comprehensiveness, sufficiency and their bounds against brute force over sets and orders."""

from itertools import permutations
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError
import pytest
from test_importance import TEXTS, model_of, some_texts, texts_of

from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.explain import faithfulness as module
from attinfo.explain.beam import bounds
from attinfo.explain.erasure import Eraser
from attinfo.explain.faithfulness import (
    KINDS,
    faithfulness,
    ranks,
    sampled,
    text_bounds,
    top_sizes,
)

BINS = [0.01, 0.05, 0.1, 0.2, 0.5]
OPTIONS = Faithfulness()
MODEL = model_of("bilstm")


def aopc_of(eraser: Eraser, text: int, order: list[int], kind: str, bins: list[float]) -> float:
    """One order of one text, a share and a shortened text at a time."""
    n, drops = len(order), []
    for share in bins:
        top = order[: min(max(1, ceil(round(share * n, 9))), n - 1)]
        keep = np.array([[(place in top) == (kind == "sufficiency") for place in range(n)]])
        drops.append(eraser.drop(np.array([text]), keep)[0])
    return float(np.mean(drops))


def random_values(seed: int = 0, texts: Any = TEXTS) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=len(texts.token_ids))


def of(table: pd.DataFrame, column: str = "aopc") -> pd.DataFrame:
    """A column by text, with a column for each ordering and kind."""
    return table.pivot(index="text", columns=["ordering", "kind"], values=column)


@pytest.mark.parametrize("bins", [BINS, [0.3], [0.9, 0.999], [1 / 3, 2 / 3]])
def test_the_top_is_the_share_rounded_up_and_never_the_whole_text(bins: list[float]) -> None:
    lengths = np.arange(2, 200)
    for n, sizes in zip(lengths, top_sizes(lengths, bins), strict=True):
        assert sizes.tolist() == [min(ceil(round(share * n, 9)), n - 1) for share in bins]
    assert top_sizes(np.array([20, 100]), [0.05, 0.07]).tolist() == [[1, 2], [5, 7]]


@pytest.mark.parametrize("encoder", ["mlp", "bilstm"])
@pytest.mark.parametrize("bins", [BINS, [0.3, 0.7]])
def test_aopc_is_that_of_a_loop_over_texts_and_shares(encoder: str, bins: list[float]) -> None:
    model, values = model_of(encoder), {"one": random_values(1), "other": random_values(2)}
    found = of(faithfulness(model, TEXTS, 0, values, OPTIONS.model_copy(update={"bins": bins})))
    eraser = Eraser(model, TEXTS)
    for text, (a, n) in enumerate(zip(TEXTS.offsets, TEXTS.lengths, strict=False)):
        for name in values if n > 1 else ():
            order = np.argsort(-values[name][a : a + n]).tolist()
            for kind in KINDS:
                expected = aopc_of(eraser, text, order, kind, bins)
                assert found.loc[text, (name, kind)] == pytest.approx(expected, abs=1e-6)


def test_noise_at_evaluation_is_that_of_the_run() -> None:
    model = model_of("mlp", "gumbel_softmax@0.5", draws=3)
    found = of(faithfulness(model, TEXTS, 5, {"one": random_values()}, OPTIONS))
    order = np.argsort(-random_values()[:5]).tolist()
    for kind in KINDS:
        expected = aopc_of(Eraser(model, TEXTS, 5), 0, order, kind, BINS)
        assert found.loc[0, ("one", kind)] == pytest.approx(expected, abs=1e-6)
    other = of(faithfulness(model, TEXTS, 6, {"one": random_values()}, OPTIONS))
    assert (found - other).abs().max(axis=None) > 1e-3


# Orders.


def test_equal_values_are_ordered_by_chance_alone_and_alike_by_every_measure() -> None:
    texts = some_texts([4] * 400)
    tied = np.where(np.arange(1600) % 4 == 2, 1.0, 0.5)
    keys = module.random_keys(texts.lengths, np.arange(400), OPTIONS)
    order = ranks(np.stack([tied, 3 * tied]).reshape(2, 400, 4), keys[-1])
    np.testing.assert_array_equal(order[0], order[1])
    assert (order[0, :, 2] == 0).all()
    # Each of the three others is second in a third of the texts, within four standard errors.
    second = (order[0] == 1).mean(0)[[0, 1, 3]]
    np.testing.assert_allclose(second, 1 / 3, atol=4 * np.sqrt(2 / 9 / 400))


def test_only_the_order_of_the_values_counts() -> None:
    values = random_values()
    table = faithfulness(MODEL, TEXTS, 0, {"a": values, "b": np.exp(values) - 7}, OPTIONS)
    found = of(table)
    pd.testing.assert_frame_equal(found["a"], found["b"])


def test_neither_the_other_orderings_nor_the_batches_change_an_ordering(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    orderings = {name: random_values(seed) for seed, name in enumerate("abc")}
    together = of(faithfulness(MODEL, TEXTS, 0, orderings, OPTIONS))
    monkeypatch.setattr(module, "TEXTS", 2)
    alone = of(faithfulness(MODEL, TEXTS, 0, {"b": orderings["b"]}, OPTIONS))
    for name in ("b", "random"):
        np.testing.assert_allclose(together[name], alone[name], atol=1e-6)


def test_the_random_order_is_the_mean_over_all_orders_in_expectation() -> None:
    texts, model = some_texts([4, 5], seed=3), model_of("bilstm")
    options = OPTIONS.model_copy(update={"random_orders": 1500, "normalised_texts": 0})
    found = of(faithfulness(model, texts, 0, {}, options))["random"]
    for text, n in enumerate(texts.lengths):
        for kind in KINDS:
            every = [
                aopc_of(Eraser(model, texts), text, list(order), kind, BINS)
                for order in permutations(range(n))
            ]
            error = np.std(every) / np.sqrt(1500)
            assert error > 0
            assert found.loc[text, kind] == pytest.approx(np.mean(every), abs=4 * error)


# Bounds.


def path_value(fall: dict[bytes, float], order: tuple[int, ...], sizes: np.ndarray) -> float:
    total = 0.0
    for size in sizes:
        top = np.zeros(len(order), bool)
        top[list(order[:size])] = True
        total += fall[top.tobytes()]
    return total / len(sizes)


@pytest.mark.parametrize("tokens", [2, 3, 5, 6])
@pytest.mark.parametrize("bins", [BINS, [0.4, 0.9], [0.99], [0.2, 0.2, 0.4, 0.6, 0.8]])
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_the_bounds_of_all_orders_and_a_narrow_one_lies_within(
    tokens: int, bins: list[float], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    fall = {
        top.tobytes(): rng.normal()
        for top in np.indices([2] * tokens).reshape(tokens, -1).T.astype(bool)
    }

    # Beside a longer text, of which any set is worth as much as half its size.
    def value(rows: np.ndarray, sets: np.ndarray) -> np.ndarray:
        assert sets[rows == 0][:, tokens:].all()
        falls = [fall[top[:tokens].tobytes()] for top in sets]
        return np.where(rows == 0, falls, sets.sum(1) / 2)

    lengths = np.array([tokens, tokens + 2])
    sizes = top_sizes(lengths, bins)
    every = [path_value(fall, order, sizes[0]) for order in permutations(range(tokens))]
    exact = min(every), max(every)
    for width in (20, 1, 2, 5):
        (low, high), others = bounds(value, sizes, lengths, width)
        assert exact[0] - 1e-9 <= low <= high <= exact[1] + 1e-9
        if width == 20:
            assert (low, high) == pytest.approx(exact)
        assert others == pytest.approx(sizes[1].mean() / 2)


def test_a_narrow_beam_finds_the_bounds_where_each_token_counts_for_itself() -> None:
    worth = np.random.default_rng(0).normal(size=14)
    length = np.array([14])
    sizes = top_sizes(length, BINS)
    best = [np.sort(sign * worth)[::-1].cumsum()[sizes[0] - 1].mean() for sign in (-1, 1)]
    found = bounds(lambda _, top: top @ worth, sizes, length, 1)
    assert found[0] == pytest.approx((-best[0], best[1]))


@pytest.mark.parametrize("encoder", ["mlp", "bilstm"])
def test_the_bounds_of_a_text_are_those_of_all_its_orders(encoder: str) -> None:
    eraser = Eraser(model_of(encoder), TEXTS)
    texts = np.array([0, 3])
    found = text_bounds(eraser, texts, BINS, 30)
    for place, text in enumerate(texts):
        for kind, ends in zip(KINDS, found[:, :, place], strict=True):
            every = [
                aopc_of(eraser, text, list(order), kind, BINS)
                for order in permutations(range(TEXTS.lengths[text]))
            ]
            assert ends.tolist() == pytest.approx([min(every), max(every)], abs=1e-6)


@pytest.mark.parametrize("beam", [1, 5])
@pytest.mark.parametrize("seed", range(3))
def test_normalised_aopc_is_from_zero_to_one_and_a_place_between_the_bounds(
    beam: int, seed: int
) -> None:
    texts = some_texts([2, 3, 12, 9, 12, 7, 4], seed)
    values = {name: random_values(seed + i, texts) for i, name in enumerate("ab")}
    table = faithfulness(
        model_of("bilstm"), texts, 0, values, OPTIONS.model_copy(update={"beam": beam})
    )
    assert table["naopc"].between(0, 1).all()
    place = (table["aopc"] - table["lower"]) / (table["upper"] - table["lower"])
    np.testing.assert_allclose(table["naopc"], place)
    assert (table.groupby(["text", "kind"])["upper"].nunique() == 1).all()


def test_the_best_of_all_orders_is_at_one_and_the_worst_at_zero() -> None:
    eraser, texts = Eraser(MODEL, TEXTS), TEXTS
    best, worst = random_values(), random_values()
    every = {
        order: aopc_of(eraser, 0, list(order), "comprehensiveness", BINS)
        for order in permutations(range(5))
    }
    for values, order in ((best, max(every, key=every.get)), (worst, min(every, key=every.get))):
        values[list(order)] = -np.arange(5.0)
    found = of(faithfulness(MODEL, texts, 0, {"best": best, "worst": worst}, OPTIONS), "naopc")
    assert found.loc[0, ("best", "comprehensiveness")] == pytest.approx(1, abs=1e-6)
    assert found.loc[0, ("worst", "comprehensiveness")] == pytest.approx(0, abs=1e-6)


def test_bounds_are_sought_for_some_texts_neither_too_short_nor_too_long() -> None:
    options = OPTIONS.model_copy(update={"normalised_texts": 3, "longest": 7})
    table = faithfulness(MODEL, TEXTS, 0, {"a": random_values()}, options)
    drawn = table.loc[table["naopc"].notna(), "text"].unique()
    assert len(drawn) == 3 and set(drawn) <= {0, 3, 4, 5, 6}
    again = faithfulness(model_of("mlp"), TEXTS, 9, {"b": random_values(1)}, options)
    assert again.loc[again["naopc"].notna(), "text"].unique().tolist() == drawn.tolist()


def test_bounds_are_sought_for_every_text_of_2_to_longest_tokens() -> None:
    lengths = TEXTS.lengths
    for longest in np.unique(lengths):
        update = {"normalised_texts": len(lengths), "longest": int(longest)}
        drawn, bounded = sampled(lengths, OPTIONS.model_copy(update=update))
        assert drawn.tolist() == list(range(len(lengths)))
        assert bounded.tolist() == [i for i, n in enumerate(lengths) if 2 <= n <= longest]


def test_of_texts_drawn_the_values_are_those_they_have_among_all() -> None:
    values = {"a": random_values()}
    every = of(faithfulness(MODEL, TEXTS, 0, values, OPTIONS))
    some = of(faithfulness(MODEL, TEXTS, 0, values, OPTIONS.model_copy(update={"texts": 5})))
    assert len(every) == 8 and len(some) == 5
    np.testing.assert_allclose(some, every.loc[some.index], atol=1e-6)
    others = of(
        faithfulness(MODEL, TEXTS, 0, values, OPTIONS.model_copy(update={"texts": 5, "seed": 20}))
    )
    assert set(others.index) != set(some.index)


def test_texts_are_drawn_among_those_that_have_all_orders() -> None:
    among = np.array([True, False, True, False, True, True, False, True])
    for most in (3, 8):
        drawn, bounded = sampled(TEXTS.lengths, OPTIONS.model_copy(update={"texts": most}), among)
        assert len(drawn) == min(most, 5) and among[drawn].all() and set(bounded) <= set(drawn)
    values = {"a": np.where(np.repeat(among, TEXTS.lengths), random_values(), np.nan)}
    table = faithfulness(MODEL, TEXTS, 0, values, OPTIONS, among)
    assert set(table["text"]) == set(np.flatnonzero(among))
    assert "no_value" not in set(table["undefined"])


# What is not defined.


def test_what_is_undefined_is_nan_with_its_reason_and_nothing_else_is() -> None:
    values = {name: random_values(i) for i, name in enumerate(["whole", "flat", "holes"])}
    a, b = TEXTS.offsets[2:4]
    values["flat"][a:b] = 0.25
    values["holes"][a + 1] = np.nan
    table = faithfulness(MODEL, TEXTS, 0, values, OPTIONS)
    assert len(table) == 8 * 4 * 2
    assert table["aopc"].isna().equals(table["undefined"] != "")
    reasons = table.groupby("undefined").apply(
        lambda rows: set(zip(rows["text"], rows["ordering"], strict=True))
    )
    assert reasons["one_token"] == {(1, name) for name in [*values, "random"]}
    assert reasons["constant"] == {(2, "flat")}
    assert reasons["no_value"] == {(2, "holes")}
    plain = faithfulness(MODEL, TEXTS, 0, {"whole": values["whole"]}, OPTIONS)
    for name in ("whole", "random"):
        np.testing.assert_allclose(of(table)[name], of(plain)[name], atol=1e-6)
    assert (table["tokens"] == TEXTS.lengths[table["text"]]).all()


def test_a_model_without_a_probability_leaves_nothing_defined() -> None:
    model = model_of("mlp")
    model.output_layer.bias.data[:] = np.nan
    table = faithfulness(model, TEXTS, 0, {"a": random_values()}, OPTIONS)
    assert table[["aopc", "naopc"]].isna().all(axis=None)
    assert set(table["undefined"]) == {"one_token", "no_probability"}


def test_a_model_that_never_changes_its_mind_has_no_normalised_aopc() -> None:
    model = model_of("mlp")
    model.output_layer.weight.data.zero_()
    table = faithfulness(model, TEXTS, 0, {"a": random_values()}, OPTIONS)
    assert (table.loc[table["text"] != 1, "aopc"] == 0).all()
    assert table["naopc"].isna().all()


def test_texts_of_one_token_alone_give_a_table_without_values() -> None:
    table = faithfulness(MODEL, texts_of([[3], [4]]), 0, {"a": np.zeros(2)}, OPTIONS)
    assert len(table) == 8 and set(table["undefined"]) == {"one_token"}


@pytest.mark.parametrize("wrong", [{"bins": []}, {"bins": [1.0]}, {"beam": 0}, {"widht": 3}])
def test_the_section_refuses_what_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Faithfulness(**wrong)
