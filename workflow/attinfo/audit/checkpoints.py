"""The results of an audit for each checkpoint of a model, read from its files."""

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from attinfo.audit.answer import Answer, from_plain


class Checkpoint(NamedTuple):
    """The results for one checkpoint of a model.

    Attributes:
        model, number: name of the model and number of the checkpoint.
        answers: one for each view, the quoted one first.
        numbers: the content of `answer.json`.
        tables: the tables `TABLES` by name.
        texts: a row for each text, see `stages.text_table`.
        strips: texts word by word, see `results.strips`.
    """

    model: str
    number: int
    answers: list[Answer]
    numbers: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    texts: pd.DataFrame
    strips: list[dict[str, Any]]


TABLES = ("agreement", "columns", "measures", "removal", "gaps", "plausibility", "information")


def read_checkpoints(folders: Sequence[str | Path]) -> list[Checkpoint]:
    """Read the results of checkpoints, whose folders are `<model>/<number>`."""
    found = []
    for folder in map(Path, folders):
        content = json.loads((folder / "answer.json").read_text("utf-8"))
        found.append(
            Checkpoint(
                folder.parent.name,
                int(folder.name),
                from_plain(content["answers"]),
                content,
                {name: pd.read_csv(folder / f"{name}.csv") for name in TABLES},
                pd.read_parquet(folder / "texts.parquet"),
                json.loads((folder / "strips.json").read_text("utf-8")),
            )
        )
    return found
