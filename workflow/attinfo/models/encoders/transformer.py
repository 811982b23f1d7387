"""Transformer encoder (Vaswani et al. 2017)."""

import math

import torch
from torch import Tensor, nn

from attinfo.runtime.errors import InputError


def positions(length: int, width: int) -> Tensor:
    """Sinusoidal position encodings (Vaswani et al. 2017, section 3.5).

    Args:
        length: number of positions; there is no upper limit.
        width: number of features.

    Returns:
        [length, width] sines in the even columns and cosines in the odd ones.
    """
    frequency = 10_000 ** (-torch.arange(0, width, 2) / width)
    angle = torch.arange(length)[:, None] * frequency
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :width]


class Transformer(nn.Module):
    """Transformer encoder with sinusoidal positions: each state has read the whole text.

    The layers normalise their input (pre-norm, Xiong et al. 2020); otherwise they are those of
    Vaswani et al. 2017.

    Args:
        inputs: number of features of an embedded token.
        width: number of features of a hidden state, d.
        layers: number of layers.
        heads: attention heads of a layer; must divide `width`.
        feedforward: hidden width of the feed-forward layers, as a multiple of `width`.
        dropout: dropout within the layers, in addition to that of the embedded features.

    Raises:
        InputError: `heads` does not divide `width`.
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
        # Not nn.TransformerEncoder, which starts all layers from the same weights.
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
        # Words are multiplied by sqrt(d), as in the paper, so that positions do not dominate.
        width = hidden.shape[-1]
        hidden = hidden * math.sqrt(width) + positions(length, width).to(hidden)
        for layer in self.layers:
            hidden = layer(hidden, src_key_padding_mask=padding)
        return self.norm(hidden)
