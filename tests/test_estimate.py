"""The public call `estimate(hidden, output)` on a reader's own arrays, and from the shell."""

from collections.abc import Callable
import os
from pathlib import Path
import subprocess
import sys
from typing import Any
import warnings

from conftest import code_of
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file
from samples import STUDIED, gaussian_classes, gaussian_information
from scipy.stats import special_ortho_group
import torch

import attinfo
from attinfo.information import FLAGS, Estimate, estimate
from attinfo.information.__main__ import main
from attinfo.states.store import write_states

CONTINUOUS = code_of("continuous estimator")
ESTIMATORS = code_of("estimator")

every_name = pytest.mark.parametrize("name", STUDIED)
every_name_of_floats = pytest.mark.parametrize("name", CONTINUOUS)
HIDDEN, OUTPUT = gaussian_classes(100, 4)


def with_value(shape: tuple[int, ...], value: float, *places: tuple[int, ...]) -> np.ndarray:
    """Normal values, but for `value` at these places."""
    array = np.random.default_rng(1).normal(size=shape)
    for place in places:
        array[place] = value
    return array


# What is refused.

REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    # what is wrong: the arguments that differ, then what the message must name
    "NaN states": (
        {"hidden": with_value((100, 4), np.nan, (3, 1), (7, 0))},
        ["hidden", "2 values that are NaN or infinite", "[3, 1]"],
    ),
    "infinite states": (
        {"hidden": with_value((100, 4), -np.inf, (99, 3))},
        ["hidden", "1 values that are NaN or infinite", "[99, 3]"],
    ),
    "infinite output": (
        {"output": with_value((100,), np.inf, (5,))},
        ["output", "1 values that are NaN or infinite", "[5"],
    ),
    "fewer outputs": ({"output": OUTPUT[:99]}, ["100 states", "output 99"]),
    "more outputs": ({"output": np.append(OUTPUT, 1)}, ["100 states", "output 101"]),
    "states in one dimension": ({"hidden": HIDDEN[:, 0]}, ["hidden", "(100,)", "[n, d]"]),
    "states in three": ({"hidden": HIDDEN[:, None]}, ["hidden", "(100, 1, 4)", "[n, d]"]),
    "states without dimensions": ({"hidden": HIDDEN[:, :0]}, ["hidden", "(100, 0)", "[n, d]"]),
    "few states": (
        {"hidden": HIDDEN[:49], "output": OUTPUT[:49]},
        ["hidden", "49 states", "50 or more"],
    ),
    "complex states": ({"hidden": HIDDEN * 1j}, ["hidden", "complex"]),
    "complex output": ({"output": OUTPUT * 1j}, ["output", "complex"]),
    "words as states": ({"hidden": np.full((100, 4), "a")}, ["hidden", "not an array of numbers"]),
    "uneven states": ({"hidden": [[1.0], [1.0, 2.0]] * 50}, ["hidden", "not an array of numbers"]),
    "nothing as states": ({"hidden": None}, ["hidden", "not an array of numbers"]),
    "nothing as output": ({"output": None}, ["output", "()", "[n]"]),
    "classes as floats": (
        {"output": OUTPUT.astype(float)},
        ["2 distinct values in 100 texts", "classes as whole numbers"],
    ),
    "classes as floats, by default": (
        {"output": OUTPUT.astype(float), "estimator": "stack"},
        ["2 distinct values in 100 texts", "classes as whole numbers"],
    ),
    "whole numbers all different": (
        {"output": np.arange(100)},
        ["output", "100 classes in 100 texts", "floats"],
    ),
    "words nearly all different": (
        {"output": [f"word {i % 60}" for i in range(100)]},
        ["output", "60 classes in 100 texts"],
    ),
    "too many classes": (
        {"hidden": np.ones((3000, 1)), "output": np.arange(3000) % 1001},
        ["1001 classes in 3000 texts"],
    ),
    "classes in two dimensions": (
        {"output": np.eye(100, dtype=int)},
        ["(100, 100)", "[n] classes"],
    ),
    "floats in three dimensions": (
        {"output": with_value((100, 2, 2), 0)},
        ["output", "(100, 2, 2)", "[n] or [n, c]"],
    ),
    "an unknown estimator": ({"estimator": "liner"}, ["unknown estimator 'liner'", "'linear'"]),
    "an unknown option": (
        {"estimator": "knn", "neighbors": 3},
        ["option of estimator 'knn'", "'neighbors'", "'neighbours'"],
    ),
    "an option of another estimator": (
        {"estimator": "linear", "metric": "euclidean"},
        ["'metric'"],
    ),
    "a word for a number": (
        {"estimator": "knn", "neighbours": "three"},
        ["'neighbours' of estimator 'knn'", "'three'", "expected a valid integer"],
    ),
    "a fraction for a whole number": (
        {"estimator": "knn", "neighbours": 2.5},
        ["2.5", "expected a valid integer"],
    ),
    "no neighbours": ({"estimator": "knn", "neighbours": 0}, ["0", "greater than or equal to 1"]),
    "no such choice": (
        {"estimator": "knn", "metric": "cosine"},
        ["'metric' of estimator 'knn'", "'cosine'", "expected 'euclidean' or 'chebyshev'"],
    ),
    "negative permutations": ({"permutations": -1}, ["permutations is -1", "0 or more"]),
    "no output layer": (
        {"estimator": "output_layer"},
        ["'output_layer'", "found no output layer", "`output_layer=(weight, bias)`"],
    ),
    "weights alone": (
        {"output_layer": np.eye(2, 4)},
        ["output_layer is a ndarray", "(weight, bias)"],
    ),
    "an output layer of another width": (
        {"output_layer": (np.eye(2, 3), np.zeros(2))},
        ["weight of shape (2, 3)", "bias of shape (2,)", "[C, 4] and [C]"],
    ),
    "more biases than rows": (
        {"output_layer": (np.eye(2, 4), np.zeros(3))},
        ["weight of shape (2, 4)", "bias of shape (3,)"],
    ),
    "an output layer of fewer classes": (
        {"output_layer": (np.eye(1, 4), np.zeros(1))},
        ["output_layer has 1 rows and output 2 classes"],
    ),
    "words and more rows than classes": (
        {"output": [f"class {y}" for y in OUTPUT], "output_layer": (np.eye(3, 4), np.zeros(3))},
        ["output_layer has 3 rows and output 2 classes", "whole numbers of rows, 0 to 2"],
    ),
    "an output layer that is not finite": (
        {"output_layer": (np.eye(2, 4), np.array([0, np.nan]))},
        ["the bias of output_layer", "NaN"],
    ),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_what_cannot_be_estimated_is_refused_in_one_line(wrong: str) -> None:
    changes, expected = REFUSED[wrong]
    with pytest.raises(ValueError) as raised:
        estimate(**({"hidden": HIDDEN, "output": OUTPUT, "estimator": "linear"} | changes))
    message = str(raised.value)
    assert "\n" not in message
    assert [words for words in expected if words not in message] == []


