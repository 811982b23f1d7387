"""Scaled dot-product attention (Vaswani et al. 2017)."""

import math

from torch import Tensor

from attinfo.models.scorers.dot import Dot


class ScaledDot(Dot):
    """q . h / sqrt(d) (Vaswani et al. 2017; Jain & Wallace 2019); see `Dot` for the arguments."""

    def forward(  # noqa: D102
        self, hidden: Tensor, lengths: Tensor, query: Tensor | None = None
    ) -> Tensor:
        return super().forward(hidden, lengths, query) / math.sqrt(hidden.shape[-1])
