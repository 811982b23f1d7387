"""Add to `NORMALISERS` in attinfo/blocks/normalisers.py."""

from attinfo.blocks.block import Block

BLOCK = Block(
    name="softplus",
    path="attinfo.models.normalisers.softplus:softplus",
    summary="Weights proportional to the softplus of score / temperature",
)