def test_an_estimator_of_classes_is_not_known_for_floats() -> None:
    name = next(n for n in ESTIMATORS if n not in CONTINUOUS)
    with pytest.raises(ValueError, match=f"unknown continuous estimator '{name}'"):
        estimate(HIDDEN, HIDDEN[:, 0], name)


# Forms of the same arrays.


def same(one: Estimate, other: Estimate) -> bool:
    """Whether every number is the same, bit for bit."""
    numbers = (one.mi_nats, one.floor_mean, one.floor_upper, one.ci_low, one.ci_high)
    others = (other.mi_nats, other.floor_mean, other.floor_upper, other.ci_low, other.ci_high)
    return numbers == others and one.flags == other.flags and (one.pvi == other.pvi).all()


def read_only(values: np.ndarray) -> np.ndarray:
    """As of a memory-mapped file."""
    view = values.view()
    view.flags.writeable = False
    return view


FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "float64": lambda h: h.astype(np.float64),
    "float16": lambda h: h.astype(np.float16),
    "big-endian": lambda h: h.astype(">f8"),
    "lists": lambda h: h.tolist(),
    "in the order of Fortran": np.asfortranarray,
    "every other column": lambda h: np.repeat(h, 2, 1)[:, ::2],
    "read from the end": lambda h: h[::-1].copy()[::-1],
    "read only": read_only,
    "data frame": pd.DataFrame,
    "tensor": torch.from_numpy,
    "tensor with a gradient": lambda h: torch.from_numpy(h).requires_grad_(),
    "tensor of bfloat16": lambda h: torch.from_numpy(h).bfloat16(),
    "transposed tensor": lambda h: torch.from_numpy(h.T.copy()).T,
    "list of tensors": lambda h: list(torch.from_numpy(h)),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_the_states_changes_nothing(form: str) -> None:
    states = np.round(8 * HIDDEN).astype(np.float32) / 8  # the same in two bytes
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = estimate(FORMS[form](states), OUTPUT, "linear", permutations=3)
    known = estimate(states, OUTPUT, "linear", permutations=3)
    np.testing.assert_allclose(found.pvi, known.pvi, rtol=0, atol=1e-6)
    assert found.floor_mean == pytest.approx(known.floor_mean, abs=1e-6)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8, bool])
