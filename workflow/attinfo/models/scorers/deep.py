"""Deep attention, as we understand the abstract of the paper; the paper was not available."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from attinfo.models.scorers.initial import set_scale


class Deep(nn.Module):
    """An MLP on each state with two or more hidden tanh layers and one output, the score.

    `conditioned`, it reads the state and the encoded query of the text side by side, [h; q].

    Args:
        width: number of features of a hidden state, d.
        conditioned: whether `forward` receives the encoded query of each text.
        layers: number of hidden layers.
        hidden: width of the hidden layers; None for half of `width`.
        init: initial scale of the last layer, see `initial.set_scale`.
    """

    def __init__(
        self,
        width: int,
        conditioned: bool = False,
        *,
        layers: int = 2,
        hidden: int | None = None,
        init: str = "unit",
    ):
        super().__init__()
        sizes = [2 * width if conditioned else width, *[hidden or width // 2] * layers]
        blocks = [nn.Sequential(nn.Linear(a, b), nn.Tanh()) for a, b in pairwise(sizes)]
        out = nn.Linear(sizes[-1], 1, bias=False)
        self.mlp = nn.Sequential(*blocks, out)
        set_scale(self, out.weight, width, init, conditioned)

    def forward(  # noqa: D102
        self, hidden: Tensor, lengths: Tensor, query: Tensor | None = None
    ) -> Tensor:
        if query is not None:
            hidden = torch.cat([hidden, query.unsqueeze(1).expand_as(hidden)], dim=-1)
        return self.mlp(hidden).squeeze(-1)
