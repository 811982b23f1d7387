"""The architecture of the models of a cell: its blocks and its sizes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attinfo.runtime.loading import Chosen


@dataclass(frozen=True)
class Architecture:
    """The blocks and the sizes of a classifier.

    Attributes:
        encoder: the encoder and its options.
        attention: the scorer and its options.
        normaliser: the normaliser and its options.
        temperature: temperature of the normaliser, above 0.
        embedding: number of features of a word embedding.
        embedding_std: standard deviation of the initial word embeddings.
        width: number of features of a hidden state, d.
        dropout: share of the embedded features that dropout sets to zero in training.
        query: what encodes the query of a data set with two texts: `own` or `shared`, see
            `sections.Dataset.query_encoder`; None without queries.
        query_output: whether the output layer reads the query too.
    """

    encoder: Chosen
    attention: Chosen
    normaliser: Chosen
    temperature: float
    embedding: int
    embedding_std: float
    width: int
    dropout: float
    query: str | None = None
    query_output: bool = False

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Architecture":
        """Make the architecture from plain values, as a job receives them.

        Args:
            plain: a value for each attribute. A block is a mapping with the keys of `Chosen`.
        """
        blocks = {kind: Chosen.of(plain[kind]) for kind in ("encoder", "attention", "normaliser")}
        return cls(**{**plain, **blocks})
