"""Sizes of the models: the section `model`."""

from pydantic import (
    PositiveFloat,
    PositiveInt,
)

from attinfo.config.sections.base import Section, described


class Model(Section):
    """Sizes of the models, shared by all cells, so that cells differ in their blocks only."""

    embedding: PositiveInt = described(100, "Features of a word's embedding.", 300)
    embedding_std: PositiveFloat = described(
        0.4, "Standard deviation of the initial embeddings.", 0.1
    )
    vectors: str | None = described(
        None,
        "Word vectors with which the embeddings start: a name under `vectors`, or a file (word2vec "
        "text, GloVe or fastText `.vec`). `embedding` must be their size.",
        "wiki.simple.vec",
    )
    width: int = described(
        64, "Features of a hidden state, d in the formulas.", 128, ge=8, multiple_of=2
    )
    dropout: float = described(
        0.4,
        "Share of the embedded features that training sets to zero; the same features for all"
        " tokens of a text.",
        0.2,
        ge=0,
        lt=1,
    )
