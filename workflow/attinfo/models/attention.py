"""Attention: hidden states -> scores (a scorer) -> weights (a normaliser).

To add a scorer: a class with `__init__(self, width, *, options=defaults)` and
`forward(hidden [B, T, width]) -> scores [B, T]`, registered in `SCORERS`. To add a normaliser: a
function of (scores with -inf at padding, temperature, noise), registered in `NORMALISERS`.
"""

from itertools import pairwise
import math

import torch
from torch import Tensor, nn

from attinfo.errors import InputError


class Additive(nn.Module):
    """v . tanh(W h + b) (Bahdanau et al. 2015, without the decoder state)."""

    def __init__(self, width: int):
        super().__init__()
        self.hidden = nn.Linear(width, width // 2)
        self.out = nn.Linear(width // 2, 1, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:  # noqa: D102
        return self.out(self.hidden(hidden).tanh()).squeeze(-1)


class Deep(nn.Module):
    """An MLP with two or more hidden tanh layers (our reading of the paper's deep attention)."""

    def __init__(self, width: int, *, layers: int = 2):
        super().__init__()
        if layers < 2:
            raise InputError(f"attentions.deep.layers: found {layers}, expected 2 or more")
        sizes = [width, *[width // 2] * layers]
        blocks = [nn.Sequential(nn.Linear(a, b), nn.Tanh()) for a, b in pairwise(sizes)]
        self.mlp = nn.Sequential(*blocks, nn.Linear(sizes[-1], 1, bias=False))

    def forward(self, hidden: Tensor) -> Tensor:  # noqa: D102
        return self.mlp(hidden).squeeze(-1)


class ScaledDot(nn.Module):
    """q . h / sqrt(d) with a learned query q (Vaswani et al. 2017; Jain & Wallace 2019, "dot")."""

    def __init__(self, width: int):
        super().__init__()
        self.query = nn.Parameter(torch.empty(width))
        nn.init.normal_(self.query)

    def forward(self, hidden: Tensor) -> Tensor:  # noqa: D102
        return hidden @ self.query / math.sqrt(hidden.shape[-1])


SCORERS = {"additive": Additive, "deep": Deep, "scaled_dot": ScaledDot}


def softmax(scores: Tensor, temperature: float, noise: torch.Generator | None) -> Tensor:
    """Softmax of score / temperature; the temperature is 1 unless set (`softmax@0.5`)."""
    return (scores / temperature).softmax(-1)


def gumbel_softmax(scores: Tensor, temperature: float, noise: torch.Generator | None) -> Tensor:
    """Softmax of (score + Gumbel noise) / temperature in training, without noise at evaluation.

    Jang et al. 2017; Maddison et al. 2017. Padding is -inf before the noise is added, so it stays
    at weight zero.
    """
    if noise is not None:
        exponential = torch.empty_like(scores).exponential_(generator=noise)
        scores = scores - exponential.log()
    return softmax(scores, temperature, None)


NORMALISERS = {"softmax": softmax, "gumbel_softmax": gumbel_softmax}
