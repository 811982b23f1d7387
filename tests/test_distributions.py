"""What lies behind the numbers of runs: texts in bins, distances of weights and outputs."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pandas as pd
import pytest
import torch

from attinfo.figures.distributions import (
    by_largest_weight,
    deleted,
    divergence_by_text,
    of_group,
    of_run,
    tau_counts,
    tempered,
    variation_by_text,
)
from attinfo.models.distances import jensen_shannon, total_variation
from attinfo.states.store import States, write_states


def states_of(
    weights: list[list[float]], logits: list[list[float]] | None = None, **more
) -> States:
    """A store of texts with these weights."""
    flat = np.concatenate(weights).astype(np.float32)
    logits = [[0.0, 0.0]] * len(weights) if logits is None else logits
    return States(
        hidden=None,
        score=np.log(np.maximum(flat, 1e-9)),
        attention=flat,
        token_id=np.zeros(len(flat), np.int32),
        offsets=np.append(0, np.cumsum([len(w) for w in weights])),
        logits=np.array(logits, np.float32),
        label=np.zeros(len(weights), np.int32),
        **more,
    )


def drawn_weights(seed: int, lengths: list[int]) -> States:
    rng = np.random.default_rng(seed)
    return states_of(
        [list(rng.dirichlet(np.ones(n))) for n in lengths], rng.normal(size=(len(lengths), 3))
    )


LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=6)


@given(st.integers(0, 99), LENGTHS)
def test_divergences_are_those_of_the_evaluation(seed: int, lengths: list[int]) -> None:
    one, other = drawn_weights(seed, lengths), drawn_weights(seed + 1, lengths)
    found = divergence_by_text(one, other)
    for text, (a, b) in enumerate(zip(one.offsets, one.offsets[1:], strict=False)):
        p, q = (torch.from_numpy(s.attention[a:b])[None].double() for s in (one, other))
        assert found[text] == pytest.approx(jensen_shannon(p, q).item(), abs=1e-7)
    logits = (torch.from_numpy(s.logits) for s in (one, other))
    expected = total_variation(*logits).numpy()
    np.testing.assert_allclose(variation_by_text(one, other), expected, atol=1e-6)


@given(st.integers(0, 99), LENGTHS)
def test_a_divergence_is_symmetric_and_bounded(seed: int, lengths: list[int]) -> None:
    one, other = drawn_weights(seed, lengths), drawn_weights(seed + 1, lengths)
    found = divergence_by_text(one, other)
    np.testing.assert_allclose(found, divergence_by_text(other, one), atol=1e-12)
    assert (found >= 0).all() and (found <= np.log(2) + 1e-9).all()
    assert divergence_by_text(one, one).max() == pytest.approx(0, abs=1e-9)


def test_weights_on_different_tokens_are_as_far_apart_as_can_be() -> None:
    one, other = states_of([[1.0, 0.0, 0.0]]), states_of([[0.0, 0.0, 1.0]])
    assert divergence_by_text(one, other)[0] == pytest.approx(np.log(2), abs=1e-6)


def test_a_text_is_in_the_bin_of_its_largest_weight() -> None:
    states = states_of([[0.2] * 5, [0.5, 0.3, 0.2], [0.9, 0.1], [1.0]])
    rows = list(by_largest_weight("q", np.array([1.0, 2.0, 3.0, 5.0]), states))
    assert [(r["low"], r["texts"]) for r in rows] == [(0, 1), (0.25, 1), (0.5, 0), (0.75, 2)]
    assert rows[3]["value"] == 4.0 and np.isnan(rows[2]["value"])


@given(st.lists(st.tuples(st.floats(-1, 1), st.integers(0, 1)), min_size=1, max_size=50))
def test_every_text_with_an_order_is_counted_once(texts: list[tuple[float, int]]) -> None:
    table = pd.DataFrame(texts, columns=["tau:linear_gain", "predicted"])
    table.loc[len(table)] = [np.nan, 0]
    rows = pd.DataFrame(tau_counts(table, ["no", "yes"]))
    assert rows["texts"].sum() == len(texts)
    of_class = rows.groupby("group")
    assert set(of_class.groups) <= {"no", "yes"}
    known = of_class["texts"].sum() > 0
    np.testing.assert_allclose(of_class["value"].sum()[known], 1)


def test_temperatures_afterwards_are_read_from_the_columns() -> None:
    table = pd.DataFrame({"gini_at:0.5": [0.2, 0.4], "gini": [0.1, 0.1], "entropy_ratio_at:2": 0.9})
    rows = {(r["quantity"], r["group"]): r["value"] for r in tempered(table)}
    assert rows == {
        ("gini_afterwards", "0.5"): pytest.approx(0.3),
        ("entropy_ratio_afterwards", "2"): pytest.approx(0.9),
    }


def test_deletion_is_compared_with_a_random_order_text_by_text() -> None:
    table = pd.DataFrame(
        [
            ("comprehensiveness", text, ordering, aopc)
            for text, random, own in ((0, 0.1, 0.4), (1, 0.3, 0.2), (2, np.nan, np.nan))
            for ordering, aopc in (("random", random), ("attention", own))
        ],
        columns=["kind", "text", "ordering", "aopc"],
    )
    (row,) = deleted(table)
    assert (row["group"], row["texts"]) == ("attention", 2)
    assert row["value"] == pytest.approx((0.3 - 0.1) / 2)


def test_a_trained_run_is_beside_other_seeds_and_an_ablation_beside_its_own() -> None:
    trained = {s: drawn_weights(s, [4, 5]) for s in (1, 2, 3)}
    own = {
        r["quantity"] + r["group"]: r["value"] for r in of_run(trained[1], trained, 1, "trained")
    }
    apart = np.mean([divergence_by_text(trained[1], trained[s]) for s in (2, 3)])
    assert own["jsdseeds"] == pytest.approx(apart)
    ablation = drawn_weights(9, [4, 5])
    rows = list(of_run(ablation, trained, 2, "uniform"))
    assert {(r["quantity"], r["group"]) for r in rows} == {("jsd", "trained"), ("tvd", "trained")}
    assert rows[0]["value"] == pytest.approx(divergence_by_text(ablation, trained[2]).mean())
    assert not list(of_run(trained[1], {1: trained[1]}, 1, "trained"))


def test_a_cell_gives_a_row_a_run_and_quantity(tmp_path) -> None:
    change = np.array([[0.1, 0.2, 0.6], [0.0, 0.0, 0.3]], np.float32)
    key = {"dataset": "d", "encoder": "e", "attention": "a", "normaliser": "softmax"}
    paths = {}
    for seed in (1, 2):
        store = states_of([[0.6, 0.4], [0.3, 0.7]], output_change=change)
        arrays = {k: v for k, v in vars(store).items() if v is not None}
        write_states(tmp_path / f"{seed}.safetensors", arrays)
        paths[seed] = tmp_path / f"{seed}.safetensors"
    texts = pd.DataFrame({"tau:linear_gain": [0.5, -0.5] * 2, "predicted": 0, "seed": [1, 1, 2, 2]})
    texts.assign(**key, variant="permuted").to_parquet(tmp_path / "texts.parquet")
    orders = {"ordering": ["random", "attention"], "aopc": [0.1, 0.3]}
    aopc = pd.DataFrame({"kind": "sufficiency", "text": 0, **orders})
    aopc.to_parquet(tmp_path / "faithfulness.parquet")
    deleted = tmp_path / "faithfulness.parquet"
    files = tmp_path / "texts.parquet", {1: deleted, 2: deleted}
    found = of_group(*files, paths, {}, ["no", "yes"])
    assert set(found["seed"]) == {1, 2} and set(found["variant"]) == {"permuted"}
    moved = found.query("quantity == 'output_change' and texts > 0 and seed == 1")
    assert list(moved["low"]) == [0.5]
    assert moved["value"].iloc[0] == pytest.approx((0.2 + 0.0) / 2, abs=1e-6)
    assert not found["quantity"].isin(["jsd", "tvd"]).any()  # no trained model to compare with
