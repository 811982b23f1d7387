"""A killed training goes on from its last epoch, and ends as if it had not been killed."""

from pathlib import Path
from typing import Any

from conftest import TRAINING, VARIANTS, Planted, architecture_of
import pytest
import torch
from torch import Tensor

from attinfo.models.classifier import Classifier
from attinfo.training.checkpoint import Checkpoint, Progress, key_of
from attinfo.training.train import train

CELLS = [
    # encoder, normaliser, variant, optimizer: every random stream and kind of moment
    ("bilstm", "gumbel_softmax@0.5", "trained", "adamw"),
    ("mlp", "softmax", "trained", "adam"),
    ("cnn", "entmax15", "frozen_encoder", "adamw"),
    ("transformer", "softmax", "label_shuffled", "adamw"),
    ("mlp", "softmax", "adversarial", "adamw"),
    ("mlp", "softmax", "refitted_scorer", "adam"),
]


class Killed(BaseException):
    """As a signal would, it passes every handler of errors."""


class Killing(Checkpoint):
    """A checkpoint whose process dies after some epochs."""

    def __init__(self, path: Path, key: str, epochs: int):
        super().__init__(path, key)
        self.left = epochs

    def save(self, progress: Progress) -> None:
        super().save(progress)
        self.left -= 1
        if not self.left:
            raise Killed


def fit(
    planted: Planted,
    cell: tuple[str, str, str, str],
    checkpoint: Checkpoint | None = None,
    **changes: Any,
) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    encoder, normaliser, variant, optimizer = cell
    options = architecture_of(encoder, "additive", normaliser)
    teacher = None
    if VARIANTS[variant].needs_trained:
        teacher = Classifier(*planted.sizes, options, VARIANTS["trained"], seed=7).eval()
    settings = {"epochs": 6, "patience": 6, "optimizer": optimizer, "amsgrad": optimizer == "adam"}
    return train(
        planted.texts("train"),
        planted.texts("dev"),
        *planted.sizes,
        architecture=options,
        training=TRAINING.model_copy(update=settings | changes),
        variant=VARIANTS[variant],
        seed=3,
        teacher=teacher,
        checkpoint=checkpoint,
    )


@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_a_training_killed_after_any_epoch_ends_in_the_same_weights_to_the_bit(
    planted: Planted, tmp_path: Path, cell: tuple[str, str, str, str]
) -> None:
    weights, history = fit(planted, cell)
    path = tmp_path / "training.safetensors"
    for epochs in (1, 3, 1):  # killed three times, after the epochs 1, 4 and 5
        torch.rand(epochs)  # another process has drawn other numbers
        with pytest.raises(Killed):
            fit(planted, cell, Killing(path, "key", epochs))
    again, its_history = fit(planted, cell, Checkpoint(path, "key"))
    assert its_history == history
    assert again.keys() == weights.keys()
    assert all(torch.equal(again[name], weights[name]) for name in weights)


def test_a_training_that_had_ended_is_not_done_again(planted: Planted, tmp_path: Path) -> None:
    cell = CELLS[1]
    checkpoint = Checkpoint(tmp_path / "training.safetensors", "key")
    weights, history = fit(planted, cell, checkpoint, patience=1)
    written = checkpoint.path.stat().st_mtime_ns
    again, its_history = fit(planted, cell, checkpoint, patience=1)
    assert checkpoint.path.stat().st_mtime_ns == written  # no epoch was made
    assert its_history == history
    assert all(torch.equal(again[name], weights[name]) for name in weights)


def test_a_checkpoint_of_something_else_is_not_gone_on_from(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "texts").write_text("one")
    key = key_of({"seed": 1}, [data])
    path = tmp_path / "training.safetensors"
    Checkpoint(path, key).save(Progress({"a": torch.ones(2)}, {"epoch": 1}))
    read = Checkpoint(path, key_of({"seed": 1}, [data])).read()
    assert read is not None and read.values == {"epoch": 1}
    assert Checkpoint(path, key_of({"seed": 2}, [data])).read() is None
    (data / "texts").write_text("other")
    assert Checkpoint(path, key_of({"seed": 1}, [data])).read() is None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_half_a_checkpoint_is_none(tmp_path: Path, share: float) -> None:
    path = tmp_path / "training.safetensors"
    assert Checkpoint(path, "key").read() is None
    Checkpoint(path, "key").save(Progress({"a": torch.ones(200)}, {}))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert Checkpoint(path, "key").read() is None
    Checkpoint(path, "key").remove()
    Checkpoint(path, "key").remove()
    assert not path.exists()
