"""The table of scores of a study: attention, information and importance of every token.

Other tools can read this table. It has the columns that `data.scores` reads, and a study that reads
the table gets exactly the same values.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from attinfo.data.scores import Places
from attinfo.keys import GIVEN, HALF, PLACE
from attinfo.states.store import read_states

SCHEMA = pa.schema(
    [
        ("run", pa.dictionary(pa.int32(), pa.string())),
        ("text", pa.int32()),
        ("token", pa.int32()),
        ("word", pa.string()),
        ("name", pa.dictionary(pa.int32(), pa.string())),
        ("value", pa.float64()),
        ("seconds", pa.float64()),
    ]
)


class Files(NamedTuple):
    """The files of a run with values for the tokens of the test texts."""

    run: str  # the path of the run
    states: str | Path
    importance: str | Path
    seconds: str | Path
    pointwise: Sequence[str | Path]


def exported(files: Files, places: Places) -> Iterator[pd.DataFrame]:
    """The scores of a run: a table for each measure, with the columns of `SCHEMA`.

    The measures are the attention weights, the importance measures with their signs, and the
    information of each token by each estimator. Tokens without a value have no row: those of texts
    for which a costly measure was not computed. Scores that were read from a table are left out.

    Args:
        files: of the run.
        places: of the test split.
    """
    states = read_states(files.states)
    seconds = pd.read_csv(files.seconds).set_index("measure")["seconds"]
    values: dict[str, np.ndarray] = {"attention": states.attention}
    importance = pd.read_parquet(files.importance)
    values |= {name: importance[name].to_numpy() for name in importance.columns.drop(PLACE)}
    for path in files.pointwise:
        table = pd.read_parquet(path)
        values |= {
            name: table[name].to_numpy()
            for name in table.columns.drop(["text", "token", "attention"])
            if HALF not in name and not name.endswith(("_position", "_rank"))
        }
    words = places.words
    for name, own in values.items():
        if name.startswith(GIVEN):
            continue
        known = np.isfinite(own)
        yield pd.DataFrame(
            {
                "run": files.run,
                "text": states.text[known].astype(np.int32),
                "token": states.position[known].astype(np.int32),
                "word": words[known],
                "name": name,
                "value": own[known].astype(np.float64),
                "seconds": float(seconds.get(name, np.nan)),
            }
        )


def write_scores(path: str | Path, runs: Sequence[Files], data: str | Path) -> None:
    """Write the scores of several runs on one data set as Parquet, a run at a time.

    Args:
        path: the file.
        runs: the files of each run.
        data: folder of the prepared data set.
    """
    places = Places.of(data)
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for files in runs:
            for table in exported(files, places):
                writer.write_table(pa.Table.from_pandas(table, SCHEMA, preserve_index=False))
