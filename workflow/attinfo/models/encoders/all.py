"""Encoders: embedded tokens -> hidden states h_1..h_n, all of the same width d.

To add one: write a class with `__init__(self, inputs, width, *, options=defaults)` and
`forward(embedded [B, T, inputs], lengths [B]) -> [B, T, width]`, and register it in `ENCODERS`.
What it returns at padding is ignored, but padding must not change the states of real tokens.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from attinfo.models.encoders.pretrained import Pretrained
from attinfo.option_types import Count, Share
from attinfo.runtime.errors import InputError


def turned(states: Tensor, lengths: Tensor) -> Tensor:
    """States [B, T, d] of texts of these lengths [B] from the last to the first, then padding."""
    count, longest, _ = states.shape
    place = torch.arange(longest, device=states.device)
    last = lengths.to(states.device)[:, None] - 1
    row = longest * torch.arange(count, device=states.device)[:, None]
    chosen = row + torch.where(place <= last, last - place, place)
    return states.flatten(0, 1).index_select(0, chosen.flatten()).view_as(states)


class Recurrent(nn.Module):
    """What recurrent encoders share: a network that reads texts, and one that reads them backwards.

    Padding comes last either way, so no state of a token has read it. (Packed sequences would do
    as well, in twice the time.)
    """

    network: ClassVar[type[nn.RNNBase]]
    directions: ClassVar[int] = 1

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.networks = nn.ModuleList(
            self.network(inputs, width // self.directions, batch_first=True)
            for _ in range(self.directions)
        )

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        onwards, *backwards = self.networks
        states = [onwards(embedded)[0]]
        for network in backwards:
            states.append(turned(network(turned(embedded, lengths))[0], lengths))
        return torch.cat(states, dim=-1)


class BiLSTM(Recurrent):
    """Bidirectional LSTM: each state has read the whole text (Hochreiter & Schmidhuber 1997)."""

    network, directions = nn.LSTM, 2


class LSTM(Recurrent):
    """LSTM: each state has read its text up to its own word (Hochreiter & Schmidhuber 1997)."""

    network = nn.LSTM


class BiGRU(Recurrent):
    """Bidirectional GRU: each state has read the whole text (Cho et al. 2014)."""

    network, directions = nn.GRU, 2


class GRU(Recurrent):
    """GRU: each state has read its text up to its own word (Cho et al. 2014)."""

    network = nn.GRU


class CNN(nn.Module):
    """Convolutions of several kernel sizes, same length, ReLU: each state has read a window."""

    def __init__(self, inputs: int, width: int, *, kernel_sizes: tuple[Count, ...] = (1, 3, 5, 7)):
        super().__init__()
        if not 1 <= len(kernel_sizes) <= width:
            raise InputError(
                f"encoders.cnn.kernel_sizes: found {len(kernel_sizes)} sizes, "
                f"expected 1 to {width}, as the width is {width}"
            )
        share, rest = divmod(width, len(kernel_sizes))
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs, share + (i < rest), size, padding="same")
            for i, size in enumerate(kernel_sizes)
        )

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        # Embeddings at padding are zero, as beyond the edge of a text without padding.
        channels = embedded.transpose(1, 2)
        return torch.cat([c(channels) for c in self.convolutions], dim=1).transpose(1, 2).relu()


class MLP(nn.Module):
    """One tanh layer on each token alone: a state has read its own word, no context."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.linear = nn.Linear(inputs, width)

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        return self.linear(embedded).tanh()


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
        layers: Count = 2,
        heads: Count = 4,
        feedforward: Count = 2,
        dropout: Share = 0.1,
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


ENCODERS = {
    "bilstm": BiLSTM,
    "lstm": LSTM,
    "bigru": BiGRU,
    "gru": GRU,
    "cnn": CNN,
    "mlp": MLP,
    "transformer": Transformer,
    "pretrained": Pretrained,
}
