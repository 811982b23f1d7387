"""A scorer: gated attention, v . (tanh(W h) * sigmoid(U h)) (Ilse et al. 2018)."""

import torch
from torch import Tensor, nn


class Gated(nn.Module):
    """v . (tanh(W h) * sigmoid(U h)): an additive scorer with a gate for each feature.

    Args:
        width: features of a hidden state.
        features: features of the hidden layer.
    """

    def __init__(self, width: int, *, features: int = 32):
        super().__init__()
        self.value = nn.Linear(width, features)
        self.gate = nn.Linear(width, features)
        self.out = nn.Linear(features, 1, bias=False)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """Score states [B, T, width] of texts of `lengths` [B]; returns scores [B, T]."""
        return self.out(self.value(hidden).tanh() * self.gate(hidden).sigmoid()).squeeze(-1)


if __name__ == "__main__":
    torch.manual_seed(0)
    scorer = Gated(width=8)
    states = torch.randn(2, 5, 8)  # two texts of at most five tokens
    print(scorer(states, torch.tensor([5, 3])).softmax(-1))
