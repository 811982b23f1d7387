"""Encoder of single tokens, without context."""

from torch import Tensor, nn


class MLP(nn.Module):
    """One tanh layer on each token: a state has read its own token only.

    Args:
        inputs: number of features of an embedded token.
        width: number of features of a hidden state, d.
    """

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.linear = nn.Linear(inputs, width)

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        return self.combined(self.per_token(embedded), lengths)

    def per_token(self, embedded: Tensor) -> Tensor:
        """[B, T, d] hidden states of embedded tokens [B, T, inputs]."""
        return self.linear(embedded).tanh()

    def combined(self, values: Tensor, lengths: Tensor) -> Tensor:
        """The same hidden states [B, T, d]: no token reads another."""
        return values
