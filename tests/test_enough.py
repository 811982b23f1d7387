"""Whether a model was trained enough: what the rule says of made-up and of real histories."""

from collections.abc import Sequence
import json
from pathlib import Path
from typing import Any

from conftest import TRAINING, Planted, architecture_of, plain
from hypothesis import given
from hypothesis import strategies as st
import pandas as pd
import pytest

from attinfo.data.texts import read_summary
from attinfo.keys import RUN
from attinfo.training.enough import ENOUGH, SLACK, ending
from attinfo.training.tables import learning_table, training_table
from attinfo.training.train import train_run

LOSSES = st.lists(st.floats(0.01, 2), min_size=1, max_size=30)


def history(losses: Sequence[float], kept: int | None = None) -> list[dict[str, Any]]:
    """A history with these dev losses; without `kept` the epoch with the lowest is kept."""
    kept = 1 + losses.index(min(losses)) if kept is None else kept
    return [
        {"epoch": epoch, "dev_loss": loss, "kept": epoch == kept}
        for epoch, loss in enumerate(losses, 1)
    ]


def enough(losses: Sequence[float], kept: int | None = None, patience: int = 5) -> bool:
    found: bool = ending(history(losses, kept), patience)["trained_enough"]
    return found


@given(LOSSES)
def test_a_model_that_was_stopped_in_the_middle_of_learning_was_not_trained_enough(
    losses: list[float],
) -> None:
    falling = sorted({round(loss, 1) for loss in losses}, reverse=True)
    assert not enough(falling)
    assert not enough([*falling, falling[-1] + 0.1], patience=1)


def test_a_model_whose_best_epoch_comes_before_its_loss_has_settled_was_not_trained_enough() -> (
    None
):
    losses = [0.7, 0.6, 0.5, 0.4, 0.5, 0.6, 0.7]
    assert enough(losses)
    assert enough(losses, kept=6)
    assert not enough(losses, kept=3)


@given(LOSSES, st.integers(ENOUGH, 10))
def test_a_model_that_stops_by_the_dev_loss_with_patience_was_trained_enough(
    losses: list[float], patience: int
) -> None:
    best = 1 + losses.index(min(losses))
    whole = [*losses[:best], *[losses[best - 1] + 1] * patience]
    found = ending(history(whole), patience)
    assert found == {
        "lowest_dev_loss_epoch": best,
        "stopped_by": "patience",
        "trained_enough": True,
    }


@given(LOSSES)
def test_epochs_with_higher_losses_only_show_that_a_model_had_settled(losses: list[float]) -> None:
    kept = 1 + losses.index(min(losses))
    longer = [*losses, max(losses) + 1]
    assert enough(longer, kept) >= enough(losses, kept)
    assert enough([*losses, *[max(losses) + 1] * ENOUGH], kept)


def test_a_loss_that_creeps_down_by_less_than_the_slack_has_settled() -> None:
    creeping = [0.5, 0.02, *(0.019 - SLACK * i / 10 for i in range(8))]
    assert enough(creeping)
    assert not enough([0.5, 0.02, *(0.019 - SLACK * i for i in range(3))])


def test_a_fixed_number_of_epochs_is_judged_by_the_same_rule() -> None:
    """As in Jain & Wallace 2019: eight epochs, the best by another criterion kept."""
    settled = [0.6, 0.5, 0.45, 0.44, 0.46, 0.47, 0.48, 0.5]
    found = ending(history(settled, kept=7), 8)
    assert found["stopped_by"] == "epochs" and found["trained_enough"]
    assert not ending(history(sorted(settled, reverse=True), kept=8), 8)["trained_enough"]


def test_an_untrained_model_has_nothing_to_learn() -> None:
    found = ending([{"epoch": 0, "dev_loss": 0.7, "kept": True}], 5)
    expected = {"lowest_dev_loss_epoch": 0, "stopped_by": "untrained", "trained_enough": True}
    assert found == expected


@pytest.fixture(scope="module")
def models(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Path]:
    """Run -> the folder of its model: one stopped after an epoch, one that had patience."""
    folder, made = tmp_path_factory.mktemp("models"), {}
    settings = {1: {"epochs": 1}, 2: {"epochs": 60, "patience": 4}}
    for seed, changes in settings.items():
        own = made["own", "mlp", "additive", "softmax", "trained", seed] = folder / str(seed)
        train_run(
            texts=(planted.texts("train"), planted.texts("dev")),
            summary=read_summary(planted.folder),
            options={
                "model": plain(architecture_of()),
                "training": TRAINING.model_dump() | changes,
                "variant": {"shuffle_labels": True},
                "seed": seed,
            },
            provenance={},
            outputs={
                "weights": own / "model.safetensors",
                "history": own / "history.csv",
                "run": own / "run.json",
            },
        )
    return made


def test_the_table_of_a_study_says_how_the_training_of_each_run_ended(
    models: dict[Any, Path],
) -> None:
    permuted = ("own", "mlp", "additive", "softmax", "permuted", 2)  # borrows the trained model
    folders = [*models.values(), list(models.values())[1]]
    table = training_table([*models, permuted], [folder / "run.json" for folder in folders])
    assert table[RUN].values.tolist() == [list(run) for run in [*models, permuted]]
    short, patient, borrowed = table.to_dict("records")
    assert (short["stopped_by"], short["trained_enough"]) == ("epochs", False)
    assert (patient["stopped_by"], patient["trained_enough"]) == ("patience", True)
    assert patient["epochs"] == patient["kept"] + 4 < 60
    assert {**borrowed, "variant": "trained"} == patient
    record = json.loads((folders[1] / "run.json").read_text())
    assert patient["dev_loss"] == record["kept"]["dev_loss"]
    assert patient["lowest"] == record["lowest_dev_loss_epoch"]


def test_the_learning_curves_hold_every_epoch_and_mark_the_kept_one(
    models: dict[Any, Path],
) -> None:
    curves = learning_table({run: path / "history.csv" for run, path in models.items()})
    ends = training_table(models, [path / "run.json" for path in models.values()])
    assert curves.groupby(RUN, sort=False).size().tolist() == ends["epochs"].tolist()
    kept = curves[curves["kept"]]
    assert kept["epoch"].tolist() == ends["kept"].tolist()
    pd.testing.assert_series_equal(
        kept["dev_loss"], ends["dev_loss"], check_index=False, check_exact=True
    )
