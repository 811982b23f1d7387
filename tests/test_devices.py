"""Where models run: who gets which GPU, and what happens where memory ends."""

from collections.abc import Callable, Iterator
from pathlib import Path
import subprocess
import sys
from typing import Any

from conftest import TRAINING, VARIANTS, Planted, architecture_of, chosen
import numpy as np
import pytest
import torch
from torch import Tensor

from attinfo.explain.importance import importance
from attinfo.models.classifier import Classifier
from attinfo.runtime import devices
from attinfo.runtime.devices import device_of, free_gpu, in_parts
from attinfo.runtime.errors import InputError
from attinfo.states.extract import states_of
from attinfo.states.store import States
from attinfo.training.loop import TrainingLoop
from attinfo.training.objectives import label_objective
from attinfo.training.train import train

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
CLOSE = 1e-4  # of outputs between devices, of models with one set of weights
HOLD = (
    "import sys; from attinfo.runtime.devices import free_gpu;"
    "print(free_gpu(int(sys.argv[1]), sys.argv[2]), flush=True); sys.stdin.read()"
)


def test_the_processor_is_taken_where_it_is_asked_for_or_nothing_else_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert device_of("cpu") == device_of("auto") == torch.device("cpu")
    with pytest.raises(InputError, match="device is 'cuda', but torch finds no GPU here"):
        device_of("cuda")


def test_a_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(devices, "gettempdir", lambda: str(tmp_path))
    assert device_of("auto") == torch.device("cuda", 0)
    assert device_of("cpu") == torch.device("cpu")


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Callable[[int], tuple[subprocess.Popen[str], int]]]:
    """Starts a job that takes one of some GPUs, and prints its number."""
    started = []

    def start(count: int) -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(count), str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        return process, int(process.stdout.readline())

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_jobs_take_gpus_of_their_own_and_leave_them_when_they_die(
    job: Callable[[int], tuple[subprocess.Popen[str], int]], tmp_path: Path
) -> None:
    first, second, third = (job(3) for _ in range(3))
    assert [place for _, place in (first, second, third)] == [0, 1, 2]
    fourth, shared = job(3)  # none is free
    assert shared == fourth.pid % 3
    second[0].kill()
    second[0].wait()
    assert job(3)[1] == 1
    assert free_gpu(1, tmp_path / ".") in (0,)  # taken, so shared


