"""Normalisers: scores [B, T] -> attention weights [B, T] that sum to one in each text.

To add a normaliser, write a function in a file of its own (see `models/normalisers/softmax.py`)
and describe the function here:

    def name(scores: Tensor, temperature: float, noise: Noise | None, *, option: ...) -> Tensor

Scores are -inf at padding, where weights must be 0.
"""

from typing import Annotated

from pydantic import Field

from attinfo.blocks.block import Block, Options, registry
from attinfo.option_types import Ge


class GumbelOptions(Options):
    """Options of `gumbel_softmax`."""

    hard: Annotated[
        bool,
        Field(
            description="The token with the largest noisy score has weight one; gradients are "
            "those of the soft weights."
        ),
    ] = False
    draws: Annotated[
        int, Ge(0), Field(description="Draws of noise that are averaged at evaluation; 0 for none.")
    ] = 0


NORMALISERS = registry(
    Block(
        name="softmax",
        path="attinfo.models.normalisers.softmax:softmax",
        summary="Softmax of score / temperature; the temperature is 1 unless set (`softmax@0.5`)",
    ),
    Block(
        name="gumbel_softmax",
        path="attinfo.models.normalisers.gumbel_softmax:gumbel_softmax",
        label="Gumbel-softmax",
        options=GumbelOptions,
        summary="Softmax of (score + Gumbel noise) / temperature in training, "
        "without noise at evaluation (Jang et al. 2017)",
    ),
    Block(
        name="sparsemax",
        path="attinfo.models.normalisers.sparsemax:sparsemax",
        summary="Sparsemax of score / temperature: weights may be exactly zero "
        "(Martins & Astudillo 2016)",
    ),
    Block(
        name="entmax15",
        path="attinfo.models.normalisers.entmax15:entmax15",
        label="1.5-entmax",
        summary="1.5-entmax of score / temperature: between softmax and sparsemax "
        "(Peters et al. 2019)",
    ),
)


def parse_normaliser(text: str) -> tuple[str, float]:
    """Split the name of a normaliser from its temperature.

    >>> parse_normaliser("gumbel_softmax@0.5"), parse_normaliser("softmax")
    (('gumbel_softmax', 0.5), ('softmax', 1.0))

    Raises:
        ValueError: the temperature is not a number above 0.
    """
    name, at, temperature = text.partition("@")
    try:
        value = float(temperature if at else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"'{text}': the temperature is '{temperature}', expected a number above 0")
    return name, value


def normaliser_name(name: str, temperature: float) -> str:
    """The spelling of a normaliser with its temperature in paths and tables.

    >>> normaliser_name("softmax", 1.0), normaliser_name("softmax", 2.0)
    ('softmax', 'softmax@2')
    """
    return name if temperature == 1 else f"{name}@{repr(temperature).removesuffix('.0')}"
