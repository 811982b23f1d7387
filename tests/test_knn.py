"""Nearest neighbours against second computations: double loops, scikit-learn and ennemi."""

from dataclasses import replace
import itertools

from ennemi._entropy_estimators import _estimate_semidiscrete_mi
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from samples import gaussian_classes, gaussian_information, sample_of, tokens_of, uneven_tokens
from scipy.spatial.distance import cdist
from scipy.special import digamma
from sklearn.neighbors import NearestNeighbors
import torch

from attinfo.information.estimators.knn import nearest_neighbours
from attinfo.information.neighbors import compiled, counts, distances
from attinfo.information.sample import Sample


def ross(
    hidden: np.ndarray, output: np.ndarray, k: int = 3, metric: str = "euclidean"
) -> np.ndarray:
    """Ross 2014 in float64 by scikit-learn, for states of which no two are the same."""
    n = len(hidden)
    search = NearestNeighbors(n_neighbors=n, algorithm="brute", metric=metric)
    search.fit(hidden.astype(np.float64))
    order = search.kneighbors(return_distance=False, n_neighbors=n - 1)  # without itself
    same = output[order] == output[:, None]
    m = (same.cumsum(1) >= k).argmax(1) + 1
    return digamma(n) + digamma(k) - digamma(np.bincount(output)[output]) - digamma(m)


def ross_by_loop(
    distance: np.ndarray, own: np.ndarray, asked: np.ndarray, output: np.ndarray, k: int = 3
) -> np.ndarray:
    """The same from distances [queries, references], all at that of the k-th counted in.

    `own` is the reference of a query's own text, `asked` its class.
    """
    values = []
    for i, far in enumerate(distance):
        others = np.arange(len(output)) != own[i]
        peers = others & (output == asked[i])
        radius = np.sort(far[peers])[min(k, peers.sum()) - 1]
        same, everyone = ((far[who] <= radius).sum() for who in (peers, others))
        values.append(
            digamma(len(output)) + digamma(same) - digamma(peers.sum() + 1) - digamma(everyone)
        )
    return np.array(values)