def test_a_job_that_sees_some_gpus_alone_knows_them_by_their_own_names(
    job: Callable[[int], tuple[subprocess.Popen[str], int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    assert job(2)[1] == 0
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,4")
    assert [job(2)[1]] == [0]  # which is 5: another one than the first job has


class Small(Classifier):
    """A model on a device that holds no more than some texts at once."""

    most = 8

    def forward(self, batch: Any, *rest: Any, **named: Any) -> Any:
        if len(batch.lengths) > self.most:
            raise torch.OutOfMemoryError("as a GPU would say")
        return super().forward(batch, *rest, **named)


def fit(planted: Planted, **changes: Any) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    return train(
        planted.texts("train"),
        planted.texts("dev"),
        *planted.sizes,
        architecture=architecture_of(changes={"dropout": 0.0}),
        training=TRAINING.model_copy(update={"epochs": 3, "patience": 3} | changes),
        variant=VARIANTS["trained"],
        seed=1,
    )


@pytest.mark.parametrize("loss", ["mean", "sum"])
def test_training_in_parts_of_a_batch_is_training_on_the_batch(
    planted: Planted,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    loss: str,
) -> None:
    whole, history = fit(planted, loss=loss)
    monkeypatch.setattr(devices, "_reported", set())
    monkeypatch.setattr("attinfo.models.classifier.Classifier", Small)
    parts, parts_history = fit(planted, loss=loss)
    printed = capsys.readouterr().err.splitlines()
    assert printed == ["warning: out of memory on cpu: batches are read in parts"]  # once
    logged = [record.getMessage() for record in caplog.records]
    assert [line for line in logged if "parts now" in line] == [
        f"out of memory on cpu: batches in {n} parts now" for n in (2, 4)
    ]
    for one, other in zip(history, parts_history, strict=True):
        assert other["train_loss"] == pytest.approx(one["train_loss"], rel=1e-4)
        assert other["dev_loss"] == pytest.approx(one["dev_loss"], rel=1e-3)
    assert all(torch.allclose(parts[name], whole[name], atol=1e-3) for name in whole)


def test_a_text_that_does_not_fit_by_itself_is_reported_in_a_line(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attinfo.models.classifier.Classifier", Small)
    monkeypatch.setattr(Small, "most", 0)
    with pytest.raises(InputError, match="device: cpu has no memory for a batch of") as raised:
        fit(planted)
    assert "\n" not in str(raised.value)
    model = Small(*planted.sizes, architecture_of(), VARIANTS["trained"]).eval()
    with pytest.raises(InputError, match="device: cpu has no memory for a single text"):
        states_of(model, planted.texts("test"))


def test_states_read_in_halves_of_a_batch_are_those_of_the_batch(planted: Planted) -> None:
    options = architecture_of("bilstm")
    whole, small = (
        states_of(kind(*planted.sizes, options, VARIANTS["trained"]).eval(), planted.texts("test"))
        for kind in (Classifier, Small)
    )
    assert whole.keys() == small.keys()
    for name in whole:
        np.testing.assert_allclose(small[name], whole[name], atol=1e-6)


@pytest.mark.parametrize("size", range(1, 6))
def test_a_batch_of_fewer_texts_than_parts_is_read_one_by_one(planted: Planted, size: int) -> None:
    """As the last batch of an epoch may be, once memory has run out."""
    model = Classifier(*planted.sizes, architecture_of(), VARIANTS["trained"])
    objective = label_objective(2, planted.texts("train").labels, TRAINING)
    found = []
    for parts in (1, 4):
        loop = TrainingLoop(model, TRAINING, objective, summed=False, seed=1)
        loop.parts = parts
        found.append(loop._gradients(planted.texts("train"), np.arange(size)))
        assert loop.parts == parts
    assert found[1] == pytest.approx(found[0], rel=0.5)  # their dropout masks differ


@pytest.mark.parametrize("measure", ["gradient", "integrated_gradients", "leave_one_out"])
def test_importance_read_in_halves_is_that_of_the_batch(planted: Planted, measure: str) -> None:
    texts, found = planted.texts("test"), []
    steps = {"steps": 4} if measure == "integrated_gradients" else {}  # a text, once a step
    asked = chosen("importance measure", measure, **steps)
    for kind in (Classifier, Small):
        model = kind(*planted.sizes, architecture_of("bilstm"), VARIANTS["trained"]).eval()
        states = States(**states_of(model, texts))
        found.append(importance(model, texts, states, 1, [asked])[measure])
    np.testing.assert_allclose(found[1], found[0], atol=1e-6)


def test_halves_keep_the_order_and_a_single_text_that_does_not_fit_is_reported() -> None:
    def small(chosen: np.ndarray) -> list[int]:
        if len(chosen) > 3 or 13 in chosen:
            raise torch.OutOfMemoryError("as a GPU would say")
        return chosen.tolist()

    parts = list(in_parts(np.arange(10), small, torch.device("cpu")))
    assert all(chosen.tolist() == result for chosen, result in parts)
    assert [text for _, result in parts for text in result] == list(range(10))
    with pytest.raises(InputError, match="device: cpu has no memory for a single text"):
        list(in_parts(np.arange(12, 16), small, torch.device("cpu")))


@needs_gpu
@pytest.mark.parametrize("measure", ["gradient", "integrated_gradients", "leave_one_out"])
@pytest.mark.parametrize("encoder", ["bilstm", "transformer"])
def test_a_gpu_gives_the_importance_of_the_processor(
    planted: Planted, encoder: str, measure: str
) -> None:
    texts, found = planted.texts("test"), []
    model = Classifier(*planted.sizes, architecture_of(encoder), VARIANTS["trained"]).eval()
    states = States(**states_of(model, texts))
    for device in (torch.device("cpu"), device_of("cuda")):
        found.append(importance(model.to(device), texts, states, 1, {measure: {}})[measure])
    np.testing.assert_allclose(found[1], found[0], atol=CLOSE)


@needs_gpu
@pytest.mark.parametrize("encoder", ["bilstm", "cnn", "mlp", "transformer"])
def test_a_gpu_gives_the_states_of_the_processor(planted: Planted, encoder: str) -> None:
    options = architecture_of(encoder, "additive", "gumbel_softmax@0.5")
    model = Classifier(*planted.sizes, options, VARIANTS["trained"]).eval()
    here = states_of(model, planted.texts("test"))
    there = states_of(model.to(device_of("cuda")), planted.texts("test"))
    for name in here:
        np.testing.assert_allclose(there[name], here[name], atol=CLOSE)


@needs_gpu
def test_training_on_a_gpu_repeats_itself_and_learns_what_the_processor_does(
    planted: Planted,
) -> None:
    device = device_of("cuda")
    arguments = (planted.texts("train"), planted.texts("dev"), *planted.sizes)
    settings = {
        "architecture": architecture_of("bilstm", "additive", "gumbel_softmax@0.5"),
        "training": TRAINING,
        "variant": VARIANTS["trained"],
        "seed": 1,
    }
    first, history = train(*arguments, **settings, device=device)
    again, _ = train(*arguments, **settings, device=device)
    assert all(torch.equal(first[name], again[name]) for name in first)
    _, on_cpu = train(*arguments, **settings)
    best = max(row["dev_accuracy"] for row in history)
    assert best == pytest.approx(max(row["dev_accuracy"] for row in on_cpu), abs=0.02)
