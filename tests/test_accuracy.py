"""Largest errors allowed for the estimators, on tasks of known information.

The seeds were not used to design the estimators. If an estimator exceeds a bound, the estimator is
at fault, and the bound is not changed.
"""

import sys

from conftest import code_of
import numpy as np
from project import ROOT
import pytest
from samples import STUDIED, Estimator, every_estimator
from scipy.stats import binom, spearmanr

from attinfo.information import estimate
from attinfo.information.calibration import correlation, sample_of
from attinfo.information.estimators.discrete import atoms_plugin
from attinfo.information.estimators.stack import stack

sys.path.insert(0, str(ROOT))

from benchmarks.bent import BENT, bent

TASKS = code_of("task")

SEEDS = range(1000, 1004)


def accuracy(
    estimator: Estimator, task: str, width: int, target: float, rank: float = 4, texts: int = 4000
) -> tuple[float, float]:
    """Mean over data sets of estimate - truth, and of the correlation of pointwise values."""
    bias, agreement = [], []
    for seed in SEEDS:
        known = TASKS[task](texts, width, 2, rank, target, seed)
        pvi = estimator(sample_of(known, seed)).pvi.numpy()
        bias.append(pvi.mean() - known.pointwise.mean())
        agreement.append(correlation(pvi, known.pointwise))
    return float(np.mean(bias)), float(np.mean(agreement))


@pytest.mark.parametrize(
    ("task", "width", "rank", "target", "most_bias", "least_correlation"),
    [
        ("gaussian", 64, 4, 0.2, 0.02, 0.95),
        ("gaussian", 128, 4, 0.2, 0.02, 0.95),
        ("gaussian", 256, 4, 0.2, 0.02, 0.95),
        ("low_variance", 128, 4, 0.2, 0.02, 0.9),
        ("xor", 128, 4, 0.2, 0.03, 0.88),
        ("xor", 256, 4, 0.2, 0.03, 0.88),
        ("ten_classes", 128, 16, 0.5, 0.06, 0.9),
    ],
)
def test_the_stack_comes_near_the_truth(
    task: str, width: int, rank: float, target: float, most_bias: float, least_correlation: float
) -> None:
    bias, agreement = accuracy(stack, task, width, target, rank)
    assert abs(bias) <= most_bias
    assert agreement >= least_correlation


@pytest.mark.parametrize(
    ("name", "width", "seed"),
    [
        ("bowl", 128, 1000),
        ("saddle", 256, 1001),
        *(pytest.param(n, w, 1002, marks=pytest.mark.slow) for n in BENT for w in (128, 256)),
    ],
)
def test_the_stack_finds_a_boundary_that_bends_in_a_few_directions_of_many(
    name: str, width: int, seed: int
) -> None:
    known = bent(name, 4000, width, seed)
    sample = sample_of(known, seed)
    found = stack(sample).pvi.numpy()
    assert abs(found.mean() - known.pointwise.mean()) <= 0.06
    assert correlation(found, known.pointwise) >= 0.8
    for other in ("linear", "knn"):
        assert STUDIED[other](sample).pvi.mean() - known.pointwise.mean() < -0.15


@pytest.mark.parametrize("name", BENT)
def test_the_information_of_a_bent_task_is_what_its_sample_holds(name: str) -> None:
    known = bent(name, 40_000, 16, 1000)
    assert known.information == pytest.approx(0.46, abs=1e-6)
    error = known.pointwise.std() / 200
    assert known.pointwise.mean() == pytest.approx(known.information, abs=4 * error)
    assert known.gain.mean() == pytest.approx(known.pointwise.mean(), abs=4 * error)


@pytest.mark.parametrize(
    "estimator",
    [STUDIED["knn"], STUDIED["stack"], atoms_plugin],
    ids=["knn", "stack", "discrete"],
)
def test_information_in_states_that_repeat_is_found(estimator: Estimator) -> None:
    bias, _ = accuracy(estimator, "atoms", 128, 0.2)
    assert abs(bias) <= 0.03


def test_the_stack_ranks_units_by_their_information() -> None:
    truths = np.linspace(0.02, 0.5, 40)
    kinds = [("xor", 4), ("gaussian", 4), ("gaussian", 16), ("low_variance", 4)]
    order = np.random.default_rng(1000).permutation(40)  # so that kind says nothing of truth
    found, known = [], []
    for seed, truth, place in zip(range(1000, 1040), truths, order, strict=True):
        name, rank = kinds[place % 4]
        task = TASKS[name](1000, 64, 2, rank, truth, seed)
        found.append(float(stack(sample_of(task, seed)).pvi.mean()))
        known.append(task.information)
    assert spearmanr(found, known).statistic >= 0.97


def times_above_the_floor(name: str, data_sets: int, permutations: int = 39) -> int:
    """How often estimates of states without information exceed the permutation null."""
    above = 0
    for seed in range(1000, 1000 + data_sets):
        rng = np.random.default_rng(seed)
        hidden, output = rng.normal(size=(120, 8)), rng.integers(0, 2, 120)
        found = estimate(hidden, output, name, permutations=permutations, seed=seed)
        above += found.mi_nats > found.floor_upper
    return above


def bounds(data_sets: int) -> tuple[int, int]:
    """Between which numbers the count stays with a chance of 0.998.

    Were the floor exactly the 95 % point, 5 % would be above it. Of 39 permutations, the quantile
    of NumPy lies between the second and the third highest, above which are 5 and 7.5 %.
    """
    return int(binom.ppf(0.001, data_sets, 0.05)), int(binom.isf(0.001, data_sets, 0.075))


@pytest.mark.parametrize("name", ["linear", "knn"])
def test_states_that_tell_nothing_are_seldom_above_the_floor(name: str) -> None:
    low, high = bounds(200)
    assert low > 0 and high < 0.15 * 200
    assert low <= times_above_the_floor(name, 200) <= high


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIED)
def test_one_null_in_twenty_is_above_the_floor(name: str) -> None:
    # Of 40 exchangeable estimates the observed one is among the two highest, by Weibull's rule.
    above = times_above_the_floor(name, 400)
    assert binom.ppf(0.001, 400, 0.05) <= above <= binom.isf(0.001, 400, 0.05)


@pytest.mark.slow
def test_states_that_tell_nothing_are_seldom_above_the_floor_of_the_stack() -> None:
    low, high = bounds(200)
    assert low <= times_above_the_floor("stack", 200) <= high


@every_estimator
def test_states_that_tell_are_above_the_floor(estimator: Estimator) -> None:
    name = next(name for name, known in STUDIED.items() if known is estimator)
    for seed in SEEDS:
        task = TASKS["gaussian"](400, 8, 2, 4, 0.1, seed)
        found = estimate(task.hidden, task.output, name, permutations=19)
        assert found.mi_nats > found.floor_upper
