"""Data sets as a sample: random effects, prediction intervals, properties that effects go with."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.stats import spearmanr
from scipy.stats import t as student

from attinfo.claims.across_data_sets import PROPERTIES, across, moderators, properties


def claims_of(effects: np.ndarray, errors: np.ndarray | float = 0.1) -> pd.DataFrame:
    """`claims.csv` with one contrast on so many data sets, and rows that are not to be read."""
    errors = np.broadcast_to(errors, len(effects))
    rows = pd.DataFrame(
        {
            "claim": "i",
            "role": "primary",
            "dataset": [f"set{i}" for i in range(len(effects))],
            "contrast": "a above b",
            "statistic": "tau_gain",
            "estimate": effects,
            "se_seeds": 0.6 * errors,
            "se_texts": 0.8 * errors,
        }
    )
    other = rows.iloc[[0]].assign(estimate=99.0)
    return pd.concat([other.assign(dataset="all"), rows, other.assign(role="secondary")])


def by_hand(y: np.ndarray, v: np.ndarray) -> tuple[float, float, float]:
    """Spread of Paule and Mandel, mean, and standard error of Hartung and Knapp, bounded."""

    def q(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float((w * (y - (w * y).sum() / w.sum()) ** 2).sum() - (len(y) - 1))

    tau2 = brentq(q, 0, 100, xtol=1e-12) if q(0) > 0 else 0.0
    w = 1 / (v + tau2)
    mean = (w * y).sum() / w.sum()
    scale = (w * (y - mean) ** 2).sum() / (len(y) - 1)
    return tau2, mean, np.sqrt(max(scale, 1) / w.sum())


@pytest.mark.parametrize("spread", [0, 0.05, 0.3])
@pytest.mark.parametrize("k", [3, 10])
def test_the_mean_and_its_interval_are_those_of_the_formulas(spread: float, k: int) -> None:
    rng = np.random.default_rng(k)
    errors = rng.uniform(0.02, 0.2, k)
    effects = 0.1 + spread * rng.normal(size=k) + errors * rng.normal(size=k)
    (row,) = across(claims_of(effects, errors), 0.95).to_dict("records")
    tau2, mean, error = by_hand(effects, errors**2)
    assert row["estimate"] == pytest.approx(mean, abs=1e-4)
    assert row["tau"] == pytest.approx(np.sqrt(tau2), abs=1e-3)
    half = student.ppf(0.975, k - 1) * error
    assert row["ci_high"] - row["estimate"] == pytest.approx(half, rel=1e-2)
    reach = student.ppf(0.975, k - 2) * np.sqrt(tau2 + error**2)
    assert row["estimate"] - row["new_low"] == pytest.approx(reach, rel=1e-2)
    assert row["data_sets"] == k
    assert row["positive"] == (effects > 0).sum()


def test_intervals_cover_the_mean_and_the_effect_on_a_new_data_set() -> None:
    rng = np.random.default_rng(5)
    studies, k, spread, error = 400, 10, 0.2, 0.1
    covered = []
    for _ in range(studies):
        effects = 0.3 + spread * rng.normal(size=k) + error * rng.normal(size=k)
        row = across(claims_of(effects, error), 0.95).iloc[0]
        new = 0.3 + spread * rng.normal()
        covered.append(
            (row["ci_low"] < 0.3 < row["ci_high"], row["new_low"] < new < row["new_high"])
        )
    of_mean, of_new = np.mean(covered, axis=0)
    assert 0.91 < of_mean < 0.98  # four standard errors of 400 studies
    assert 0.91 < of_new < 0.99


def test_two_data_sets_have_no_spread() -> None:
    assert across(claims_of(np.array([0.1, 0.2])), 0.95).empty
    assert moderators(claims_of(np.array([0.1, 0.2])), pd.DataFrame({"dataset": []})).empty


def test_a_property_that_orders_the_effects_is_found_and_others_are_not() -> None:
    rng = np.random.default_rng(2)
    effects = rng.normal(size=10)
    described = pd.DataFrame(rng.normal(size=(10, len(PROPERTIES))), columns=[*PROPERTIES])
    described = described.assign(
        dataset=[f"set{i}" for i in range(10)], vocabulary=np.exp(effects), classes=2
    )
    table = moderators(claims_of(effects), described).set_index("property")
    assert table.loc["vocabulary", "rho"] == pytest.approx(1)
    assert table.loc["vocabulary", "p_bh"] < 0.01
    assert (table.drop("vocabulary")["p_bh"] > 0.05).all()
    assert "classes" not in table.index  # the same everywhere


def test_p_of_a_property_is_that_of_all_orders() -> None:
    x, y = np.array([1.0, 5, 2, 2, 9, 4]), np.array([0.3, 0.1, -0.2, 0.5, 0.6, 0.2])
    described = pd.DataFrame({"dataset": [f"set{i}" for i in range(6)]})
    described = described.assign(**dict.fromkeys(PROPERTIES, 1.0)).assign(length=x)
    (row,) = moderators(claims_of(y), described).to_dict("records")
    rho = spearmanr(x, y).statistic
    null = [spearmanr(x, order).statistic for order in permutations(y)]
    assert row["rho"] == pytest.approx(rho)
    # Twice the smaller tail.
    tails = np.mean(np.array(null) >= rho - 1e-9), np.mean(np.array(null) <= rho + 1e-9)
    assert row["p"] == pytest.approx(min(1, 2 * min(tails)), abs=0.002)


def test_properties_are_those_of_the_summaries() -> None:
    summary = {
        "classes": ["a", "b", "c"],
        "vocabulary": 70,
        "splits": {
            "train": {"texts": 12, "class_counts": [4, 4, 4], "median_tokens": 3},
            "test": {"texts": 4, "class_counts": [1, 3, 0], "median_tokens": 5.0},
        },
    }
    runs = pd.DataFrame(
        {
            "dataset": ["own"] * 3,
            "variant": ["trained", "trained", "uniform"],
            "accuracy": [0.5, 0.7, 0.1],
        }
    )
    (row,) = properties(runs, {"own": summary}).to_dict("records")
    expected = {"training_texts": 12, "classes": 3, "largest_class": 0.75, "length": 5.0}
    assert row == {"dataset": "own", **expected, "vocabulary": 70, "accuracy": 0.6}
