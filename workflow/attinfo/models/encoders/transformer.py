"""Transformer encoder."""

import math

import torch
from torch import Tensor, nn

from attinfo.runtime.errors import InputError


def positions(length: int, width: int) -> Tensor:
    """[length, width] sines and cosines of each place: none is too far (Vaswani et al. 2017)."""
    frequency = 10_000 ** (-torch.arange(0, width, 2) / width)
    angle = torch.arange(length)[:, None] * frequency
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :width]


class Transformer(nn.Module):
    """Pre-norm Transformer encoder, sinusoidal positions (Vaswani et al. 2017; Xiong et al. 2020).

    `feedforward` is the hidden width of the feed-forward layers as a multiple of `width`;
    `dropout` acts within the layers, beside that of the embedded features.
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        layers: int = 2,
        heads: int = 4,
        feedforward: int = 2,
        dropout: float = 0.1,
    ):
        super().__init__()
        if width % heads:
            raise InputError(
                f"encoders.transformer.heads: found {heads}, "
                f"expected a divisor of the width, which is {width}"
            )
        self.projection = nn.Linear(inputs, width)
        # One by one, as nn.TransformerEncoder starts all layers from the same weights.
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width,
                heads,
                feedforward * width,
                dropout,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        _, length, _ = embedded.shape
        padding = torch.arange(length, device=lengths.device) >= lengths[:, None]
        hidden = self.projection(embedded)
        # Words times sqrt(d), as in the paper, lest their places drown them.
        width = hidden.shape[-1]
        hidden = hidden * math.sqrt(width) + positions(length, width).to(hidden)
        for layer in self.layers:
            hidden = layer(hidden, src_key_padding_mask=padding)
        return self.norm(hidden)
