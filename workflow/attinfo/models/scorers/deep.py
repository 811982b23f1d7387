"""Deep attention: our reading of the paper's."""

from itertools import pairwise

from torch import Tensor, nn


class Deep(nn.Module):
    """An MLP with two or more hidden tanh layers (our reading of the paper's deep attention).

    `hidden` is the width of the hidden layers, by default half that of the states.
    """

    def __init__(self, width: int, *, layers: int = 2, hidden: int | None = None):
        super().__init__()
        sizes = [width, *[hidden or width // 2] * layers]
        blocks = [nn.Sequential(nn.Linear(a, b), nn.Tanh()) for a, b in pairwise(sizes)]
        self.mlp = nn.Sequential(*blocks, nn.Linear(sizes[-1], 1, bias=False))

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        return self.mlp(hidden).squeeze(-1)
