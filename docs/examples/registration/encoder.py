"""Add to `ENCODERS` in attinfo/blocks/encoders.py."""

from attinfo.blocks.encoders import Encoder

BLOCK = Encoder(
    name="bigram",
    path="attinfo.models.encoders.bigram:Bigram",
    label="Bigram",
    summary="One tanh layer on each token and the token before it",
)
