"""Scaled dot-product attention (Vaswani et al. 2017)."""

import math

from torch import Tensor

from attinfo.models.scorers.dot import Dot


class ScaledDot(Dot):
    """q . h / sqrt(d) (Vaswani et al. 2017; Jain & Wallace 2019); see `Dot` for the arguments."""

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        return super().forward(hidden, lengths) / math.sqrt(hidden.shape[-1])
