"""Training: the same seed the same bytes, the best epoch kept, a planted answer found."""

from collections.abc import Callable
import csv
from dataclasses import replace
import json
import os
from pathlib import Path
import pickle
import subprocess
import sys
from typing import Any

from conftest import TRAINING, VARIANTS, Planted, Trained, architecture_of, estimators, plain
import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file
import torch

import attinfo
from attinfo.data.texts import read_summary
from attinfo.information.units import information
from attinfo.models.architecture import Architecture
from attinfo.models.classifier import Classifier, load
from attinfo.runtime.errors import InputError
from attinfo.states.store import States
from attinfo.training.optimizers import SparseAdam
from attinfo.training.train import evaluate, shuffled, train, train_run

INFORMATION = {
    "output": "predicted",
    "estimators": estimators(linear={}),
    "positions": 6,
    "ranks": 4,
    "min_texts": 50,
    "light": [],
    "spot_checks": [],
    "spot_units": 0,
    "spot_share": 1.0,
    "words": True,
    "halves": True,
    "half_probes": {},
    "permutations": 30,
    "seed": 5,
}


def run_into(folder: Path, planted: Planted, seed: int = 1, encoder: str = "bilstm") -> Path:
    """A short run with Gumbel noise, so that every random stream is drawn from."""
    train_run(
        texts=(planted.texts("train"), planted.texts("dev")),
        summary=read_summary(planted.folder),
        options={
            "model": plain(architecture_of(encoder, "additive", "gumbel_softmax@0.5")),
            "training": TRAINING.model_dump() | {"epochs": 2},
            "variant": {},
            "seed": seed,
        },
        provenance={"code_sha256": "none"},
        outputs={
            "weights": folder / "model.safetensors",
            "history": folder / "history.csv",
            "run": folder / "run.json",
        },
    )
    return folder


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_model(
    planted: Planted, tmp_path: Path
) -> None:
    runs = [run_into(tmp_path / n, planted, s) for n, s in (("a", 1), ("b", 1), ("c", 2))]
    for name in ("model.safetensors", "history.csv"):
        first, again, other = ((run / name).read_bytes() for run in runs)
        assert first == again
        assert first != other


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_same_seed_gives_the_same_bytes_in_another_process_with_other_threads(
    planted: Planted, tmp_path: Path, threads: str
) -> None:
    here = run_into(tmp_path / "here", planted)
    there = tmp_path / "there"
    code = (
        "import pickle, sys; from pathlib import Path; from test_training import run_into;"
        "run_into(Path(sys.argv[1]), pickle.loads(bytes.fromhex(sys.argv[2])))"
    )
    paths = [str(Path(__file__).parent), str(Path(attinfo.__file__).parents[1])]
    subprocess.run(
        [sys.executable, "-c", code, str(there), pickle.dumps(planted).hex()],
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join(paths),
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "PYTHONHASHSEED": threads,
        },
        check=True,
    )
    for name in ("model.safetensors", "history.csv"):
        assert (there / name).read_bytes() == (here / name).read_bytes()


def test_a_run_leaves_weights_that_load_its_history_and_its_record(
    planted: Planted, tmp_path: Path
) -> None:
    folder = run_into(tmp_path, planted)
    record = json.loads((folder / "run.json").read_text())
    with (folder / "history.csv").open() as file:
        history = list(csv.DictReader(file))
    weights = load_file(folder / "model.safetensors")
    assert [row["epoch"] for row in history] == ["1", "2"]
    assert record["epochs"] == 2
    assert record["options"]["seed"] == 1
    assert record["code_sha256"] == "none"
    assert record["parameters"] == sum(w.numel() for w in weights.values())
    model = load(
        folder / "model.safetensors",
        Architecture.of(record["options"]["model"]),
        VARIANTS["trained"],
        *planted.sizes,
    )
    assert not model.training
    losses = [float(row["dev_loss"]) for row in history]
    assert evaluate(model, planted.texts("dev"))["loss"] == pytest.approx(min(losses))


def fit(
    planted: Planted, variant: str = "trained", **changes: Any
) -> tuple[Classifier, list[dict[str, float]]]:
    """A model trained with other settings, and its history."""
    weights, history = train(
        planted.texts("train"),
        planted.texts("dev"),
        *planted.sizes,
        architecture=architecture_of(),
        training=TRAINING.model_copy(update=changes),
        variant=VARIANTS[variant],
        seed=1,
    )
    model = Classifier(*planted.sizes, architecture_of(), VARIANTS[variant])
    model.load_state_dict(weights)
    return model, history


