"""A call of `estimate` leaves no trace in its process, and works in whatever state that is."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cache
import os
from pathlib import Path
import subprocess
import sys
from typing import Any
import warnings

import numpy as np
import pytest
from samples import gaussian_classes
import torch

import attinfo
from attinfo.blocks.estimators import CONTINUOUS, ESTIMATORS
from attinfo.information import Estimate, estimate

HIDDEN, OUTPUT = gaussian_classes(120, 4)
LAYER = np.eye(2, 4), np.zeros(2)
MARGIN = HIDDEN[:, 0] + np.random.default_rng(0).normal(size=120)
EVERY = [*((name, "classes") for name in ESTIMATORS), *((name, "margin") for name in CONTINUOUS)]
every = pytest.mark.parametrize(("name", "kind"), EVERY)


def run(name: str, kind: str, **options: Any) -> Estimate:
    output = OUTPUT if kind == "classes" else MARGIN
    return estimate(HIDDEN, output, name, permutations=2, output_layer=LAYER, **options)


def alone(code: str, timeout: int = 300) -> str:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(Path(attinfo.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "oneMKL ERROR" not in done.stdout + done.stderr
    return done.stdout


AFTER = """
import numpy as np, torch
from attinfo.information import estimate
generator = torch.Generator().manual_seed(0)
batch = torch.randn(8, 300, 300, dtype=torch.float64, generator=generator)
one_by_one = torch.stack([torch.linalg.slogdet(m)[1] for m in batch])
rng = np.random.default_rng(0)
hidden, output = rng.normal(size=(200, 4)), rng.integers(0, 2, 200)
margin = rng.normal(size=200)
for name, y in {names}:
    layer = np.eye(2, 4), np.zeros(2)
    given = margin if y == "margin" else output
    estimate(hidden, given, name, permutations=3, output_layer=layer)
error = (torch.linalg.slogdet(batch)[1] - one_by_one).abs().max()
rest = batch @ torch.linalg.solve(batch, batch[..., :1]) - batch[..., :1]
print(float(error) < 1e-9, float(rest.abs().max()) < 1e-6, torch.get_num_threads())
"""


@pytest.mark.parametrize("names", [[pair] for pair in EVERY], ids=lambda names: "-".join(names[0]))
def test_linear_algebra_is_right_after_every_estimator(names: list[tuple[str, str]]) -> None:
    assert alone(AFTER.format(names=names)).split() == ["True", "True", str(threads())]


@cache
def threads() -> int:
    return int(alone("import torch; print(torch.get_num_threads())"))


# Those that share rows among threads, factorise, and train.
OTHERS = ("knn", "linear", "infonce")
PAIRS = list(dict.fromkeys(p for a in ESTIMATORS for b in OTHERS for p in ((a, b), (b, a))))


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_linear_algebra_is_right_after_every_two_estimators(one: str, other: str) -> None:
    names = [(one, "classes"), (other, "classes")]
    assert alone(AFTER.format(names=names)).split()[:2] == ["True", "True"]


CLASSES = """
import numpy as np
from attinfo.information import estimate
rng = np.random.default_rng(0)
output = np.arange({n}) % {classes}
hidden = rng.normal(size=({n}, 8))
hidden[:, 0] += output
for name in {names}:
    found = estimate(hidden, output, name, permutations={permutations})
    assert np.isfinite([found.mi_nats, *found.pvi]).all()
    print(name)
