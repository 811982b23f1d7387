"""Encoder of each token alone."""

from torch import Tensor, nn


class MLP(nn.Module):
    """One tanh layer on each token alone: a state has read its own word, no context."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.linear = nn.Linear(inputs, width)

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        return self.linear(embedded).tanh()
