"""What every estimator must do: known information, what must not matter, bounds, folds."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from samples import (
    STUDIED,
    Estimator,
    every_estimator,
    every_estimator_often,
    gaussian_classes,
    gaussian_information,
    sample_of,
    tokens_of,
)
from scipy.spatial.distance import cdist
from scipy.special import digamma
from scipy.stats import special_ortho_group
import torch

from attinfo.information.estimators.knn import nearest_neighbours
from attinfo.information.estimators.linear import linear_probe
from attinfo.information.sample import Measured, Sample, folds, with_permutations

# Known information.


@pytest.mark.parametrize(("shift", "share"), [(0.8, 0.5), (1.5, 0.5), (1.5, 0.2), (2.5, 0.5)])
def test_linear_information_between_normal_classes_is_recovered(shift: float, share: float) -> None:
    hidden, output = gaussian_classes(4000, 64, shift, share)
    truth = gaussian_information(shift, share)
    found = linear_probe(sample_of(hidden, output))
    error = float(found.pvi.std()) / np.sqrt(4000)
    assert truth - 0.02 - 3 * error < float(found.pvi.mean()) < truth + 3 * error
    assert float(found.gain.mean()) == pytest.approx(float(found.pvi.mean()), abs=0.02)


def test_nearest_neighbour_information_between_normal_classes_is_recovered() -> None:
    hidden, output = gaussian_classes(4000, 3, 1.5)
    found = nearest_neighbours(sample_of(hidden, output))
    assert float(found.pvi.mean()) == pytest.approx(gaussian_information(1.5), abs=0.03)


def test_information_in_more_than_two_classes_is_recovered() -> None:
    rng = np.random.default_rng(2)
    output = rng.choice(4, 4000, p=[0.4, 0.3, 0.2, 0.1])
    means = np.zeros((4, 32))
    means[:, :4] = 2 * np.eye(4)
    hidden = means[output] + rng.normal(size=(4000, 32))
    log_joint = np.log([0.4, 0.3, 0.2, 0.1]) - cdist(hidden, means, "sqeuclidean") / 2
    log_posterior = log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True)
    pointwise = log_posterior[np.arange(4000), output] - np.log([0.4, 0.3, 0.2, 0.1])[output]
    found = linear_probe(sample_of(hidden, output))
    assert float(found.pvi.mean()) == pytest.approx(pointwise.mean(), abs=0.03)
    assert np.corrcoef(found.pvi, pointwise)[0, 1] > 0.95
    assert float(found.gain.mean()) == pytest.approx(float(found.pvi.mean()), abs=0.03)


@every_estimator_often
def test_independent_states_hold_no_information_and_are_above_their_floor_by_chance_alone(
    estimator: Estimator,
) -> None:
    means, floors, above = [], [], 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        sample = sample_of(rng.normal(size=(300, 16)), rng.integers(0, 2, 300), 30, seed)
        found = estimator(sample)
        means.append(float(found.pvi.mean()))
        floors.append(float(found.null.mean()))
        above += means[-1] > np.quantile(found.null, 0.95)
    assert np.mean(means) < 3 * np.std(means) / np.sqrt(40)
    assert abs(np.mean(floors)) < 0.01
    assert above <= 7  # of 40, 2 to 3 expected


@every_estimator
def test_information_rises_with_the_distance_of_the_classes(
    estimator: Estimator,
) -> None:
    found = []
    for shift in (0.0, 1.0, 2.0, 4.0, 8.0):
        sample = sample_of(*gaussian_classes(1000, 8, shift), permutations=19)
        estimate = estimator(sample)
        found.append(float(estimate.pvi.mean()))
        assert (found[-1] > float(estimate.null.max())) == (shift > 0)
    assert found == sorted(found)
    assert found[-1] == pytest.approx(np.log(2), abs=0.02)


@every_estimator
def test_a_state_of_its_own_in_two_texts_leaves_every_value_finite(estimator: Estimator) -> None:
    # Most folds have one state alone, in which no feature varies but by rounding.
    hidden = np.random.default_rng(3).normal(size=(2, 16))[(np.arange(120) < 2).astype(int)]
    found = estimator(sample_of(hidden, np.arange(120) % 2, permutations=19))
    assert torch.isfinite(found.pvi).all() and torch.isfinite(found.null).all()
    assert float(found.pvi.mean()) < 0.05


@every_estimator
def test_states_that_are_all_the_same_hold_no_information(estimator: Estimator) -> None:
    output = np.random.default_rng(0).integers(0, 2, 300)
    found = estimator(sample_of(np.ones((300, 8)), output, permutations=19))
    assert float(found.pvi.mean()) == pytest.approx(0, abs=0.01)
    # The pool looks at 65 of 300 neighbours that are all as far.
    assert float(found.null.abs().max()) < 0.02


# What must not matter.


def turned(sample: Sample) -> Sample:
    rotation = special_ortho_group(sample.hidden.shape[1], seed=0).rvs()
    return replace(sample, hidden=sample.hidden @ torch.from_numpy(rotation).float())


CHANGES: dict[str, Callable[[Sample], Sample]] = {
    "rotation": turned,
    "scale": lambda s: replace(s, hidden=1024 * s.hidden),
    "shift": lambda s: replace(s, hidden=s.hidden + 3),
    "names of the classes": lambda s: replace(s, output=(s.output + 1) % s.classes),
    "names of the folds": lambda s: replace(s, fold=4 - s.fold),
}


def assert_same(one: Measured, other: Measured, each: float, mean: float) -> None:
    """Every value within `each`, the estimate and its null within `mean`."""
    np.testing.assert_allclose(one.pvi, other.pvi, rtol=0, atol=each)
    assert float(one.pvi.mean()) == pytest.approx(float(other.pvi.mean()), abs=mean)
    np.testing.assert_allclose(one.null, other.null, rtol=0, atol=mean)
    if one.gain is not None and other.gain is not None:
        np.testing.assert_allclose(one.gain, other.gain, rtol=0, atol=each)


# How much a single value may move, where not by rounding alone: the prior on the weights of
# calibration takes class 0 as the reference, and random features turn with the states.
MOVES = {
    ("linear", "names of the classes"): 0.02,
    ("stack", "names of the classes"): 0.03,
    # Columns are standardised one by one.
    ("linear", "rotation"): 2.0,
    ("stack", "rotation"): 2.0,
}


@pytest.mark.parametrize("name", STUDIED)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("classes", [2, 3])
def test_information_does_not_depend_on(name: str, change: str, classes: int) -> None:
    rng = np.random.default_rng(classes)
    output = rng.integers(0, classes, 500)
    hidden = rng.normal(size=(500, 12)) + np.eye(12)[output]
    sample = sample_of(hidden, output, permutations=5)
    one, other = STUDIED[name](sample), STUDIED[name](CHANGES[change](sample))
    mean = 0.03 if change == "rotation" and name != "knn" else 2e-4
    assert_same(one, other, MOVES.get((name, change), 1e-4), mean)


@pytest.mark.parametrize("name", STUDIED)
def test_the_order_of_texts_changes_nothing(name: str) -> None:
    hidden, output = gaussian_classes(500, 12)
    sample = sample_of(hidden, output, permutations=5)
    order = torch.from_numpy(np.random.default_rng(0).permutation(500))
    moved = replace(
        sample, hidden=sample.hidden[order], output=sample.output[order], fold=sample.fold[order]
    )
    one, other = STUDIED[name](sample), STUDIED[name](moved)
    in_order = replace(one, pvi=one.pvi[order], gain=None if one.gain is None else one.gain[order])
    # The stack draws the pairs from which it takes a bandwidth by row.
    assert_same(in_order, other, *((5e-3, 2e-4) if name == "stack" else (1e-6, 1e-6)))


# Bounds.


@given(
    shift=st.floats(0, 6), share=st.floats(0.1, 0.9), d=st.integers(1, 20), seed=st.integers(0, 99)
)
@settings(max_examples=25)
def test_pointwise_information_is_at_most_the_surprise_of_the_output(
    shift: float, share: float, d: int, seed: int
) -> None:
    hidden, output = gaussian_classes(120, d, shift, share, seed)
    sample = sample_of(hidden, output)
    fold = sample.fold.numpy()
    prior = np.array([(output[fold != f] == y).mean() for f, y in zip(fold, output, strict=True)])
    found = linear_probe(sample)
    assert (found.pvi.numpy() <= -np.log(prior) + 1e-9).all()
    assert (found.gain >= 0).all()
    near = nearest_neighbours(sample)
    assert (near.pvi.numpy() <= (digamma(120) - digamma(np.bincount(output)))[output] + 1e-9).all()


@every_estimator
@pytest.mark.parametrize("members", [1, 2, 3, 4])
@pytest.mark.parametrize("rare", [[1], [0], [0, 1], [1, 2]])
def test_a_class_of_few_texts_leaves_every_value_finite(
    estimator: Estimator, rare: list[int], members: int
) -> None:
    hidden, _ = gaussian_classes(200, 8)
    common = min({0, 1, 2} - set(rare))
    output = np.full(200, common)
    output[: members * len(rare)] = np.repeat(rare, members)
    found = estimator(sample_of(hidden, output, permutations=10))
    assert torch.isfinite(found.pvi).all()
    assert torch.isfinite(found.null).all()
    assert found.gain is None or torch.isfinite(found.gain).all()


# Several states a text.


def copies(texts: int, each: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noisy copies of one state a text, and an output that has nothing to do with it."""
    rng = np.random.default_rng(seed)
    text = np.repeat(np.arange(texts), each)
    hidden = rng.normal(size=(texts, d))[text] + 0.1 * rng.normal(size=(len(text), d))
    return hidden, text, rng.integers(0, 2, texts)


