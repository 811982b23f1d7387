"""The estimators against known truths and second computations, and the units of a run."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.spatial.distance import cdist
from scipy.special import digamma
from scipy.stats import norm, special_ortho_group
from sklearn.neighbors import NearestNeighbors
import torch

from attinfo.information import ESTIMATORS
from attinfo.information.knn import nearest_neighbours
from attinfo.information.linear import linear_probe
from attinfo.information.sample import Estimate, Sample, folds, with_permutations
from attinfo.information.units import attention_rank, information, units_of
from attinfo.store import States

every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)


def sample_of(
    hidden: np.ndarray, output: np.ndarray, permutations: int = 1, seed: int = 0
) -> Sample:
    """One state a text."""
    classes = torch.from_numpy(np.asarray(output)).long()
    return Sample(
        hidden=torch.from_numpy(np.asarray(hidden, dtype=np.float32)),
        text=torch.arange(len(hidden)),
        output=with_permutations(classes, permutations, seed),
        classes=int(classes.max()) + 1,
        fold=folds(classes, 5, seed),
    )


def gaussian_classes(
    n: int, d: int, shift: float = 1.5, share: float = 0.5, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Two normal classes whose means differ by `shift` along some direction."""
    rng = np.random.default_rng(seed)
    output = rng.permutation((np.arange(n) < share * n).astype(np.int64))
    direction = rng.normal(size=d)
    direction /= np.linalg.norm(direction)
    return rng.normal(size=(n, d)) + shift * output[:, None] * direction, output


def gaussian_information(shift: float, share: float = 0.5) -> float:
    """I(H; Y) of `gaussian_classes`, integrated along the one direction that matters."""

    def integrand(x: float) -> float:
        zero, one = (1 - share) * norm.pdf(x), share * norm.pdf(x, shift)
        total = zero + one
        return sum(
            p * np.log(p / total / prior) for p, prior in ((zero, 1 - share), (one, share)) if p > 0
        )

    return quad(integrand, -12, 12 + shift, limit=200)[0]


# Nearest neighbours.


def ross(hidden: np.ndarray, output: np.ndarray, k: int = 3) -> np.ndarray:
    """Ross 2014 in float64 by scikit-learn, for states of which no two are the same."""
    n = len(hidden)
    search = NearestNeighbors(n_neighbors=n, algorithm="brute").fit(hidden.astype(np.float64))
    order = search.kneighbors(return_distance=False, n_neighbors=n - 1)  # without itself
    same = output[order] == output[:, None]
    m = (same.cumsum(1) >= k).argmax(1) + 1
    return digamma(n) + digamma(k) - digamma(np.bincount(output)[output]) - digamma(m)


def ross_with_ties(hidden: np.ndarray, output: np.ndarray, k: int = 3) -> np.ndarray:
    """The same by a double loop, all states at the distance of the k-th counted in."""
    values = []
    for i, distance in enumerate(cdist(hidden, hidden)):
        others = np.arange(len(hidden)) != i
        peers = others & (output == output[i])
        radius = np.sort(distance[peers])[min(k, peers.sum()) - 1]
        same, everyone = ((distance[who] <= radius).sum() for who in (peers, others))
        values.append(
            digamma(len(hidden)) + digamma(same) - digamma(peers.sum() + 1) - digamma(everyone)
        )
    return np.array(values)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("k", [1, 3, 10])
def test_nearest_neighbours_are_those_of_ross(classes: int, k: int) -> None:
    rng = np.random.default_rng(classes)
    output = rng.integers(0, classes, 400)
    hidden = (rng.normal(size=(400, 8)) + 0.5 * output[:, None]).astype(np.float32)
    found = nearest_neighbours(sample_of(hidden, output), neighbours=k)
    np.testing.assert_allclose(found.pvi, ross(hidden, output, k), atol=1e-6)


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


