"""Dot-product attention (Luong et al. 2015)."""

import torch
from torch import Tensor, nn

from attinfo.models.scorers.query import last_state


class Dot(nn.Module):
    """q . h, unscaled, with a learned query q or the last state as q (Luong et al. 2015).

    `query` is `learned`: one vector for all texts, or `last`: h_n, the last state of the text.
    """

    def __init__(self, width: int, *, query: str = "learned"):
        super().__init__()
        self.query = nn.Parameter(torch.empty(width)) if query == "learned" else None
        if self.query is not None:
            nn.init.normal_(self.query)

    def asked(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """The query: [d] for all texts, or [B, d] one for each."""
        return last_state(hidden, lengths) if self.query is None else self.query

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        query = self.asked(hidden, lengths)
        return hidden @ query if query.ndim == 1 else torch.einsum("btd,bd->bt", hidden, query)