"""


# From 145 classes on, a changed number of threads breaks batched LU in torch 2.13.
@pytest.mark.parametrize("classes", [146, pytest.param(160, marks=pytest.mark.slow)])
@pytest.mark.parametrize("names", [["knn", "linear"], ["linear", "knn"]])
def test_many_classes_work_in_every_order(names: list[str], classes: int) -> None:
    code = CLASSES.format(n=600, classes=classes, names=names, permutations=classes > 150)
    assert alone(code).split() == names


@pytest.mark.slow
@pytest.mark.parametrize("names", [["knn", "linear"], ["linear", "knn"]])
def test_a_thousand_classes_work_in_every_order(names: list[str]) -> None:
    code = CLASSES.format(n=2000, classes=1000, names=names, permutations=0)
    assert alone(code, timeout=1500).split() == names


def state() -> dict[str, Any]:
    """All that a call might leave behind."""
    return {
        "threads": torch.get_num_threads(),
        "interop": torch.get_num_interop_threads(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "torch seed": torch.get_rng_state().tolist(),
        "numpy seed": [str(part) for part in np.random.get_state()],  # noqa: NPY002,
        "grad": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "precision": torch.get_float32_matmul_precision(),
        "numpy errors": np.geterr(),
        "warnings": list(warnings.filters),
        "environment": dict(os.environ),
    }


@every
def test_the_state_of_the_process_is_as_before(name: str, kind: str) -> None:
    before = state()
    run(name, kind)
    assert state() == before


def default_dtype(dtype: torch.dtype) -> AbstractContextManager[Any]:
    class Changed(AbstractContextManager[Any]):
        def __enter__(self) -> None:
            self.before = torch.get_default_dtype()
            torch.set_default_dtype(dtype)

        def __exit__(self, *error: object) -> None:
            torch.set_default_dtype(self.before)

    return Changed()


def deterministic() -> AbstractContextManager[Any]:
    class Changed(AbstractContextManager[Any]):
        def __enter__(self) -> None:
            torch.use_deterministic_algorithms(True)

        def __exit__(self, *error: object) -> None:
            torch.use_deterministic_algorithms(False)

    return Changed()


def errors_for_warnings() -> AbstractContextManager[Any]:
    return warnings.catch_warnings(action="error")


MODES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "no_grad": torch.no_grad,
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "default device": lambda: torch.device("meta"),
    "float64 by default": lambda: default_dtype(torch.float64),
    "bfloat16 by default": lambda: default_dtype(torch.bfloat16),
    "deterministic": deterministic,
    "NumPy raises": lambda: np.errstate(all="raise"),
    "warnings are errors": errors_for_warnings,
    "nothing": nullcontext,
}


@pytest.mark.parametrize("mode", MODES)
@every
def test_the_modes_of_the_caller_change_nothing(name: str, kind: str, mode: str) -> None:
    known = run(name, kind)
    with MODES[mode]():
        before = state()
        found = run(name, kind)
        assert state() == before
    assert found.mi_nats == known.mi_nats and found.floor_upper == known.floor_upper


@pytest.mark.parametrize("name", ["stack", "knn", "mine", "linear"])
def test_tensors_made_in_inference_mode_are_taken(name: str) -> None:
    with torch.inference_mode():
        hidden, output = torch.from_numpy(HIDDEN) * 1.0, torch.from_numpy(OUTPUT) + 0
        inside = estimate(hidden, output, name, permutations=2, output_layer=LAYER)
    outside = estimate(hidden, output, name, permutations=2, output_layer=LAYER)
    assert inside.mi_nats == outside.mi_nats == run(name, "classes").mi_nats


def test_threads_may_call_at_the_same_time() -> None:
    names = [*ESTIMATORS] * 2
    known = {name: run(name, "classes").mi_nats for name in ESTIMATORS}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda name: run(name, "classes").mi_nats, names))
    assert found == pytest.approx([known[name] for name in names], abs=1e-9)


FORKED = """
import multiprocessing, sys
import numpy as np, torch
{before}
def work(name):
    from attinfo.information import estimate
    rng = np.random.default_rng(0)
    y = rng.normal(size=400) if name in ("ridge", "ksg") else rng.integers(0, 2, 400)
    hidden, layer = rng.normal(size=(400, 64)), (np.eye(2, 64), np.zeros(2))
    return estimate(hidden, y, name, permutations=2, output_layer=layer).mi_nats
torch.randn(1500, 1500) @ torch.randn(1500, 1500)  # the parent has threads
names = {names}
with multiprocessing.get_context("fork").Pool(1) as pool:
    found = pool.map_async(work, names).get(timeout=200)
assert np.allclose(found, [work(name) for name in names], atol=1e-6), found
print("done")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")
@pytest.mark.parametrize("before", ["", "from attinfo.information import estimate"])
def test_a_forked_worker_gives_the_same_estimates(before: str) -> None:
    names = [*ESTIMATORS, "ridge", "ksg"]
    assert alone(FORKED.format(before=before, names=names)).strip() == "done"


# What must be installed.

MISSING = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
import numpy as np
from attinfo.information import estimate
rng = np.random.default_rng(0)
hidden = rng.normal(size=({n}, 64)).astype(np.float32)
output = rng.integers(0, 2, {n})
for name, options in {calls}:
    print(name, round(estimate(hidden, output, name, permutations=2, **options).mi_nats, 6))
"""
OPTIONAL = ["captum", "datasets", "numba", "pyarrow", "safetensors", "sklearn", "transformers"]
CALLS = [("stack", {}), ("knn", {"metric": "chebyshev"}), ("knn", {}), ("linear", {})]


def test_the_engine_needs_numpy_scipy_torch_pandas_and_pydantic_alone() -> None:
    bare = alone(MISSING.format(missing=OPTIONAL, n=400, calls=CALLS))
    assert bare == alone(MISSING.format(missing=[], n=400, calls=CALLS))
    assert len(bare.splitlines()) == len(CALLS)


def test_loops_that_are_not_compiled_are_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [("knn", {}), ("knn", {"metric": "chebyshev"})]
    known = alone(MISSING.format(missing=[], n=3100, calls=calls))
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert alone(MISSING.format(missing=[], n=3100, calls=calls)) == known