@given(
    atoms=st.integers(1, 12),
    classes=st.integers(2, 4),
    k=st.integers(1, 4),
    seed=st.integers(0, 999),
)
@settings(max_examples=40)
def test_states_that_repeat_are_ties_and_counted_as_such(
    atoms: int, classes: int, k: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    output = np.append(rng.integers(0, classes, 40), np.repeat(np.arange(classes), 2))
    hidden = rng.normal(size=(atoms, 5)).astype(np.float32)[rng.integers(0, atoms, len(output))]
    found = nearest_neighbours(sample_of(hidden, output), neighbours=k)
    np.testing.assert_allclose(found.pvi, ross_with_ties(hidden, output, k), atol=1e-6)


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


@every_estimator
def test_states_that_are_all_the_same_hold_no_information(
    estimator: Callable[[Sample], Estimate],
) -> None:
    output = np.random.default_rng(0).integers(0, 2, 300)
    found = estimator(sample_of(np.ones((300, 8)), output, permutations=19))
    assert float(found.pvi.mean()) == pytest.approx(0, abs=0.01)
    assert float(found.null.abs().max()) < 0.01


def test_a_state_is_compared_with_one_state_of_every_other_text() -> None:
    rng = np.random.default_rng(3)
    output = rng.integers(0, 2, 150)
    text = np.sort(np.append(np.arange(150), rng.integers(0, 150, 300)))
    hidden = (rng.normal(size=(450, 6)) + output[text, None]).astype(np.float32)
    reference = np.array([rng.choice(np.flatnonzero(text == t)) for t in range(150)])
    sample = replace(
        sample_of(hidden, text),  # the outputs and folds are replaced, too
        text=torch.from_numpy(text),
        output=with_permutations(torch.from_numpy(output), 1, 0),
        classes=2,
        fold=folds(torch.from_numpy(output), 5, 0),
        reference=torch.from_numpy(reference),
    )
    found = nearest_neighbours(sample)
    distances = cdist(hidden, hidden[reference])
    for i, distance in enumerate(distances):
        others = np.arange(150) != text[i]
        peers = others & (output == output[text[i]])
        radius = np.sort(distance[peers])[2]
        m, n_y = (distance[others] <= radius).sum(), peers.sum() + 1
        expected = digamma(150) + digamma(3) - digamma(n_y) - digamma(m)
        assert float(found.pvi[i]) == pytest.approx(expected, abs=1e-6)


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


@every_estimator
def test_independent_states_hold_no_information_and_are_above_their_floor_by_chance_alone(
    estimator: Callable[[Sample], Estimate],
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
    estimator: Callable[[Sample], Estimate],
) -> None:
    found = []
    for shift in (0.0, 1.0, 2.0, 4.0, 8.0):
        sample = sample_of(*gaussian_classes(1000, 8, shift), permutations=19)
        estimate = estimator(sample)
        found.append(float(estimate.pvi.mean()))
        assert (found[-1] > float(estimate.null.max())) == (shift > 0)
    assert found == sorted(found)
    assert found[-1] == pytest.approx(np.log(2), abs=0.02)


# What must not matter.


def turned(sample: Sample) -> Sample:
    rotation = special_ortho_group(sample.hidden.shape[1], seed=0).rvs()
    return replace(sample, hidden=sample.hidden @ torch.from_numpy(rotation).float())


CHANGES: dict[str, Callable[[Sample], Sample]] = {
    "rotation": turned,
    "scale": lambda s: replace(s, hidden=1000 * s.hidden),
    "shift": lambda s: replace(s, hidden=s.hidden + 3),
    "names of the classes": lambda s: replace(s, output=(s.output + 1) % s.classes),
    "names of the folds": lambda s: replace(s, fold=4 - s.fold),
}


@every_estimator
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("classes", [2, 3])
def test_information_does_not_depend_on(
    estimator: Callable[[Sample], Estimate], change: str, classes: int
) -> None:
    rng = np.random.default_rng(classes)
    output = rng.integers(0, classes, 500)
    hidden = rng.normal(size=(500, 12)) + np.eye(12)[output]
    sample = sample_of(hidden, output, permutations=5)
    one, other = estimator(sample), estimator(CHANGES[change](sample))
    np.testing.assert_allclose(one.pvi, other.pvi, atol=1e-4)
    np.testing.assert_allclose(one.null, other.null, atol=1e-4)
    if one.gain is not None:
        np.testing.assert_allclose(one.gain, other.gain, atol=1e-4)


@every_estimator
def test_the_order_of_texts_changes_nothing(estimator: Callable[[Sample], Estimate]) -> None:
    hidden, output = gaussian_classes(500, 12)
    sample = sample_of(hidden, output, permutations=5)
    order = torch.from_numpy(np.random.default_rng(0).permutation(500))
    moved = replace(
        sample, hidden=sample.hidden[order], output=sample.output[order], fold=sample.fold[order]
    )
    one, other = estimator(sample), estimator(moved)
    np.testing.assert_allclose(one.pvi[order], other.pvi, atol=1e-6)
    np.testing.assert_allclose(one.null, other.null, atol=1e-6)


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
def test_a_class_of_few_texts_leaves_every_value_finite(
    estimator: Callable[[Sample], Estimate], members: int
) -> None:
    hidden, _ = gaussian_classes(200, 8)
    output = (np.arange(200) < members).astype(np.int64)
    found = estimator(sample_of(hidden, output, permutations=30))
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


@every_estimator
def test_copies_of_a_state_within_its_text_tell_nothing(
    estimator: Callable[[Sample], Estimate],
) -> None:
    means, above = [], 0
    for seed in range(10):
        hidden, text, output = copies(200, 20, 64, seed)
        sample = replace(
            sample_of(hidden, text),
            text=torch.from_numpy(text),
            output=with_permutations(torch.from_numpy(output), 30, seed),
            classes=2,
            fold=folds(torch.from_numpy(output), 5, seed),
            reference=torch.arange(0, 4000, 20),
        )
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
    estimator: Callable[[Sample], Estimate],
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


# Units and tables of a run.


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


OPTIONS = {
    "output": "predicted",
    "estimators": {"linear": {}, "knn": {"neighbours": 3}},
    "positions": 4,
    "ranks": 3,
    "min_texts": 60,
    "permutations": 19,
    "seed": 5,
}
LENGTHS = [2] * 50 + [4] * 50 + [9] * 50  # so 150, 150, 100, 100, 50, ... texts a position


def test_a_unit_is_one_token_of_every_text_that_has_it_and_small_units_are_left_out() -> None:
    states = states_of(LENGTHS)
    units = {(u.index, u.unit): u.tokens for u in units_of(states, 12, 3, 60)}
    assert list(units) == [
        *(("position", i) for i in range(4)),
        *(("rank", i) for i in range(3)),
        ("instance", 0),
    ]
    for (index, unit), tokens in units.items():
        if index == "instance":
            assert (tokens == np.arange(len(states.score))).all()
            continue
        assert (states.text[tokens] == np.flatnonzero(states.lengths > unit)).all()
        if index == "position":
            assert (states.position[tokens] == unit).all()
    for text, token in enumerate(units["rank", 0]):
        begin, end = states.offsets[text : text + 2]
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


@pytest.fixture(scope="module")
def tables() -> tuple[States, pd.DataFrame, pd.DataFrame]:
    """A run whose states tell its prediction, early positions best."""
    states = states_of(LENGTHS)
    told = 2 * states.predicted[states.text] / (1 + states.position)
    states = replace(states, hidden=states.hidden + told[:, None].astype(np.float32))
    return states, *information(states, OPTIONS)


def test_there_is_a_row_for_each_unit_and_estimator(tables) -> None:
    _, units, _ = tables
    expected = [
        (index, unit, estimator)
        for index, count in (("position", 4), ("rank", 3), ("instance", 1))
        for unit in range(count)
        for estimator in ("linear", "knn")
    ]
    keys = units[["index", "unit", "estimator"]].itertuples(index=False, name=None)
    assert list(keys) == expected
    assert (units["ci_low"] < units["mi_nats"]).all() and (
        units["mi_nats"] < units["ci_high"]
    ).all()
    assert (units["floor_mean"] <= units["floor_upper"]).all()
    np.testing.assert_allclose(units["mi_over_h"], units["mi_nats"] / units["h_output"])
    share = tables[0].predicted.mean()
    whole = units[units["unit"] == 0]["h_output"]
    np.testing.assert_allclose(whole, -share * np.log(share) - (1 - share) * np.log(1 - share))
    below = units["mi_nats"] <= units["floor_upper"]
    assert (units["flags"].str.contains("below_floor") == below).all()


def test_the_estimate_of_a_unit_is_the_mean_of_its_tokens(tables) -> None:
    states, units, tokens = tables
    assert (tokens["text"] == states.text).all() and (tokens["token"] == states.position).all()
    for row in units.itertuples():
        suffix = "" if row.index == "instance" else f"_{row.index}"
        values = tokens[f"{row.estimator}_pvi{suffix}"]
        if row.index == "position":
            values = values[states.position == row.unit]
        elif row.index == "rank":
            values = values[attention_rank(states) == row.unit]
        assert values.mean() == pytest.approx(row.mi_nats, abs=1e-5)
    assert tokens["linear_pvi_position"].isna().equals(tokens["token"] >= 4)
    assert (tokens["linear_gain"] >= 0).all()


def test_positions_that_tell_more_have_more_information(tables) -> None:
    _, units, _ = tables
    linear = units[(units["index"] == "position") & (units["estimator"] == "linear")]
    assert (np.diff(linear["mi_nats"]) < 0).all()
    assert linear["mi_nats"].iloc[0] > linear["floor_upper"].iloc[0]


def test_an_output_of_one_class_leaves_nothing_to_estimate() -> None:
    states = states_of(LENGTHS, logits=np.tile(np.float32([1, 0]), (150, 1)))
    units, tokens = information(states, OPTIONS)
    assert (units[["mi_nats", "h_output", "floor_upper", "ci_low", "ci_high"]] == 0).all(axis=None)
    assert (units["flags"] == "constant_output").all()
    assert units["mi_over_h"].isna().all()
    assert (tokens[["linear_gain", "linear_pvi", "knn_pvi"]] == 0).all(axis=None)


def test_the_gold_label_may_be_the_output() -> None:
    label = np.random.default_rng(9).integers(0, 2, 150).astype(np.int32)
    states = states_of(LENGTHS, label=label)
    states = replace(states, hidden=states.hidden + 2 * label[states.text, None])
    estimate = partial(information, replace(states, hidden=states.hidden.astype(np.float32)))
    gold, predicted = (estimate(OPTIONS | {"output": o})[0] for o in ("label", "predicted"))
    assert (gold["mi_nats"] > gold["floor_upper"]).all()
    assert predicted["mi_nats"].mean() < 0.05 < gold["mi_nats"].mean()