def zipf_classes(n: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """States and classes with Zipf frequencies; the states hold little information on the class."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, classes + 1)
    output = np.append(
        rng.choice(classes, n - 2 * classes, p=share / share.sum()),
        np.arange(2 * classes) % classes,
    )
    hidden = rng.normal(size=(n, 5)) + 0.3 * rng.normal(size=(classes, 5))[output]
    return hidden.astype(np.float32), output


# Second computations.


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("metric", ["euclidean", "chebyshev"])
def test_nearest_neighbours_are_those_of_ross(classes: int, k: int, metric: str) -> None:
    rng = np.random.default_rng(classes)
    output = rng.integers(0, classes, 400)
    hidden = (rng.normal(size=(400, 8)) + 0.5 * output[:, None]).astype(np.float32)
    found = nearest_neighbours(sample_of(hidden, output), neighbours=k, metric=metric)
    np.testing.assert_allclose(found.pvi, ross(hidden, output, k, metric), atol=1e-6)


@pytest.mark.parametrize("k", [3, 5])
def test_chebyshev_neighbours_give_the_estimate_of_ennemi(k: int) -> None:
    for seed, classes in itertools.product(range(3), (2, 5)):
        rng = np.random.default_rng(seed)
        output = rng.integers(0, classes, 500)
        hidden = (rng.normal(size=(500, 3)) + 0.7 * output[:, None]).astype(np.float32)
        found = nearest_neighbours(sample_of(hidden, output), neighbours=k, metric="chebyshev")
        expected = _estimate_semidiscrete_mi(hidden.astype(np.float64), output, k)
        assert float(found.pvi.mean()) == pytest.approx(expected, abs=1e-6)


@given(
    atoms=st.integers(1, 12),
    classes=st.integers(2, 4),
    k=st.integers(1, 4),
    metric=st.sampled_from(["euclidean", "chebyshev"]),
    seed=st.integers(0, 999),
)
@settings(max_examples=40)
def test_states_that_repeat_are_ties_and_counted_as_such(
    atoms: int, classes: int, k: int, metric: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    output = np.append(rng.integers(0, classes, 40), np.repeat(np.arange(classes), 2))
    hidden = rng.normal(size=(atoms, 5)).astype(np.float32)[rng.integers(0, atoms, len(output))]
    found = nearest_neighbours(sample_of(hidden, output), neighbours=k, metric=metric)
    expected = ross_by_loop(
        cdist(hidden, hidden, metric), np.arange(len(output)), output, output, k
    )
    np.testing.assert_allclose(found.pvi, expected, atol=1e-6)


def test_distances_on_a_grid_that_are_equal_are_ties_though_the_states_differ() -> None:
    # Whole numbers: their distances are exact, and most are shared by many neighbours.
    rng = np.random.default_rng(0)
    hidden = np.array(list(itertools.product(range(6), repeat=3)), dtype=np.float32)
    hidden -= hidden.mean(0)
    output = rng.integers(0, 2, len(hidden))
    for metric in ("euclidean", "chebyshev"):
        found = nearest_neighbours(sample_of(hidden, output), metric=metric)
        expected = ross_by_loop(
            cdist(hidden, hidden, metric), np.arange(len(output)), output, output
        )
        np.testing.assert_allclose(found.pvi, expected, atol=1e-6)


def test_a_state_is_compared_with_one_state_of_every_other_text() -> None:
    sample = uneven_tokens(150, 450, 6)
    output, text = sample.output[:, 0].numpy(), sample.text.numpy()
    distance = cdist(sample.hidden, sample.hidden[sample.reference])
    expected = ross_by_loop(distance, text, output[text], output)
    np.testing.assert_allclose(nearest_neighbours(sample).pvi, expected, atol=1e-6)


# Where classes are rare.


def test_nearest_neighbours_are_found_far_away_where_a_class_is_rare_nearby() -> None:
    # In each cloud of 80 states 2 are strangers: their third peer is beyond the whole cloud.
    rng = np.random.default_rng(0)
    cloud = np.repeat(np.arange(10), 80)
    output = (cloud % 2) ^ (np.arange(800) % 80 < 2)
    hidden = (10 * rng.normal(size=(10, 6))[cloud] + rng.normal(size=(800, 6))).astype(np.float32)
    found = nearest_neighbours(sample_of(hidden, output))
    np.testing.assert_allclose(found.pvi, ross(hidden, output), atol=1e-6)
    strangers = np.arange(800) % 80 < 2
    assert found.pvi[strangers].max() < -1 and found.pvi[~strangers].min() > 0


def test_lists_that_are_too_short_for_a_rare_class_are_made_long_enough() -> None:
    hidden, output = zipf_classes(2000, 20)
    expected = ross(hidden, output, 2)
    # The farthest radius holds more states than the longest list at first.
    held = digamma(2000) + digamma(2) - digamma(np.bincount(output)[output]) - expected
    assert np.exp(held).max() > 2 * counts.LONGEST_LIST
    found = nearest_neighbours(sample_of(hidden, output), neighbours=2)
    np.testing.assert_allclose(found.pvi, expected, atol=1e-6)


@pytest.mark.parametrize("length", [1, 7, 40])
@pytest.mark.parametrize("atoms", [None, 30])
def test_the_length_of_the_lists_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, length: int, atoms: int | None
) -> None:
    hidden, output = zipf_classes(400, 12)
    if atoms:
        hidden = hidden[np.random.default_rng(0).integers(0, atoms, 400)]
    sample = sample_of(hidden, output, permutations=10)
    known = nearest_neighbours(sample)
    monkeypatch.setattr(counts, "LONGEST_LIST", length)
    found = nearest_neighbours(sample)
    assert torch.equal(found.pvi, known.pvi) and torch.equal(found.null, known.null)


@pytest.mark.parametrize("alone", [1, 3])
def test_a_text_alone_in_its_class_tells_nothing_and_leaves_the_others_as_they_are(
    alone: int,
) -> None:
    hidden, output = gaussian_classes(120, 4)
    output[:alone] = 2 + np.arange(alone)
    found = nearest_neighbours(sample_of(hidden, output, permutations=9))
    assert (found.pvi[:alone] == 0).all()
    others = np.arange(alone, 120)
    expected = ross_by_loop(cdist(hidden[others], hidden), others, output[others], output)
    np.testing.assert_allclose(found.pvi[alone:], expected, atol=1e-6)
    assert torch.isfinite(found.null).all()


# With and without compiled loops.


@pytest.mark.parametrize("states", ["distinct", "repeated"])
def test_compiled_loops_change_nothing(monkeypatch: pytest.MonkeyPatch, states: str) -> None:
    assert compiled.compiles()
    hidden, output = zipf_classes(400, 12)
    if states == "repeated":
        hidden = hidden[np.random.default_rng(0).integers(0, 30, 400)]
    sample = sample_of(hidden, output, permutations=10)
    known = nearest_neighbours(sample)
    monkeypatch.setattr(counts, "COMPILED", 0)
    found = nearest_neighbours(sample)
    assert torch.equal(found.pvi, known.pvi) and torch.equal(found.null, known.null)


@pytest.mark.parametrize("metric", ["euclidean", "chebyshev"])
def test_without_numba_the_values_are_the_same(
    monkeypatch: pytest.MonkeyPatch, metric: str
) -> None:
    hidden, output = gaussian_classes(300, 7)
    sample = sample_of(hidden, output, permutations=5)
    known = nearest_neighbours(sample, metric=metric)
    for module in (counts, distances):
        monkeypatch.setattr(module, "compiles", lambda: False)
    found = nearest_neighbours(sample, metric=metric)
    assert torch.equal(found.pvi, known.pvi) and torch.equal(found.null, known.null)


# Permutations.


@pytest.mark.parametrize("states", ["distinct", "repeated", "rare"])
@pytest.mark.parametrize("metric", ["euclidean", "chebyshev"])
def test_the_null_of_a_permutation_is_the_estimate_of_the_permuted_output(
    states: str, metric: str
) -> None:
    rng = np.random.default_rng(0)
    hidden, output = zipf_classes(300, 12) if states == "rare" else gaussian_classes(300, 5)
    if states == "repeated":
        hidden = hidden[rng.integers(0, 40, 300)]
    sample = sample_of(hidden, output, permutations=12)
    null = nearest_neighbours(sample, metric=metric).null
    for column, value in enumerate(null, 1):
        alone = replace(sample, output=sample.output[:, [column]])
        found = nearest_neighbours(alone, metric=metric).pvi.mean()
        assert float(found) == pytest.approx(float(value), abs=1e-12)


def test_the_null_of_several_states_a_text_is_that_of_one_state_each() -> None:
    sample = uneven_tokens(150, 450, 6, permutations=12)
    chosen = sample_of(sample.hidden[sample.reference], sample.output[:, 0].numpy(), 12)
    assert torch.equal(chosen.output, sample.output)
    found, of_chosen = nearest_neighbours(sample), nearest_neighbours(chosen)
    assert torch.equal(found.null, of_chosen.null)
    assert not torch.equal(found.pvi.mean(), of_chosen.pvi.mean())


# Scaling.


def whitened(hidden: np.ndarray) -> np.ndarray:
    """Soft whitening by the singular value decomposition."""
    centred = hidden - hidden.mean(0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    variance = size**2 / len(hidden)
    return left * size / np.sqrt(variance + 0.1 * variance.mean())


def test_soft_whitening_divides_each_principal_component_by_its_softened_size() -> None:
    hidden, output = gaussian_classes(300, 6, seed=1)
    hidden *= [30, 10, 3, 1, 0.3, 0.1]
    found = nearest_neighbours(sample_of(hidden, output), scaling="soft_whitened")
    np.testing.assert_allclose(found.pvi, ross(whitened(hidden), output), atol=1e-6)


def test_soft_whitening_finds_information_in_directions_of_little_variance() -> None:
    hidden, output = gaussian_classes(1000, 2, shift=2)
    noise = 5 * np.random.default_rng(1).normal(size=(1000, 4))
    sample = sample_of(np.concatenate([hidden, noise], 1), output)
    raw, soft = (
        float(nearest_neighbours(sample, scaling=scaling).pvi.mean())
        for scaling in ("raw", "soft_whitened")
    )
    assert raw < soft - 0.1
    assert soft == pytest.approx(gaussian_information(2), abs=0.06)


# Known information.


@pytest.mark.parametrize("strength", [0.0, 0.5, 0.9])
def test_information_in_fifty_repeated_states_is_recovered(strength: float) -> None:
    rng = np.random.default_rng(1)
    atom = rng.integers(0, 50, 3000)
    chance = 0.5 + strength * (np.arange(50) % 2 - 0.5)  # of class 1, for each atom
    output = (rng.random(3000) < chance[atom]).astype(np.int64)
    hidden = rng.normal(size=(50, 16))[atom]
    share = chance.mean()
    terms = [
        np.where(p > 0, p * np.log(p / q), 0) for p, q in ((chance, share), (1 - chance, 1 - share))
    ]
    truth = sum(terms).mean()
    found = nearest_neighbours(sample_of(hidden, output, permutations=10))
    assert float(found.pvi.mean()) == pytest.approx(truth, abs=0.05)
    assert float(found.null.min()) > -0.05
    assert float(found.null.abs().max()) < 0.05


def test_a_state_that_all_texts_share_is_no_neighbour_of_its_own_text() -> None:
    # Two reference states, each of half the texts: without its own text each holds one fewer.
    output = np.array([0, 0, 0, 1] * 10 + [1, 1, 1, 0] * 10)
    hidden = np.repeat([[0.0, 0.0], [1.0, 0.0]], 40, axis=0)
    text = np.arange(80)
    sample: Sample = tokens_of(hidden, text, output, reference=text)
    found = nearest_neighbours(sample)
    often = digamma(80) + digamma(29) - digamma(40) - digamma(39)
    seldom = digamma(80) + digamma(9) - digamma(40) - digamma(39)
    typical = (np.arange(80) % 4) < 3
    np.testing.assert_allclose(found.pvi, np.where(typical, often, seldom), atol=1e-9)
