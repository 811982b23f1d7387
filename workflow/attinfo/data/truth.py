"""The truth of a planted data set: decisive tokens and information, known by construction."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attinfo.data.texts import read_arrow, read_summary


@dataclass(frozen=True)
class Truth:
    """Which tokens of a split decide the label, and the information in closed form."""

    decisive: np.ndarray  # [tokens] bool, in the order of the store
    alone: float  # nats: information of one decisive word about the label
    text: float  # nats: information of the whole text about the label


def read_truth(folder: str | Path, split: str) -> Truth | None:
    """The truth of one split of a prepared data set; None where it is not known."""
    known = read_summary(folder).get("truth")
    if known is None:
        return None
    decisive = read_arrow(folder, split)["decisive"].combine_chunks().flatten().to_numpy()
    return Truth(decisive.astype(bool), known["alone"], known["text"])