@every_estimator_often
def test_copies_of_a_state_within_its_text_tell_nothing(
    estimator: Estimator,
) -> None:
    means, above = [], 0
    for seed in range(10):
        hidden, text, output = copies(200, 20, 64, seed)
        sample = tokens_of(hidden, text, output, np.arange(0, 4000, 20), 30, seed)
        found = estimator(sample)
        means.append(float(found.pvi.mean()))
        above += means[-1] > np.quantile(found.null, 0.95)
    assert np.mean(means) < 3 * np.std(means) / np.sqrt(10)
    assert max(means) < 0.1
    assert above <= 3


def test_copies_would_tell_much_were_a_text_on_both_sides_of_a_fold() -> None:
    hidden, text, output = copies(200, 20, 64, 0)
    found = linear_probe(sample_of(hidden, output[text]))
    assert float(found.pvi.mean()) > 0.1


# Folds and permutations.


@given(n=st.integers(20, 200), classes=st.integers(1, 4), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_folds_are_equal_in_size_and_stratified(n: int, classes: int, seed: int) -> None:
    output = torch.from_numpy(np.random.default_rng(seed).integers(0, classes, n))
    fold = folds(output, 5, seed)
    assert np.ptp(np.bincount(fold, minlength=5)) <= 1
    for y in output.unique():
        assert np.ptp(np.bincount(fold[output == y], minlength=5)) <= 1
    assert torch.equal(fold, folds(output, 5, seed))


@every_estimator
def test_without_permutations_there_is_an_estimate_and_no_null(
    estimator: Estimator,
) -> None:
    sample = sample_of(*gaussian_classes(100, 4), permutations=0)
    found = estimator(sample)
    assert len(found.pvi) == 100 and len(found.null) == 0


def test_the_null_permutes_outputs_among_texts() -> None:
    output = torch.from_numpy(np.random.default_rng(0).integers(0, 3, 100))
    columns = with_permutations(output, 20, 1)
    assert torch.equal(columns[:, 0], output)
    assert (columns.sort(0).values == output.sort().values[:, None]).all()
    assert len(columns.unique(dim=1).T) == 21
    assert torch.equal(columns, with_permutations(output, 20, 1))
