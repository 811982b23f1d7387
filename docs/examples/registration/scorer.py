"""Add to `SCORERS` in attinfo/blocks/scorers.py."""

from typing import Annotated

from pydantic import Field

from attinfo.blocks.block import Block, Options
from attinfo.option_types import Count


class GatedOptions(Options):
    """Options of `gated`."""

    features: Annotated[Count, Field(description="Features of the hidden layer.")] = 32


BLOCK = Block(
    name="gated",
    path="attinfo.models.scorers.gated:Gated",
    label="Gated",
    options=GatedOptions,
    summary="v . (tanh(W h) * sigmoid(U h)) (Ilse et al. 2018)",
)
