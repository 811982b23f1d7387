"""Add to `MEASURES` in attinfo/blocks/measures.py.

A signed measure is compared with attention by its absolute value.
"""

from attinfo.blocks.measures import Measure

BLOCK = Measure(
    name="above_uniform",
    path="attinfo.explain.measures.above_uniform:above_uniform",
    label="weight above uniform",
    signed=True,
    summary="Weight of the token less the weight of uniform attention",
)
