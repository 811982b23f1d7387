"""The tables of how the models of a study were trained."""

from collections.abc import Iterable, Mapping, Sequence
import json
from pathlib import Path
from typing import Any

import pandas as pd

from attinfo.keys import RUN

LEARNING = ["epoch", "train_loss", "dev_loss", "dev_accuracy", "kept"]


def training_table(runs: Iterable[Sequence[Any]], records: Iterable[str | Path]) -> pd.DataFrame:
    """Make `training.csv`: how the training of each run's model ended.

    Args:
        runs: data set, encoder, attention, normaliser, variant and seed of each run.
        records: the `run.json` of each run's model. A variant without a model of its own has that
            of the trained model.

    Returns:
        A row for each run. `epochs`: the epochs that were done. `kept`: the epoch whose weights
        are kept. `lowest`: the epoch with the lowest dev loss. `dev_loss`, `dev_accuracy`,
        `train_loss`: of the kept epoch, the losses in nats. `stopped_by`, `trained_enough`: see
        `enough.ending`.
    """
    rows = []
    for run, path in zip(runs, records, strict=True):
        record = json.loads(Path(path).read_text("utf-8"))
        kept = record["kept"]
        rows.append(
            dict(zip(RUN, run, strict=True))
            | {
                "epochs": record["epochs"],
                "kept": kept["epoch"],
                "lowest": record["lowest_dev_loss_epoch"],
                **{name: kept.get(name) for name in ("dev_loss", "dev_accuracy", "train_loss")},
                "stopped_by": record["stopped_by"],
                "trained_enough": record["trained_enough"],
            }
        )
    return pd.DataFrame(rows)


def learning_table(histories: Mapping[Sequence[Any], str | Path]) -> pd.DataFrame:
    """Make `learning.csv`: the losses of each model after each epoch.

    Args:
        histories: run -> the `history.csv` of its model.

    Returns:
        A row for each model and epoch: the columns of the run and those of `LEARNING`.
    """
    tables = [
        pd.read_csv(path).reindex(columns=LEARNING).assign(**dict(zip(RUN, run, strict=True)))
        for run, path in histories.items()
    ]
    return pd.concat(tables)[[*RUN, *LEARNING]]
