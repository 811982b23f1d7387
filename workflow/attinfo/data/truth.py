"""What is known by construction of a planted data set."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attinfo.data.texts import read_arrow, read_summary


@dataclass(frozen=True)
class Truth:
    """Which tokens of a split decide the label, and the information in closed form."""

    decisive: np.ndarray  # [tokens] bool, in the order of the store
    alone: float  # nats that a decisive word tells about the label by itself
    text: float  # nats that the whole text tells


def read_truth(folder: str | Path, split: str) -> Truth | None:
    """The truth of one split of a prepared data set; None where it is not known."""
    known = read_summary(folder).get("truth")
    if known is None:
        return None
    decisive = read_arrow(folder, split)["decisive"].combine_chunks().flatten().to_numpy()
    return Truth(decisive.astype(bool), known["alone"], known["text"])