def test_states_may_be_whole_numbers(dtype: type) -> None:
    states = (3 * np.abs(HIDDEN)).astype(dtype)
    known = estimate(states.astype(np.float64), OUTPUT, "linear", permutations=3)
    assert same(estimate(states, OUTPUT, "linear", permutations=3), known)


NAMES: dict[str, Callable[[np.ndarray], Any]] = {
    "not from zero": lambda y: y + 5,
    "negative": lambda y: y - 2,
    "far apart": lambda y: np.array([-9, 0, 10**12])[y],
    "words": lambda y: np.array(["bad", "fair", "good"])[y],
    "words of Python": lambda y: ["abc"[c] for c in y],
    "numbers and words": lambda y: np.array([0, 1, "two"], dtype=object)[y],
    "one byte": lambda y: y.astype(np.uint8),
    "two bytes": lambda y: y.astype(np.uint16),
    "tensor": lambda y: torch.from_numpy(y).to(torch.int8),
    "series": lambda y: pd.Series(y, index=y),
    "series of categories": lambda y: pd.Series(y).map(dict(enumerate("abc"))).astype("category"),
}


@pytest.mark.parametrize("names", NAMES)
@every_name
def test_the_names_of_the_classes_change_nothing(name: str, names: str) -> None:
    output = np.random.default_rng(3).permutation(np.arange(100) % 3)
    known = estimate(HIDDEN, output, name, permutations=3)
    assert same(estimate(HIDDEN, NAMES[names](output), name, permutations=3), known)


def test_two_classes_may_be_booleans() -> None:
    known = estimate(HIDDEN, OUTPUT, "linear", permutations=3)
    for output in (OUTPUT == 1, (OUTPUT == 1).tolist(), torch.from_numpy(OUTPUT == 1)):
        assert same(estimate(HIDDEN, output, "linear", permutations=3), known)


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "scale": lambda h: 3e5 * h,
    "small scale": lambda h: 1e-30 * h,
    "shift": lambda h: h + 1000,
    "scale and shift": lambda h: 7 * h - [1.0, 20, 300, -4000],
}


@every_name
@pytest.mark.parametrize("change", CHANGES)
def test_scale_and_shift_of_the_states_change_nothing(name: str, change: str) -> None:
    one = estimate(HIDDEN, OUTPUT, name, permutations=5)
    other = estimate(CHANGES[change](HIDDEN), OUTPUT, name, permutations=5)
    assert other.mi_nats == pytest.approx(one.mi_nats, abs=1e-4)
    assert other.floor_upper == pytest.approx(one.floor_upper, abs=1e-4)
    np.testing.assert_allclose(one.pvi, other.pvi, rtol=0, atol=1e-4)


def test_a_rotation_of_the_states_changes_nothing_for_neighbours_and_little_for_probes() -> None:
    turned = HIDDEN @ special_ortho_group(4, seed=0).rvs()
    one, other = (estimate(h, OUTPUT, "knn", permutations=5) for h in (HIDDEN, turned))
    np.testing.assert_allclose(one.pvi, other.pvi, rtol=0, atol=1e-4)
    # Probes standardise each column, so that they depend on the axes a little.
    hidden, output = gaussian_classes(1000, 8)
    turned = hidden @ special_ortho_group(8, seed=0).rvs()
    one, other = (estimate(h, output, "linear", permutations=5) for h in (hidden, turned))
    assert other.mi_nats == pytest.approx(one.mi_nats, abs=0.01)


@every_name
def test_columns_that_do_not_vary_hardly_matter(name: str) -> None:
    hidden, output = gaussian_classes(400, 6)
    more = np.hstack([hidden, np.full((400, 6), 0.1)])
    one, other = (estimate(h, output, name, permutations=0).mi_nats for h in (hidden, more))
    assert other == pytest.approx(one, abs=0.01)


RISING: dict[str, Callable[[np.ndarray], Any]] = {
    "scaled and shifted": lambda v: 7 * v - 300,
    "bent": lambda v: np.exp(3 * v),
    "of half the size": lambda v: v.astype(np.float32),
    "in a column": lambda v: v[:, None],
    "tensor": torch.from_numpy,
}