# On shuffled labels the dev accuracy goes up and down, so that the best epoch is not the last.


def test_the_epoch_with_the_highest_dev_accuracy_is_kept(planted: Planted) -> None:
    model, history = fit(planted, "label_shuffled", select="accuracy")
    scores = [(row["dev_accuracy"], -row["dev_loss"]) for row in history]
    assert max(scores) > scores[-1]
    found = evaluate(model, shuffled(planted.texts("dev"), 1, "dev"))
    assert (found["accuracy"], -found["loss"]) == pytest.approx(max(scores))


@pytest.mark.parametrize("patience", [1, 3])
def test_training_stops_after_as_many_epochs_without_a_better_one_as_patience_says(
    planted: Planted, patience: int
) -> None:
    _, history = fit(planted, "label_shuffled", patience=patience, epochs=60)
    losses = [row["dev_loss"] for row in history]
    assert len(history) == 1 + losses.index(min(losses)) + patience < 60


def test_evaluation_is_the_mean_over_texts_whatever_the_batches(
    planted: Planted, trained: Callable[..., Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = trained("mlp").model
    whole = evaluate(model, planted.texts("dev"))
    monkeypatch.setattr("attinfo.models.inference.BATCH", 7)
    assert evaluate(model, planted.texts("dev")) == pytest.approx(whole)


@pytest.mark.filterwarnings("ignore")
def test_a_rate_at_which_the_loss_diverges_is_refused_in_one_line(planted: Planted) -> None:
    with pytest.raises(InputError) as raised:
        fit(planted, learning_rate=1e38)
    message = str(raised.value)
    assert message.startswith("training.learning_rate: 1e+38")
    assert "expected" in message and "\n" not in message


def test_a_criterion_that_is_undefined_on_the_dev_split_is_refused_before_training(
    planted: Planted,
) -> None:
    dev = planted.texts("dev")
    one_class = replace(dev, labels=np.zeros_like(dev.labels))
    training = TRAINING.model_copy(update={"epochs": 1, "select": "roc_auc"})
    options = {"architecture": architecture_of(), "training": training, "seed": 1}
    with pytest.raises(InputError, match=r"training\.select: .* one class") as raised:
        train(
            planted.texts("train"),
            one_class,
            *planted.sizes,
            **options,
            variant=VARIANTS["trained"],
        )
    assert "\n" not in str(raised.value)


def test_shuffled_labels_are_the_same_labels_in_another_order_and_texts_stay(
    planted: Planted,
) -> None:
    texts = planted.texts("train")
    one, again, other = (shuffled(texts, seed, "train") for seed in (1, 1, 2))
    assert (np.bincount(one.labels) == np.bincount(texts.labels)).all()
    assert (one.labels != texts.labels).mean() == pytest.approx(0.5, abs=0.1)
    assert (one.labels == again.labels).all() and (one.labels != other.labels).any()
    assert (one.token_ids == texts.token_ids).all() and (one.offsets == texts.offsets).all()


# The planted answer.


def on_top(trained: Trained, planted: Planted, values: np.ndarray) -> np.ndarray:
    """[texts] whether the keyword has the largest value of its text."""
    keyword, offsets = trained.keyword(planted), trained.states.offsets
    pieces = zip(np.split(values, offsets[1:-1]), np.split(keyword, offsets[1:-1]), strict=True)
    return np.array([k[v.argmax()] for v, k in pieces])


def share_of_texts(trained: Trained, planted: Planted, values: np.ndarray) -> float:
    """Share of texts in which the keyword has the largest value."""
    return float(on_top(trained, planted, values).mean())


def shares_of_texts(trained: Trained, planted: Planted, values: np.ndarray) -> list[float]:
    """Share of the texts of each keyword in which it has the largest value."""
    found, labels = on_top(trained, planted, values), trained.states.label
    return [float(found[labels == label].mean()) for label in np.unique(labels)]


def pointwise(states: States, **changes: Any) -> pd.DataFrame:
    return information(states, INFORMATION | changes)[1]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("encoder", ["mlp", "bilstm", "cnn"])
def test_a_model_learns_what_the_keyword_decides(
    trained: Callable[..., Trained], encoder: str, seed: int
) -> None:
    states = trained(encoder, seed=seed).states
    assert (states.predicted == states.label).mean() > 0.97


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_planted_token_has_the_top_attention_and_the_top_information_where_states_see_one_word(
    planted: Planted, trained: Callable[..., Trained], seed: int
) -> None:
    run = trained("mlp", seed=seed)
    # To know whether one keyword is there is to know the class: some models look at one alone.
    assert max(shares_of_texts(run, planted, run.states.score)) > 0.9
    assert share_of_texts(run, planted, pointwise(run.states)["linear_gain"].to_numpy()) > 0.9


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("encoder", ["bilstm", "cnn"])
def test_a_planted_token_has_most_attention_where_states_see_their_context(
    planted: Planted, trained: Callable[..., Trained], encoder: str, seed: int
) -> None:
    # Its neighbours know it too, so the model may look at them: not the top in every text.
    run = trained(encoder, seed=seed)
    keyword = run.keyword(planted)
    assert run.states.attention[keyword].mean() > 3 * run.states.attention[~keyword].mean()
    assert share_of_texts(run, planted, run.states.score) > 2.5 * np.mean(1 / run.states.lengths)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_other_states_of_a_text_know_its_planted_token_in_a_bilstm_and_not_in_an_mlp(
    planted: Planted, trained: Callable[..., Trained], seed: int
) -> None:
    known = {}
    for encoder in ("bilstm", "mlp"):
        run = trained(encoder, seed=seed)
        known[encoder] = pointwise(run.states)["linear_pvi"][~run.keyword(planted)].mean()
    assert known["bilstm"] > 0.25  # of log 2 = 0.69
    assert known["mlp"] < 0.01


# The null control. Its states are functions of the texts, so a word that decides the gold label has
# a different state from other words, although the model never learnt which word decides. The
# information that is lost is what training adds. The states have no information about labels only
# if the labels are independent of the texts.


@pytest.mark.parametrize("encoder", ["bilstm", "cnn"])
def test_a_model_trained_on_shuffled_labels_knows_less_of_the_gold_label(
    trained: Callable[..., Trained], encoder: str
) -> None:
    for seed in (1, 2, 3):
        control = pointwise(trained(encoder, "label_shuffled", seed).states, output="label")
        model = pointwise(trained(encoder, seed=seed).states, output="label")
        assert control["linear_pvi"].mean() < 0.5 * model["linear_pvi"].mean()


@pytest.mark.parametrize("encoder", ["mlp", "bilstm"])
def test_states_hold_no_information_about_labels_drawn_at_random(
    trained: Callable[..., Trained], encoder: str
) -> None:
    above = []
    for seed in (1, 2, 3):
        states = trained(encoder, seed=seed).states
        for draw in range(4):
            label = np.random.default_rng(draw).permutation(states.label)
            known = replace(states, label=label)
            units = information(known, INFORMATION | {"output": "label"})[0]
            above += (units["mi_nats"] > units["floor_upper"]).tolist()
            assert (units["mi_nats"] < 0.1).all()
    # One in twenty is expected; units of a run share its labels, hence the margin.
    assert np.mean(above) < 0.15


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9)])
def test_the_sparse_optimizer_is_torchs_to_the_bit(betas: tuple[float, float]) -> None:
    drawn = torch.Generator().manual_seed(1)
    tables = [torch.nn.Embedding(50, 7, padding_idx=0, sparse=True) for _ in range(2)]
    tables[1].load_state_dict(tables[0].state_dict())
    kinds = SparseAdam, torch.optim.SparseAdam
    optimizers = [
        kind(table.parameters(), lr=0.01, betas=betas)
        for kind, table in zip(kinds, tables, strict=True)
    ]
    for _ in range(20):
        words = torch.randint(0, 50, (4, 6), generator=drawn)
        for table, optimizer in zip(tables, optimizers, strict=True):
            optimizer.zero_grad()
            table(words).sin().square().sum().backward()
            optimizer.step()
        assert torch.equal(tables[0].weight, tables[1].weight)
    ours, theirs = (
        optimizer.state[table.weight] for optimizer, table in zip(optimizers, tables, strict=True)
    )
    assert ours["step"] == theirs["step"]
    assert all(torch.equal(ours[name], theirs[name]) for name in ("exp_avg", "exp_avg_sq"))
