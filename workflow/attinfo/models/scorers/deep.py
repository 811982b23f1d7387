"""Deep attention, in our reading of the paper, of which only the abstract was available."""

from itertools import pairwise

from torch import Tensor, nn


class Deep(nn.Module):
    """An MLP on each state with two or more hidden tanh layers and one output, the score.

    Args:
        width: number of features of a hidden state, d.
        layers: number of hidden layers.
        hidden: width of the hidden layers; None for half of `width`.
    """

    def __init__(self, width: int, *, layers: int = 2, hidden: int | None = None):
        super().__init__()
        sizes = [width, *[hidden or width // 2] * layers]
        blocks = [nn.Sequential(nn.Linear(a, b), nn.Tanh()) for a, b in pairwise(sizes)]
        self.mlp = nn.Sequential(*blocks, nn.Linear(sizes[-1], 1, bias=False))

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        return self.mlp(hidden).squeeze(-1)
