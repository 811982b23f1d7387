"""Intervals of ranks: against Tukey's test of scipy, and how often they hold the true ranks."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import tukey_hsd

from attinfo.statistics.ranks import _variance, rank_intervals, scores_of

TRUTH = np.array([0.5, 0.5, 0.4, 0.3, 0.3, 0.0])


def study(
    seeds: int, number: int, sd: float = 0.05, dataset: str = "d", truth: np.ndarray = TRUTH
) -> tuple[pd.DataFrame, np.ndarray]:
    """Runs of six cells and draws in which texts make no difference."""
    rng = np.random.default_rng([number, seeds])
    cells = list(product(["bilstm", "mlp"], ["additive", "deep", "dot"]))[: len(truth)]
    rows = [
        (dataset, encoder, attention, "softmax", "trained", seed)
        for encoder, attention in cells
        for seed in range(seeds)
    ]
    columns = ["dataset", "encoder", "attention", "normaliser", "variant", "seed"]
    values = np.repeat(truth, seeds) + sd * rng.normal(size=len(rows))
    return pd.DataFrame(rows, columns=columns), np.tile(values, (40, 1))


def ranks(runs: pd.DataFrame, draws: np.ndarray) -> pd.DataFrame:
    return rank_intervals({"d": scores_of(runs, draws)}, "tau", 0.95)


def test_ranks_are_bounded_by_the_differences_that_tukey_calls() -> None:
    called = 0
    for number in range(10):
        runs, draws = study(4, number)
        table = ranks(runs, draws)
        test = tukey_hsd(*draws[0].reshape(6, 4))
        above = (test.pvalue < 0.05) & (test.statistic > 0)
        called += above.sum()
        np.testing.assert_array_equal(table["rank_low"], 1 + above.sum(0))
        np.testing.assert_array_equal(table["rank_high"], 6 - above.sum(1))
    assert called > 20


@pytest.mark.parametrize("seeds", [3, 10])
def test_all_true_ranks_lie_in_their_intervals_as_often_as_is_said(seeds: int) -> None:
    best = np.array([1 + (t < TRUTH).sum() for t in TRUTH])  # tied cells share their ranks
    worst = np.array([(t <= TRUTH).sum() for t in TRUTH])
    held, widths = [], []
    for number in range(200):
        table = ranks(*study(seeds, number))
        held.append((table["rank_low"] <= best).all() and (table["rank_high"] >= worst).all())
        widths.append((table["rank_high"] - table["rank_low"]).mean())
    assert np.mean(held) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 200)
    assert np.mean(widths) < (3.5 if seeds == 3 else 1.5)


def test_the_rank_lies_in_its_interval_and_one_is_the_largest() -> None:
    table = ranks(*study(3, 1))
    assert (table["rank_low"] <= table["rank"]).all() and (
        table["rank"] <= table["rank_high"]
    ).all()
    assert sorted(table["rank"]) == [1, 2, 3, 4, 5, 6]
    assert table.loc[table["rank"] == 1, "estimate"].item() == table["estimate"].max()


def test_texts_widen_the_intervals_unless_they_do_the_same_to_every_cell() -> None:
    runs, draws = study(5, 2, sd=0.01)
    rng = np.random.default_rng(0)
    common, own = 0.3 * rng.normal(size=(40, 1)), 0.3 * rng.normal(size=draws.shape)
    common[0], own[0] = 0, 0

    def width(moved: np.ndarray) -> int:
        table = ranks(runs, moved)
        return int((table["rank_high"] - table["rank_low"]).sum())

    assert width(draws + common) == width(draws) < width(draws + own)


def test_a_difference_of_cells_has_the_variance_over_seeds_and_over_texts() -> None:
    runs, draws = study(4, 3)
    draws = draws + 0.1 * np.random.default_rng(0).normal(size=draws.shape)
    draws[:, [0, 1, 5]] = np.nan  # cells of 2, 3 and 4 seeds
    found = _variance(scores_of(runs, draws))
    cells = [own[:, np.isfinite(own[0])] for own in np.split(draws, 6, axis=1)]
    freedom = sum(own.shape[1] - 1 for own in cells)
    spread = sum(own[0].var() * own.shape[1] for own in cells) / freedom
    for i, one in enumerate(cells):
        for j, other in enumerate(cells):
            of_texts = (one.mean(1) - other.mean(1))[1:].var(ddof=1)
            of_seeds = spread / one.shape[1] + spread / other.shape[1]
            assert found[i, j] == pytest.approx(of_seeds + of_texts)


def test_with_one_seed_no_rank_is_known() -> None:
    table = ranks(*study(1, 0))
    assert (table["rank_low"] == 1).all() and (table["rank_high"] == 6).all()
    assert (table["note"] == "one seed a cell: ranks are not known").all()


def test_only_trained_cells_in_which_the_statistic_is_defined_are_ranked() -> None:
    runs, draws = study(3, 0)
    draws[:, 0] = np.nan  # a run
    draws[5, 3:6] = np.nan  # a cell, in one resample
    runs.loc[runs["attention"] == "dot", "variant"] = "frozen_scorer"
    table = ranks(runs, draws)
    assert list(table["attention"]) == ["additive", "additive", "deep"]
    assert list(table["seeds"]) == [2, 3, 3]
    assert ranks(runs.assign(variant="uniform"), draws).empty


def test_over_data_sets_the_cells_in_common_are_ranked_by_their_mean() -> None:
    scores = {
        "a": scores_of(*study(3, 0, dataset="a")),
        "b": scores_of(*study(3, 1, dataset="b", truth=TRUTH[:4] + 0.2)),
    }
    table = rank_intervals(scores, "tau", 0.95)
    assert table["dataset"].value_counts().to_dict() == {"a": 6, "b": 4, "all": 4}
    pooled = table[table["dataset"] == "all"].reset_index(drop=True)
    expected = (scores["a"].mean[:4] + scores["b"].mean) / 2
    np.testing.assert_allclose(pooled["estimate"], expected)
    assert (pooled["seeds"] == 6).all() and (pooled["cells"] == 4).all()
