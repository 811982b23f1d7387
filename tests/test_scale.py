"""Estimates whatever the scale of the columns: of probes the same, of neighbours a brute force's.

Tolerance: probes standardise the columns in float64, so a change of unit or offset moves a value
by rounding alone, 1e-6 nats for closed forms and 1e-3 where single precision is trained.
"""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.special import digamma
import torch

from attinfo.blocks.estimators import CONTINUOUS, ESTIMATORS
from attinfo.information import estimate
from attinfo.information.estimators.features import standardised

OWN_SCALE = {"knn", "discrete", *(n for n, e in ESTIMATORS.items() if e.needs_output_layer)}
SCALED = [name for name in ESTIMATORS if name not in OWN_SCALE]
TRAINED = {"mine": 2e-2, "infonce": 2e-2, "logistic": 1e-3, "stack": 1e-3}


def columns(n: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal states whose first two columns depend on one of two classes."""
    rng = np.random.default_rng(seed)
    output = rng.integers(0, 2, n)
    hidden = rng.normal(size=(n, d))
    hidden[:, :2] += 1.5 * output[:, None]
    return hidden, output


def tolerance(name: str) -> float:
    return TRAINED.get(name, 1e-6)


@pytest.mark.parametrize("name", SCALED)
@given(
    powers=st.lists(st.integers(-6, 6), min_size=6, max_size=6),
    shift=st.sampled_from([0.0, 1.0, 1e8]),
    constant=st.integers(0, 3),
    repeated=st.integers(0, 3),
    seed=st.integers(0, 99),
)
@settings(max_examples=6, deadline=None)
def test_units_offsets_constants_and_repeats_of_columns_change_nothing(
    name: str, powers: list[int], shift: float, constant: int, repeated: int, seed: int
) -> None:
    hidden, output = columns(120, 6, seed)
    hidden = np.round(hidden * 2**20) / 2**20  # so that an offset of 1e8 rounds little
    changed = np.column_stack([hidden, np.full((120, constant), 3.7), hidden[:, :repeated]])
    scales = 10.0 ** np.array([*powers, *[0] * constant, *powers[:repeated]])
    changed = changed * scales + shift * np.maximum(scales, 1e-3)
    one, other = (estimate(h, output, name, permutations=2) for h in (hidden, changed))
    assert other.mi_nats == pytest.approx(one.mi_nats, abs=tolerance(name))
    assert other.floor_mean == pytest.approx(one.floor_mean, abs=tolerance(name))


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("scale", [1e-6, 1e3, 1e6])
def test_units_of_columns_change_nothing_for_continuous_outputs(name: str, scale: float) -> None:
    hidden, _ = columns(200, 6, 0)
    margin = hidden[:, 0] + np.random.default_rng(1).normal(size=200)
    changed = hidden * [1, scale, 1, 1, 1 / scale, 1] + scale
    one, other = (estimate(h, margin, name, permutations=2) for h in (hidden, changed))
    assert other.mi_nats == pytest.approx(one.mi_nats, abs=1e-5)


EXTRA: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "one large": lambda rng, n: 1e6 * rng.normal(size=n),
    "Cauchy": lambda rng, n: rng.standard_cauchy(n),
    "one huge value": lambda rng, n: np.where(np.arange(n) == 3, 1e12, rng.normal(size=n)),
    "two values": lambda rng, n: 1e4 * rng.integers(0, 2, n),
    "dates in seconds": lambda rng, n: 1.7e9 + 86400 * rng.integers(0, 900, n),
    "one of many": lambda rng, n: 1e5 * (np.arange(n) == 7),
}


@pytest.mark.parametrize("name", ["linear", "logistic", "stack", "gaussian"])
@pytest.mark.parametrize("extra", EXTRA)
def test_a_column_of_another_kind_hides_no_other(name: str, extra: str) -> None:
    hidden, output = columns(600, 8, 0)
    rng = np.random.default_rng(1)
    beside = np.column_stack([EXTRA[extra](rng, 600), hidden])
    plain = np.column_stack([rng.normal(size=600), hidden])
    known, found = (estimate(h, output, name, permutations=0) for h in (plain, beside))
    assert known.mi_nats > 0.3
    assert found.mi_nats == pytest.approx(known.mi_nats, abs=0.03)


@pytest.mark.parametrize("name", ["linear", "stack", "logistic"])
def test_a_few_huge_values_in_the_column_that_tells_leave_it_telling(name: str) -> None:
    hidden, output = columns(600, 8, 0)
    wild = hidden.copy()
    wild[::60, :2] *= 1e6
    known, found = (estimate(h, output, name, permutations=0) for h in (hidden, wild))
    assert found.mi_nats > 0.65 * known.mi_nats


@given(
    n=st.integers(50, 200),
    d=st.integers(1, 12),
    tail=st.sampled_from([1, 3, 9]),
    power=st.integers(-150, 100),
    seed=st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
def test_standardised_columns_have_mean_zero_and_variance_one(
    n: int, d: int, tail: int, power: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    hidden = 10.0**power * rng.normal(size=(n, d)) ** tail * 10 ** rng.uniform(-3, 3, d)
    found = standardised(torch.from_numpy(hidden)).numpy()
    assert found.shape == (n, d)
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(found.var(0), 1, atol=1e-9)
    for own, given_column in zip(found.T, hidden.T, strict=True):
        order = np.argsort(given_column, kind="stable")
        assert (np.diff(own[order]) >= 0).all()  # cutting keeps the order


# Neighbours.


def brute_force(hidden: np.ndarray, output: np.ndarray, metric: str, k: int = 3) -> np.ndarray:
    """[n] pointwise values of Ross 2014 from all differences in float64."""
    n = len(hidden)
    found = np.zeros(n)
    for i in range(n):
        apart = hidden - hidden[i]
        far = (apart**2).sum(1) if metric == "euclidean" else np.abs(apart).max(1)
        others = np.arange(n) != i
        peers = others & (output == output[i])
        if not peers.any():
            continue
        radius = np.sort(far[peers])[min(k, peers.sum()) - 1]
        same, everyone = (far[who] <= radius for who in (peers, others))
        found[i] = digamma(n) + digamma(same.sum()) - digamma(peers.sum() + 1)
        found[i] -= digamma(everyone.sum())
    return found


@pytest.mark.parametrize("metric", ["euclidean", "chebyshev"])
@given(
    n=st.integers(50, 300),
    d=st.integers(1, 20),
    classes=st.integers(2, 8),
    rogue=st.sampled_from([1.0, 1e3, 1e4, 1e6, 1e9, 1e12]),
    levels=st.sampled_from([0, 2, 5]),
    shift=st.sampled_from([0.0, 1e4, 1e8]),
    tail=st.sampled_from([1, 5]),
    coarse=st.booleans(),
    single=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
def test_neighbours_are_those_of_a_brute_force_in_float64_whatever_the_numbers(
    metric: str,
    n: int,
    d: int,
    classes: int,
    rogue: float,
    levels: int,
    shift: float,
    tail: int,
    coarse: bool,
    single: bool,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    output = rng.permutation(np.arange(n) % classes)
    hidden = rng.normal(size=(n, d)) ** tail
    hidden[:, 0] = rogue * (rng.integers(0, levels, n) if levels else hidden[:, 0])
    hidden = np.round(hidden) if coarse else hidden
    hidden = (hidden + shift).astype(np.float32 if single else np.float64)
    found = estimate(hidden, output, "knn", permutations=0, metric=metric, groups=range(n))
    expected = brute_force(hidden.astype(np.float64), output, metric)
    np.testing.assert_allclose(found.pvi, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_neighbours_do_not_depend_on_threads_or_on_the_precision_of_products(
    precision: str, threads: int
) -> None:
    rng = np.random.default_rng(0)
    hidden, output = rng.normal(size=(700, 48)).astype(np.float32), rng.integers(0, 3, 700)
    known = estimate(hidden, output, "knn", permutations=5)
    before = torch.get_float32_matmul_precision(), torch.get_num_threads()
    try:
        torch.set_float32_matmul_precision(precision)
        torch.set_num_threads(threads)
        found = estimate(hidden, output, "knn", permutations=5)
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.set_num_threads(before[1])
    assert (found.pvi == known.pvi).all() and found.floor_upper == known.floor_upper


@pytest.mark.parametrize("metric", ["euclidean", "chebyshev"])
def test_one_column_that_decides_is_flagged_for_neighbours_alone(metric: str) -> None:
    hidden, output = columns(300, 16, 0)
    wide = hidden * np.where(np.arange(16) == 5, 1e3, 1)
    names = ("linear", "stack")
    assert (
        "one_column_decides" in estimate(wide, output, "knn", permutations=0, metric=metric).flags
    )
    assert "one_column_decides" not in estimate(hidden, output, "knn", permutations=0).flags
    assert all(
        "one_column_decides" not in estimate(wide, output, n, permutations=0).flags for n in names
    )


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e100, 1e149])
@pytest.mark.parametrize("name", ["linear", "knn", "stack", "discrete"])
def test_tiny_and_large_numbers_are_as_any_others(name: str, size: float) -> None:
    hidden, output = columns(150, 4, 0)
    one, other = (estimate(h, output, name, permutations=2) for h in (hidden, size * hidden))
    assert other.mi_nats == pytest.approx(one.mi_nats, abs=tolerance(name))
