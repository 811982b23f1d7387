"""Deep attention, in our reading of the paper, of which only the abstract was available."""

from itertools import pairwise

from torch import Tensor, nn

from attinfo.models.scorers.initial import set_scale


class Deep(nn.Module):
    """An MLP on each state with two or more hidden tanh layers and one output, the score.

    Args:
        width: number of features of a hidden state, d.
        layers: number of hidden layers.
        hidden: width of the hidden layers; None for half of `width`.
        init: initial scale of the last layer, see `initial.set_scale`.
    """

    def __init__(
        self, width: int, *, layers: int = 2, hidden: int | None = None, init: str = "unit"
    ):
        super().__init__()
        sizes = [width, *[hidden or width // 2] * layers]
        blocks = [nn.Sequential(nn.Linear(a, b), nn.Tanh()) for a, b in pairwise(sizes)]
        out = nn.Linear(sizes[-1], 1, bias=False)
        self.mlp = nn.Sequential(*blocks, out)
        set_scale(self, out.weight, width, init)

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        return self.mlp(hidden).squeeze(-1)
