"""Encoders: embedded tokens -> hidden states h_1..h_n, all of the same width d.

To add one: write a class with `__init__(self, inputs, width, *, options=defaults)` and
`forward(embedded [B, T, inputs], lengths [B]) -> [B, T, width]`, and register it in `ENCODERS`.
What it returns at padding is ignored, but padding must not change the states of real tokens.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class BiLSTM(nn.Module):
    """Bidirectional LSTM: each state has read the whole text (Hochreiter & Schmidhuber 1997)."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.lstm = nn.LSTM(inputs, width // 2, batch_first=True, bidirectional=True)

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        packed = pack_padded_sequence(
            embedded, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = self.lstm(packed)
        return pad_packed_sequence(states, batch_first=True, total_length=embedded.shape[1])[0]


class CNN(nn.Module):
    """Convolutions of several kernel sizes, same length, ReLU: each state has read a window."""

    def __init__(self, inputs: int, width: int, *, kernel_sizes: tuple[int, ...] = (1, 3, 5, 7)):
        super().__init__()
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


ENCODERS = {"bilstm": BiLSTM, "cnn": CNN, "mlp": MLP}
