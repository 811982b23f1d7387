"""Tasks of known information against second computations, and the calibration made of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conftest import chosen, code_of, estimators
import numpy as np
import pandas as pd
import pytest
from samples import gaussian_information
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
import torch

from attinfo.information.calibration import calibrate, correlation, sample_of, sizes
from attinfo.information.summary import measured
from attinfo.information.tasks import Task, spectrum
from attinfo.information.units import effective_rank
from attinfo.runtime.seeds import seed_of

TASKS = code_of("task")

every_task = pytest.mark.parametrize("name", TASKS)
LINEAR = ("gaussian", "imbalanced", "low_variance", "ten_classes")


def task_of(
    name: str,
    texts: int = 20_000,
    width: int = 12,
    classes: int = 2,
    rank: float = 4,
    target: float = 0.2,
    seed: int = 0,
) -> Task:
    return TASKS[name](texts, width, classes, rank, target, seed)


# Known information, computed again.


def by_discriminant(task: Task) -> float:
    """Information of normal classes of one covariance, from the states and outputs alone."""
    model = LinearDiscriminantAnalysis(solver="lsqr").fit(task.hidden, task.output)
    rows = np.arange(len(task.output))
    log_posterior = model.predict_log_proba(task.hidden)[rows, task.output]
    return float((log_posterior - np.log(model.priors_)[task.output]).mean())


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("classes", [2, 4])
def test_normal_classes_hold_what_their_discriminant_finds(name: str, classes: int) -> None:
    task = task_of(name, 40_000, classes=classes, target=0.3)
    assert by_discriminant(task) == pytest.approx(task.information, abs=0.012)
    assert by_discriminant(task) == pytest.approx(task.pointwise.mean(), abs=0.004)


@pytest.mark.parametrize(("name", "share"), [("gaussian", 0.5), ("imbalanced", 0.2)])
def test_two_normal_classes_hold_the_integral_along_the_line_between_them(
    name: str, share: float
) -> None:
    task = task_of(name, 40_000)
    means = np.stack([task.hidden[task.output == y].mean(0) for y in (0, 1)])
    within = np.cov((task.hidden - means[task.output]).T)
    apart = means[1] - means[0]
    distance = np.sqrt(apart @ np.linalg.solve(within, apart))
    assert gaussian_information(distance, share) == pytest.approx(task.information, abs=0.01)


def atoms_of(task: Task) -> np.ndarray:
    """[n] which of the distinct states each text has."""
    return np.unique(task.hidden, axis=0, return_inverse=True)[1].ravel()


@pytest.mark.parametrize("classes", [2, 3])
def test_repeated_states_hold_what_their_counts_say(classes: int) -> None:
    task = task_of("atoms", 100_000, classes=classes)
    joint = np.zeros((50, classes))
    np.add.at(joint, (atoms_of(task), task.output), 1 / len(task.output))
    independent = joint.sum(1, keepdims=True) * joint.sum(0)
    present = joint > 0
    found = (joint[present] * np.log(joint[present] / independent[present])).sum()
    assert found == pytest.approx(task.information, abs=0.006)


def moments_of_spirals(strength: float, classes: int) -> np.ndarray:
    """First and second moment of log p(y | h) / p(y), over the angle and the arm."""
    arms = 2 * np.pi * np.arange(classes) / classes

    def integrand(angle: float, power: int) -> float:
        log = log_softmax(strength * np.cos(angle - arms))
        return float((np.exp(log) * (log + np.log(classes)) ** power).sum()) / (2 * np.pi)

    return np.array([quad(integrand, 0, 2 * np.pi, args=(power,))[0] for power in (1, 2)])


def moments_of_xor(strength: float, classes: int) -> np.ndarray:
    """The same, over both features, by Gauss-Hermite quadrature in each cloud."""
    levels = strength * (np.arange(classes) - (classes - 1) / 2)
    place, weight = np.polynomial.hermite_e.hermegauss(80)
    weight = weight / weight.sum()
    from_level = softmax(-((levels[:, None, None] + place[:, None] - levels) ** 2) / 2, 2)
    features, shares = from_level.reshape(-1, classes), np.tile(weight, classes) / classes
    joint = features[:, None, :, None] * features[None, :, None, :]
    turn = (np.arange(classes)[:, None] + np.arange(classes)) % classes
    posterior = np.stack([joint[..., turn == y].sum(2) for y in range(classes)], 2)
    surprise = np.log(np.maximum(posterior, 1e-300) * classes)
    each = [(posterior * surprise**power).sum(2) for power in (1, 2)]
    return np.array([shares @ values @ shares for values in each])


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("name", "moments", "most"), [("xor", moments_of_xor, 20), ("spirals", moments_of_spirals, 50)]
)
def test_pointwise_values_have_the_moments_of_the_model_that_holds_the_target(
    name: str, moments: Callable[[float, int], np.ndarray], most: float, classes: int
) -> None:
    task = task_of(name, 100_000, width=4, classes=classes, target=0.3)
    strength = brentq(lambda s: moments(s, classes)[0] - 0.3, 0.01, most)
    first, second = moments(strength, classes)
    assert task.information == pytest.approx(first, abs=0.01)
    assert task.pointwise.mean() == pytest.approx(first, abs=0.012)
    assert (task.pointwise**2).mean() == pytest.approx(second, rel=0.05)


@every_task
@pytest.mark.parametrize("classes", [2, 3])
def test_the_mean_of_the_pointwise_values_is_the_information(name: str, classes: int) -> None:
    task = task_of(name, 100_000, width=4, classes=classes)
    error = task.pointwise.std() / np.sqrt(100_000)
    assert task.pointwise.mean() == pytest.approx(task.information, abs=4 * error + 0.008)


@pytest.mark.parametrize("name", [name for name in TASKS if name != "ten_classes"])
def test_outputs_are_as_frequent_as_their_posterior_says(name: str) -> None:
    task = task_of(name, 100_000, width=4, target=0.3)
    of_own = np.exp(task.pointwise) * (np.bincount(task.output) / 100_000)[task.output]
    of_one = np.where(task.output == 1, of_own, 1 - of_own)
    assert np.ptp(of_one) > 0.5
    for weight in (np.ones(100_000), of_one, np.cos(6 * of_one), np.sin(20 * of_one)):
        excess = (task.output - of_one) * weight
        assert excess.mean() == pytest.approx(0, abs=4 * excess.std() / np.sqrt(100_000) + 5e-3)


def test_the_posterior_of_one_of_ten_outputs_is_its_chance() -> None:
    task = task_of("ten_classes", 100_000, width=12)
    of_own = np.exp(task.pointwise) * (np.bincount(task.output) / 100_000)[task.output]
    # The mean of 1 / p(y | h) over outputs drawn from p counts the classes.
    assert (1 / of_own).mean() == pytest.approx(10, rel=0.05)


@every_task
def test_the_gain_is_the_divergence_of_the_posterior_from_the_prior(name: str) -> None:
    task = task_of(name, 50_000, width=12, target=0.3)
    assert (task.gain >= -1e-9).all()
    # The gain is what the pointwise value is on average, wherever the state lies.
    for weight in (np.ones(50_000), task.gain, task.gain > np.median(task.gain)):
        excess = (task.pointwise - task.gain) * weight
        assert excess.mean() == pytest.approx(0, abs=4 * excess.std() / np.sqrt(50_000) + 2e-3)


# What is asked for.


@every_task
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("target", [0.02, 0.2, 0.45])
def test_a_task_holds_the_information_asked_for(name: str, classes: int, target: float) -> None:
    assert task_of(name, 60, classes=classes, target=target).information == pytest.approx(
        target, abs=1e-3
    )


@every_task
def test_a_task_asked_for_nothing_tells_nothing(name: str) -> None:
    task = task_of(name, 500, target=0)
    assert task.information == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(task.pointwise, 0, atol=1e-9)
    np.testing.assert_allclose(task.gain, 0, atol=1e-9)


@every_task
def test_a_task_asked_for_more_than_there_is_tells_nearly_all(name: str) -> None:
    task = task_of(name, 5000, target=5)
    share = np.bincount(task.output) / 5000
    entropy = -(share * np.log(share)).sum()
    assert 0.9 * entropy < task.information < entropy + 0.02


@every_task
def test_the_states_of_a_task_have_the_width_asked_for(name: str) -> None:
    task = task_of(name, 300, width=24)
    assert task.hidden.shape == (300, 24) and task.hidden.dtype == np.float32
    assert task.output.shape == task.pointwise.shape == (300,)
    assert task.output.dtype == np.int64 and task.output.min() == 0


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("rank", [2.5, 4, 16])
def test_normal_states_have_the_effective_rank_asked_for(name: str, rank: float) -> None:
    hidden = torch.from_numpy(task_of(name, 5000, width=32, rank=rank, target=0).hidden)
    assert effective_rank(hidden) == pytest.approx(rank, rel=0.05)


@pytest.mark.parametrize("name", ["xor", "spirals"])
def test_more_features_that_tell_nothing_raise_the_effective_rank(name: str) -> None:
    found = [
        effective_rank(torch.from_numpy(task_of(name, 2000, width=32, rank=rank).hidden))
        for rank in (1, 4, 16)
    ]
    assert found == sorted(found)
    assert found[0] < 6 < found[2]


def test_fifty_states_repeat_exactly() -> None:
    task = task_of("atoms", 5000)
    assert atoms_of(task).max() == 49


@pytest.mark.parametrize(("width", "rank"), [(8, 1.5), (64, 4), (64, 16), (10, 9.9)])
def test_a_spectrum_has_the_participation_ratio_asked_for(width: int, rank: float) -> None:
    variances = spectrum(width, rank)
    assert len(variances) == width and (np.diff(variances) < 0).all()
    assert variances.sum() ** 2 / (variances**2).sum() == pytest.approx(rank, rel=1e-6)


def test_a_spectrum_cannot_have_a_rank_above_its_width() -> None:
    assert (spectrum(5, 5) == 1).all() and (spectrum(5, 70) == 1).all()


@pytest.mark.parametrize(("name", "differ"), [("gaussian", True), ("low_variance", False)])
def test_classes_differ_where_the_variance_is_said_to_be(name: str, differ: bool) -> None:
    task = task_of(name, 5000, width=32, target=0.3)
    leading = PCA(8).fit_transform(task.hidden)
    seen = by_discriminant(replace(task, hidden=leading))
    assert (seen > 0.25) if differ else (seen < 0.05)


def test_classes_of_an_imbalanced_task_are_a_quarter_as_frequent_as_the_last() -> None:
    share = np.bincount(task_of("imbalanced", 50_000, classes=3).output) / 50_000
    np.testing.assert_allclose(share, np.array([16, 4, 1]) / 21, atol=0.01)


@every_task
def test_a_task_depends_on_its_seed_alone(name: str) -> None:
    np.random.seed(1)  # noqa: NPY002
    one = task_of(name, 200)
    np.random.seed(2)  # noqa: NPY002
    again, other = task_of(name, 200), task_of(name, 200, seed=1)
    for field in ("hidden", "output", "pointwise", "gain"):
        assert (getattr(one, field) == getattr(again, field)).all()
    assert one.information == again.information
    assert not (one.hidden == other.hidden).any(axis=None)


# Calibration.


@pytest.mark.parametrize(
    ("fewest", "most", "expected"),
    [(200, 1800, [200, 600, 1800]), (50, 50, [50]), (200, 120, [120]), (200, 201, [200, 201])],
)
def test_sizes_run_from_the_fewest_texts_to_the_most(
    fewest: int, most: int, expected: list[int]
) -> None:
    assert sizes(fewest, most) == expected


OPTIONS: dict[str, Any] = {
    "estimators": estimators(linear={}, knn={"neighbours": 5}),
    "fewest": 60,
    "width": 6,
    "ranks": [2.0, 4.0],
    "levels": [0.2, 0.5],
    "repeats": 3,
    "seed": 11,
}
PLACE = ["estimator", "task", "n", "rank", "level"]


@pytest.fixture(scope="module")
def calibrated() -> pd.DataFrame:
    return calibrate(chosen("task", "gaussian"), 240, 2, OPTIONS)


def test_there_is_a_row_for_each_size_rank_level_and_estimator(calibrated: pd.DataFrame) -> None:
    expected = {
        (estimator, "gaussian", n, rank, level)
        for estimator in ("linear", "knn")
        for n in (60, 120, 240)
        for rank in OPTIONS["ranks"]
        for level in OPTIONS["levels"]
    }
    found = list(calibrated[PLACE].itertuples(index=False, name=None))
    assert len(found) == len(expected) and set(found) == expected
    values = ["truth", "estimate", "bias", "spread", "pvi_correlation"]
    assert list(calibrated) == [*PLACE, *values, "gain_correlation"]
    assert calibrated[values].notna().all(axis=None)
    assert (calibrated["gain_correlation"].isna() == (calibrated["estimator"] == "knn")).all()
    np.testing.assert_allclose(calibrated["truth"], calibrated["level"] * np.log(2), atol=1e-3)


def test_bias_and_spread_follow_their_definitions(calibrated: pd.DataFrame) -> None:
    for row in calibrated.sample(6, random_state=0).itertuples():
        estimates, known, alike, alike_gains = [], [], [], []
        for repeat in range(3):
            seed = seed_of("calibration", 11, row.n, row.rank, row.level, repeat)
            task = TASKS["gaussian"](row.n, 6, 2, row.rank, row.level * np.log(2), seed)
            options = {"neighbours": 5} if row.estimator == "knn" else {}
            estimator = chosen("estimator", row.estimator, **options)
            found = measured(estimator, sample_of(task, seed))
            pvi = found.pvi.numpy()
            estimates.append(pvi.mean())
            known.append(task.pointwise.mean())
            alike.append(np.corrcoef(pvi, task.pointwise)[0, 1])
            if found.gain is not None:
                alike_gains.append(np.corrcoef(found.gain, task.gain)[0, 1])
        truth = row.level * np.log(2)
        assert row.estimate == pytest.approx(np.mean(estimates))
        assert row.bias == pytest.approx(np.mean(estimates) - np.mean(known), abs=1e-9)
        assert row.spread == pytest.approx(np.std(np.array(estimates) - truth, ddof=1), abs=1e-3)
        assert row.pvi_correlation == pytest.approx(np.mean(alike))
        if alike_gains:
            assert row.gain_correlation == pytest.approx(np.mean(alike_gains))


def test_calibration_depends_on_its_seed_alone(calibrated: pd.DataFrame) -> None:
    small = OPTIONS | {"fewest": 240, "ranks": [2.0], "levels": [0.5]}
    again, other = (
        calibrate(chosen("task", "gaussian"), 240, 2, small | {"seed": s}) for s in (11, 12)
    )
    place = (calibrated["n"] == 240) & (calibrated["rank"] == 2) & (calibrated["level"] == 0.5)
    pd.testing.assert_frame_equal(calibrated[place].reset_index(drop=True), again)
    assert (again["estimate"] != other["estimate"]).all()


def test_values_that_do_not_vary_are_correlated_with_nothing() -> None:
    assert np.isnan(correlation(np.ones(5), np.arange(5)))
    assert correlation(np.arange(5), 3 - 2 * np.arange(5)) == pytest.approx(-1)
