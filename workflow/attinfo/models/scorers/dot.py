"""Dot-product attention (Luong et al. 2015)."""

import math

import torch
from torch import Tensor, nn

from attinfo.models.scorers.initial import set_scale
from attinfo.models.scorers.query import last_state


class Dot(nn.Module):
    """q . h, not scaled (Luong et al. 2015).

    Args:
        width: number of features of a hidden state, d.
        conditioned: whether q is the encoded query of each text, which `forward` receives.
        query: `learned`: q is one learned vector for all texts; `last`: q is the last state h_n
            of the text.
        init: initial scale of a learned q, see `initial.set_scale`.
    """

    def __init__(
        self, width: int, conditioned: bool = False, *, query: str = "learned", init: str = "unit"
    ):
        super().__init__()
        self.query: nn.Parameter | None = None
        if query == "learned" and not conditioned:
            bound = 1 / math.sqrt(width)
            self.query = nn.Parameter(torch.empty(width).uniform_(-bound, bound))
        self.add_weights(width)
        if self.query is not None:
            set_scale(self, self.query, width, init)

    def add_weights(self, width: int) -> None:
        """Make the weights of a subclass, which are drawn after q and before its scale is set."""

    def query_of(self, hidden: Tensor, lengths: Tensor, given: Tensor | None) -> Tensor:
        """The query: [d], the same for all texts, or [B, d], one for each text."""
        if given is not None:
            return given
        return last_state(hidden, lengths) if self.query is None else self.query

    def forward(  # noqa: D102
        self, hidden: Tensor, lengths: Tensor, query: Tensor | None = None
    ) -> Tensor:
        query = self.query_of(hidden, lengths, query)
        return hidden @ query if query.ndim == 1 else torch.einsum("btd,bd->bt", hidden, query)