@every_name_of_floats
@pytest.mark.parametrize("change", RISING)
def test_only_the_order_of_floats_matters(name: str, change: str) -> None:
    margin = HIDDEN[:, 0] + np.random.default_rng(0).normal(size=100)
    one, other = (
        estimate(HIDDEN, v, name, permutations=5) for v in (margin, RISING[change](margin))
    )
    assert same(one, other)
    assert one.h_output is None and one.floor_upper < one.mi_nats


# Documented answers.


@every_name
@pytest.mark.parametrize("kind", ["classes", "words"])
def test_an_output_of_one_class_has_no_information(name: str, kind: str) -> None:
    found = estimate(HIDDEN, np.full(100, 3 if kind == "classes" else "x"), name, permutations=3)
    assert found.flags == ("constant_output",)
    assert (found.mi_nats, found.h_output, found.floor_mean, found.ci_low) == (0, 0, 0, 0)
    assert (found.pvi == 0).all() and len(found.pvi) == 100


@every_name
@pytest.mark.parametrize("value", [0.0, 0.1, -3e9])
def test_states_that_are_all_the_same_tell_nothing(name: str, value: float) -> None:
    found = estimate(np.full((100, 4), value), OUTPUT, name, permutations=3)
    assert found.flags == ("constant_states",)
    assert (found.mi_nats, found.floor_mean, found.ci_high) == (0, 0, 0)
    assert found.h_output == pytest.approx(np.log(2))


def is_finite(found: Estimate) -> bool:
    """Whether no number of an estimate is NaN or infinite."""
    numbers = [found.mi_nats, found.h_output, found.floor_mean, found.floor_upper]
    numbers += [found.ci_low, found.ci_high, *found.pvi]
    numbers += [] if found.gain is None else [*found.gain]
    return bool(np.isfinite(numbers).all())


@every_name
@pytest.mark.parametrize("members", [1, 4, 5])
def test_a_class_with_fewer_texts_than_folds_is_flagged(name: str, members: int) -> None:
    output = np.where(np.arange(100) < members, 2, OUTPUT)
    found = estimate(HIDDEN, output, name, permutations=5)
    assert is_finite(found)
    assert ("rare_class" in found.flags) == (members < 5)


@pytest.mark.parametrize("members", [10, 11])
def test_a_class_with_fewer_other_texts_than_neighbours_is_flagged(members: int) -> None:
    output = np.where(np.arange(100) < members, 2, OUTPUT)
    found = estimate(HIDDEN, output, "knn", permutations=0, neighbours=10)
    assert ("rare_class" in found.flags) == (members == 10)


@every_name
@pytest.mark.parametrize("d", [100, 101, 150])
def test_more_dimensions_than_texts_are_flagged(name: str, d: int) -> None:
    hidden, output = gaussian_classes(100, d)
    found = estimate(hidden, output, name, permutations=3)
    assert is_finite(found)
    assert ("more_dimensions_than_texts" in found.flags) == (d > 100)


