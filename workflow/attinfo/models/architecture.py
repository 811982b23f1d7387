"""What fixes the architecture of a cell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attinfo.runtime.loading import Chosen


@dataclass(frozen=True)
class Architecture:
    """The blocks of a cell and the sizes of its parts.

    Attributes:
        encoder, attention, normaliser: the blocks.
        temperature: of the normaliser.
        embedding: number of features of an embedding.
        embedding_std: standard deviation of the initial embeddings.
        width: number of features of a hidden state, d.
        dropout: share of the embedded features that dropout sets to zero in training.
    """

    encoder: Chosen
    attention: Chosen
    normaliser: Chosen
    temperature: float
    embedding: int
    embedding_std: float
    width: int
    dropout: float

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Architecture":
        """The architecture of plain values, as a job is given them."""
        blocks = {kind: Chosen.of(plain[kind]) for kind in ("encoder", "attention", "normaliser")}
        return cls(**{**plain, **blocks})
