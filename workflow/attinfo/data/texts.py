"""Reading a prepared data set back."""

from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from attinfo.data.subwords import Pieces


@dataclass(frozen=True)
class Queries:
    """The second texts of a split, ragged as `Texts`."""

    token_ids: np.ndarray  # [tokens] int64
    offsets: np.ndarray  # [texts + 1] int64

    def of(self, chosen: np.ndarray) -> "Queries":
        """The queries of the chosen texts, each as often as it is chosen."""
        lengths = np.diff(self.offsets)[chosen]
        ends = np.cumsum(lengths)
        places = np.arange(ends[-1] if len(ends) else 0)
        begin = np.repeat(self.offsets[chosen] - (ends - lengths), lengths)
        return Queries(self.token_ids[begin + places], np.append(0, ends))


@dataclass(frozen=True)
class Texts:
    """The texts of one split, ragged: token_ids[offsets[i]:offsets[i + 1]] are those of text i."""

    token_ids: np.ndarray  # [tokens] int64
    offsets: np.ndarray  # [texts + 1] int64
    # [texts] int64 classes; or float64 numbers in units of the training texts: their standard
    # deviation from their mean.
    labels: np.ndarray
    # Inputs of a pretrained encoder: subwords where it is fine-tuned, else the features of each
    # token, which do not change.
    pieces: Pieces | None = None
    features: np.ndarray | None = None  # [tokens, F] float32
    queries: Queries | None = None  # the second texts that attention is conditioned on

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> np.ndarray:
        """[texts] number of tokens of each text."""
        return np.diff(self.offsets)


def read_arrow(folder: str | Path, split: str) -> pa.Table:
    """One split of a prepared data set as an Arrow table.

    `datasets` writes a split as Arrow streams. They are read with pyarrow, since importing
    `datasets` costs more than a second a job.
    """
    part = Path(folder) / "texts" / split
    files = json.loads((part / "state.json").read_text("utf-8"))["_data_files"]
    streams = [pa.ipc.open_stream(pa.memory_map(str(part / f["filename"]))) for f in files]
    return pa.concat_tables([stream.read_all() for stream in streams]).combine_chunks()


def read_texts(folder: str | Path, split: str) -> Texts:
    """Token ids and labels of one split of a prepared data set."""
    table = read_arrow(folder, split)
    token_ids, offsets = _ragged(table, "token_ids")
    queries = None
    if "query_token_ids" in table.column_names:
        queries = Queries(*_ragged(table, "query_token_ids"))
    labels = table["label"].to_numpy().astype(np.int64)
    if "value" in table.column_names:
        scale = read_summary(folder)["output"]
        labels = (table["value"].to_numpy() - scale["mean"]) / scale["std"]
    return Texts(token_ids, offsets, labels, queries=queries)


def _ragged(table: pa.Table, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The values [tokens] and the offsets [texts + 1] of a column of lists, int64."""
    lists = table[name].combine_chunks()
    values = lists.flatten().to_numpy().astype(np.int64)
    return values, lists.offsets.to_numpy().astype(np.int64) - lists.offsets[0].as_py()


def read_groups(folder: str | Path, split: str) -> np.ndarray | None:
    """[texts] int64 number of the group of each text of a split; None without groups."""
    table = read_arrow(folder, split)
    return table["group"].to_numpy().astype(np.int64) if "group" in table.column_names else None


def read_rationale(folder: str | Path, split: str) -> np.ndarray | None:
    """[tokens] share of the annotators who marked each token; None without rationales."""
    table = read_arrow(folder, split)
    if "rationale" not in table.column_names:
        return None
    values: np.ndarray = table["rationale"].combine_chunks().flatten().to_numpy()
    return values.astype(np.float64)


def read_summary(folder: str | Path) -> dict[str, Any]:
    """`summary.json` of a prepared data set."""
    summary: dict[str, Any] = json.loads((Path(folder) / "summary.json").read_text("utf-8"))
    return summary