def linear_output(classes: int, n: int = 1000, d: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """States, and the class whose score, a linear function of the state, is the largest."""
    rng = np.random.default_rng(classes)
    hidden = rng.normal(size=(n, d))
    return hidden, (hidden @ rng.normal(size=(d, classes))).argmax(1)


@pytest.mark.parametrize("name", ["linear", "stack"])
@pytest.mark.parametrize("classes", [2, 3])
def test_an_output_that_is_a_linear_function_of_the_state_is_flagged(
    name: str, classes: int
) -> None:
    hidden, output = linear_output(classes)
    found = estimate(hidden, output, name, permutations=3)
    assert found.flags == ("deterministic_output",)
    wrong = output.copy()
    flipped = np.random.default_rng(0).permutation(1000)[:50]
    wrong[flipped] = (wrong[flipped] + 1) % classes
    assert "deterministic_output" not in estimate(hidden, wrong, name, permutations=3).flags


@pytest.mark.parametrize("classes", [2, 3])
def test_one_output_that_is_no_function_of_the_state_is_enough(classes: int) -> None:
    # Far from any border between classes, so that no other linear function gives it.
    hidden, output = linear_output(classes)
    centre = np.argmin(np.linalg.norm(hidden - hidden[output == 0].mean(0), axis=1))
    output[centre] = 1
    found = estimate(hidden, output, "linear", permutations=0)
    assert found.mi_nats > 0.75 * found.h_output  # so it was asked
    assert "deterministic_output" not in found.flags


def test_classes_that_many_dimensions_separate_are_not_called_deterministic() -> None:
    hidden, output = gaussian_classes(200, 40, shift=6)
    found = estimate(hidden, output, "linear", permutations=0)
    assert found.mi_nats > 0.75 * found.h_output
    assert "deterministic_output" not in found.flags


@every_name_of_floats
def test_floats_that_are_a_linear_function_of_the_state_are_flagged(name: str) -> None:
    hidden, _ = linear_output(2)
    margin = hidden @ np.arange(1, 7)
    found = estimate(hidden, margin, name, permutations=3)
    noisy = margin + np.random.default_rng(0).normal(size=1000)
    plain = estimate(hidden, noisy, name, permutations=3)
    assert "deterministic_output" not in plain.flags
    # A linear function of normal states is normal, so that its ranks leave it linear.
    assert found.flags == ("deterministic_output",) and found.mi_nats > plain.mi_nats


@given(
    n=st.integers(50, 110),
    d=st.integers(1, 40),
    classes=st.integers(2, 6),
    power=st.integers(-6, 6),
    tail=st.sampled_from([1, 3, 9]),
    repeated=st.sampled_from([1, 5, 60]),
    rare=st.booleans(),
    name=st.sampled_from(list(STUDIED)),
    seed=st.integers(0, 999),
)
@settings(max_examples=120)
def test_no_value_is_ever_nan(
    n: int, d: int, classes: int, power: int, tail: int, repeated: int, rare: bool, name: str, seed
) -> None:
    rng = np.random.default_rng(seed)
    share = 0.1 ** np.arange(classes) if rare else np.ones(classes)
    output = rng.choice(classes, n, p=share / share.sum())
    states = rng.normal(size=(n, d)) ** tail * 10 ** rng.uniform(-3, 3, d)
    hidden = 10.0**power * (states + output[:, None])[rng.integers(0, n, n) // repeated]
    assert is_finite(estimate(hidden, output, name, permutations=3))


@every_name
@pytest.mark.parametrize("apart", [10, 1e3, 1e5])
@pytest.mark.parametrize("wrong", [0, 1])
def test_classes_far_apart_leave_every_value_finite(name: str, apart: float, wrong: int) -> None:
    rng = np.random.default_rng(0)
    output = rng.integers(0, 5, 300)
    hidden = apart * np.eye(5)[output] + rng.normal(size=(300, 5))
    output[:wrong] = (output[:wrong] + 1) % 5
    found = estimate(hidden, output, name, permutations=3)
    assert is_finite(found)
    assert found.mi_nats > 0.8 * found.h_output


@every_name
@pytest.mark.parametrize("power", [2, 6, 10])
def test_a_state_far_from_all_others_leaves_every_value_finite(name: str, power: int) -> None:
    hidden, output = gaussian_classes(300, 5)
    hidden[7] *= 10.0**power
    assert is_finite(estimate(hidden, output, name, permutations=3))


@every_name_of_floats
def test_floats_that_do_not_vary_have_no_information(name: str) -> None:
    found = estimate(HIDDEN, np.full(100, 0.3), name, permutations=3)
    assert found.flags == ("constant_output",)
    assert (found.mi_nats, found.floor_mean, found.h_output) == (0, 0, None)


# What is returned.


@every_name
def test_without_permutations_there_is_no_floor(name: str) -> None:
    found = estimate(HIDDEN, OUTPUT, name, permutations=0)
    assert found.floor_mean is None and found.floor_upper is None
    assert "below_floor" not in found.flags
    more = estimate(HIDDEN, OUTPUT, name, permutations=4)
    assert found.mi_nats == pytest.approx(more.mi_nats, abs=1e-4)


@every_name
def test_the_same_seed_gives_the_same_bits_and_another_another_floor(name: str) -> None:
    hidden, output = gaussian_classes(400, 6)
    one, again, other = (estimate(hidden, output, name, permutations=9, seed=s) for s in (0, 0, 1))
    assert same(one, again)
    assert one.floor_mean != other.floor_mean
    assert other.mi_nats == pytest.approx(one.mi_nats, abs=0.03)
    assert np.corrcoef(one.pvi, other.pvi)[0, 1] > 0.9


@every_name
def test_the_estimate_is_the_mean_of_its_values_and_the_interval_that_of_a_mean(name: str) -> None:
    hidden, output = gaussian_classes(300, 6, share=0.3)
    found = estimate(hidden, output, name, permutations=9)
    assert found.mi_nats == pytest.approx(found.pvi.mean(), abs=1e-12)
    half = 1.96 * found.pvi.std() / np.sqrt(300)
    assert found.ci_low == pytest.approx(found.mi_nats - half, abs=1e-9)
    assert found.ci_high == pytest.approx(found.mi_nats + half, abs=1e-9)
    assert found.h_output == pytest.approx(-0.3 * np.log(0.3) - 0.7 * np.log(0.7))
    assert found.floor_mean <= found.floor_upper
    assert (found.gain is None) == (name == "knn")


@every_name
@pytest.mark.parametrize("shift", [0.0, 0.3, 40.0])
def test_flags_follow_their_definitions(name: str, shift: float) -> None:
    raised = set()
    for seed in range(4):
        found = estimate(*gaussian_classes(80, 20, shift, seed=seed), name, permutations=19)
        assert ("below_floor" in found.flags) == (found.mi_nats <= found.floor_upper)
        assert ("above_entropy" in found.flags) == (found.mi_nats > found.h_output)
        assert set(found.flags) <= set(FLAGS)
        raised |= set(found.flags)
    if shift == 0:
        assert "below_floor" in raised
    if shift == 40:
        assert "below_floor" not in raised
        assert ("above_entropy" in raised) == (name == "knn")  # the others have a posterior


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_the_default_finds_what_is_there(share: float) -> None:
    found = estimate(*gaussian_classes(2000, 16, 1.5, share))
    assert found.mi_nats == pytest.approx(gaussian_information(1.5, share), abs=0.04)
    assert found.flags == ()
    assert found.floor_upper < 0.02


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_gpu_gives_the_same_estimates(name: str) -> None:
    hidden, output = (torch.from_numpy(array) for array in gaussian_classes(500, 16))
    given = {"permutations": 5, "output_layer": (torch.eye(2, 16), torch.zeros(2))}
    on_cpu = estimate(hidden, output, name, **given)
    on_gpu = estimate(hidden.cuda(), output.cuda(), name, **given)
    assert on_gpu.mi_nats == pytest.approx(on_cpu.mi_nats, abs=1e-4)
    assert on_gpu.floor_upper == pytest.approx(on_cpu.floor_upper, abs=1e-4)


# From the shell.


@pytest.fixture
def arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, the working one, with states and outputs of a reader's own."""
    monkeypatch.chdir(tmp_path)
    np.save("hidden.npy", HIDDEN)
    np.save("output.npy", OUTPUT)
    save_file({"hidden": HIDDEN.astype(np.float32), "output": OUTPUT}, "both.safetensors")
    return tmp_path


def shell(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "attinfo.information", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(attinfo.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_shell_prints_the_estimate_of_two_files(arrays: Path) -> None:
    done = shell(arrays, "hidden.npy", "output.npy", "--estimator", "linear", "knn")
    assert (done.returncode, done.stderr) == (0, "")
    columns, *rows = (line.split() for line in done.stdout.splitlines())
    for row, name in zip(rows[:2], ("linear", "knn"), strict=True):
        printed, found = dict(zip(columns, row, strict=False)), estimate(HIDDEN, OUTPUT, name)
        assert (printed["unit"], printed["estimator"], printed["n"]) == ("all", name, "100")
        for column in ("mi_nats", "floor_mean", "floor_upper", "ci_low", "ci_high", "h_output"):
            assert float(printed[column]) == pytest.approx(getattr(found, column), abs=1e-3)


def test_the_shell_tells_an_error_in_one_line(arrays: Path) -> None:
    done = shell(arrays, "hidden.npy", "missing.npy")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: missing.npy: expected a file\n"


def table(tmp_path: Path, *arguments: str) -> pd.DataFrame:
    """What the command writes with `--csv`."""
    main([*arguments, "--csv", "made/table.csv"])
    return pd.read_csv(tmp_path / "made/table.csv", keep_default_na=False, na_values=[""])


def test_both_tensors_may_be_in_one_file(arrays: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--estimator", "linear", "--permutations", "19", "--seed", "3")
    row = table(arrays, "both.safetensors", *options).iloc[0]
    found = estimate(HIDDEN.astype(np.float32), OUTPUT, "linear", permutations=19, seed=3)
    for column in ("mi_nats", "floor_mean", "floor_upper", "ci_low", "ci_high", "h_output"):
        assert row[column] == pytest.approx(getattr(found, column))
    assert (row["unit"], row["n"]) == ("all", 100)
    assert f"{found.mi_nats:.4f}" in capsys.readouterr().out


def test_without_permutations_the_floor_is_left_empty(
    arrays: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("hidden.npy", "output.npy", "--estimator", "linear", "--permutations", "0")
    row = table(arrays, *files).iloc[0]
    assert np.isnan(row["floor_mean"]) and np.isnan(row["floor_upper"])
    printed = capsys.readouterr().out
    assert "None" not in printed and "nan" not in printed.lower()


def test_groups_and_the_kind_of_output_may_be_named(arrays: Path) -> None:
    group, margin = np.arange(100) // 4, np.round(HIDDEN[:, 0], 1)
    np.save("group.npy", np.array([f"text {g}" for g in group]))
    np.save("margin.npy", margin)
    given = ("--estimator", "linear", "--permutations", "9")
    row = table(arrays, "hidden.npy", "output.npy", *given, "--groups", "group.npy").iloc[0]
    found = estimate(HIDDEN, OUTPUT, "linear", permutations=9, groups=group)
    assert row["mi_nats"] == pytest.approx(found.mi_nats)
    assert row["floor_upper"] == pytest.approx(found.floor_upper)
    kind = ("--output-kind", "continuous", "--permutations", "9")
    row = table(arrays, "hidden.npy", "margin.npy", *kind).iloc[0]
    assert row["mi_nats"] > 0.5 and np.isnan(row["h_output"])


def test_flags_are_explained(arrays: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("constant.npy", np.zeros(100, int))
    row = table(arrays, "hidden.npy", "constant.npy", "--estimator", "linear").iloc[0]
    assert row["flags"] == "constant_output"
    printed = capsys.readouterr().out.splitlines()
    assert f"constant_output: {FLAGS['constant_output']}" in printed
    assert not [line for line in printed if line.startswith("constant_states:")]


def test_where_the_state_decides_the_output_the_entropy_is_printed(arrays: Path) -> None:
    hidden, output = linear_output(2)
    np.save("states.npy", hidden)
    np.save("decided.npy", output)
    row = table(arrays, "states.npy", "decided.npy", "--estimator", "linear").iloc[0]
    assert row["flags"] == "deterministic_output"
    assert row["mi_nats"] == row["h_output"] > 0.5
    assert np.isnan(row["ci_low"]) and np.isnan(row["ci_high"])


def test_the_store_of_a_run_is_estimated_unit_by_unit(arrays: Path) -> None:
    rng = np.random.default_rng(0)
    label, logits = rng.integers(0, 2, 100), rng.normal(size=(100, 2)).astype(np.float32)
    length = rng.integers(2, 5, 100)
    offsets, tokens = np.append(0, length.cumsum()), int(length.sum())
    score = rng.normal(size=tokens).astype(np.float32)
    hidden = rng.normal(size=(tokens, 4)) + 3 * np.repeat(label, length)[:, None]
    store = {
        "hidden": hidden.astype(np.float32),
        "score": score,
        "attention": score,
        "token_id": np.arange(tokens, dtype=np.int32),
        "offsets": offsets,
        "logits": logits,
        "label": label.astype(np.int32),
    }
    write_states("states.safetensors", store)
    with pytest.raises(SystemExit, match="found no output layer of the model, expected a store"):
        main(["states.safetensors", "--estimator", "output_layer", "--permutations", "0"])
    options = ["--estimator", "linear", "--positions", "2", "--ranks", "1", "--min-texts", "90"]
    rows = table(arrays, "states.safetensors", *options, "--permutations", "9")
    assert rows["unit"].tolist() == ["position 1", "position 2", "rank 1", "instance"]
    assert rows["n"].tolist() == [100, 100, 100, tokens]
    assert rows["mi_nats"].max() < 0.1
    gold = table(arrays, "states.safetensors", *options, "--output", "label")
    assert gold["mi_nats"].min() > 0.5
    layer = {"output_weight": np.ones((2, 4), np.float32), "output_bias": np.zeros(2, np.float32)}
    layer["output_weight"][0] = 0
    write_states("states.safetensors", store | layer)
    options[1] = "output_layer"
    read = table(arrays, "states.safetensors", *options, "--output", "label")
    assert read["unit"].tolist() == rows["unit"].tolist()
    assert read["mi_nats"].min() > 0.5


def test_tensors_of_a_reader_are_read_by_an_output_layer_beside_them(arrays: Path) -> None:
    weight, bias = np.random.default_rng(0).normal(size=(2, 4)), np.zeros(2)
    own = {"hidden": HIDDEN, "output": OUTPUT, "output_weight": weight, "output_bias": bias}
    save_file(own, "layer.safetensors")
    row = table(arrays, "layer.safetensors", "--estimator", "output_layer").iloc[0]
    found = estimate(HIDDEN, OUTPUT, "output_layer", output_layer=(weight, bias))
    assert row["mi_nats"] == pytest.approx(found.mi_nats, abs=1e-9)
    with pytest.raises(SystemExit, match="found no output layer"):
        main(["both.safetensors", "--estimator", "output_layer"])


BAD_FILES: dict[str, tuple[list[str], list[str]]] = {
    "missing": (["no.npy", "output.npy"], ["no.npy", "expected a file"]),
    "a folder": (["folder", "output.npy"], ["folder", "expected a file"]),
    "one array": (["hidden.npy"], ["hidden.npy", "two .npy files"]),
    "three arrays": (["hidden.npy"] * 3, ["hidden.npy", "two .npy files"]),
    "another ending": (["text.txt"], ["text.txt", "two .npy files"]),
    "other tensors": (["other.safetensors"], ["states", "'hidden' and 'output'"]),
    "no tensors": (["empty.safetensors"], ["(none)", "'hidden' and 'output'"]),
    "half a store": (["half.safetensors"], ["half.safetensors", "has no 'score'"]),
    "text for tensors": (["text.safetensors"], ["text.safetensors", "cannot be read"]),
    "text for an array": (["text.npy", "output.npy"], ["text.npy", "cannot be read"]),
    "an empty file": (["nothing.npy", "output.npy"], ["nothing.npy", "cannot be read"]),
    "objects": (["objects.npy", "output.npy"], ["objects.npy", "cannot be read"]),
    "other lengths": (["hidden.npy", "short.npy"], ["100 states", "output 99"]),
    "unknown estimator": (
        ["hidden.npy", "output.npy", "--estimator", "liner"],
        ["unknown estimator 'liner'", "'linear'"],
    ),
    "negative permutations": (
        ["hidden.npy", "output.npy", "--permutations", "-1"],
        ["permutations is -1"],
    ),
    "no texts in a unit": (
        ["both.safetensors", "--min-texts", "0", "--positions", "100"],
        ["--min-texts is 0", "50 or more"],
    ),
    "negative positions": (["both.safetensors", "--positions", "-3"], ["--positions is -3"]),
    "a second array that is none": (["hidden.npy", "text.npy"], ["text.npy: cannot be read"]),
    "a table that is a folder": (["hidden.npy", "output.npy", "--csv", "folder"], ["folder"]),
    "a table under a file": (
        ["hidden.npy", "output.npy", "--csv", "text.txt/table.csv"],
        ["--csv text.txt/table.csv", "text.txt is no writable folder"],
    ),
    "a table where nobody writes": (
        ["hidden.npy", "output.npy", "--csv", "/proc/none/table.csv"],
        ["--csv /proc/none/table.csv", "cannot be written"],
    ),
    "groups of another length": (
        ["hidden.npy", "output.npy", "--groups", "short.npy"],
        ["100 states, groups 99"],
    ),
    "groups that are no file": (
        ["hidden.npy", "output.npy", "--groups", "no.npy"],
        ["no.npy", "cannot be read"],
    ),
}


@pytest.mark.parametrize("wrong", BAD_FILES)
def test_what_cannot_be_read_ends_in_one_line(arrays: Path, wrong: str) -> None:
    (arrays / "folder").mkdir()
    for ending in ("npy", "safetensors", "txt"):
        (arrays / f"text.{ending}").write_text("neither array nor tensor")
    (arrays / "nothing.npy").touch()
    np.save("short.npy", OUTPUT[:99])
    np.save("objects.npy", np.array([{}] * 100))
    save_file({"states": HIDDEN}, "other.safetensors")
    save_file({}, "empty.safetensors")
    save_file({"hidden": HIDDEN, "offsets": OUTPUT}, "half.safetensors")
    arguments, expected = BAD_FILES[wrong]
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    # A text as the code: it goes to stderr, and the process ends with 1.
    message = raised.value.code
    assert isinstance(message, str) and message.startswith("error: ") and "\n" not in message
    assert [words for words in expected if words not in message] == []
