"""What the stages of an audit found about each checkpoint of a model, read from its files."""

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from attinfo.audit.answer import Answer, from_plain


class Checkpoint(NamedTuple):
    """What the stages found about one checkpoint; `model` and `number` name it."""

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
