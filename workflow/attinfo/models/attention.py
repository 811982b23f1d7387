"""Attention: hidden states -> scores (a scorer) -> weights (a normaliser).

To add a scorer: a class with `__init__(self, width, *, options=defaults)` and
`forward(hidden [B, T, width], lengths [B]) -> scores [B, T]`, registered in `SCORERS`. To add a
normaliser: a function `(scores, temperature, noise, *, options=defaults) -> weights [B, T]` of
scores [B, T] that are -inf at padding, registered in `NORMALISERS`.
"""

from itertools import pairwise
import math
from typing import Annotated, Literal

import entmax
import torch
from torch import Tensor, nn

from attinfo.models.noise import Noise
from attinfo.option_types import Count, Ge


def last_state(hidden: Tensor, lengths: Tensor) -> Tensor:
    """[B, d] the state of the last real token of each text, of states [B, T, d]."""
    return hidden[torch.arange(len(hidden), device=hidden.device), lengths - 1]


class Additive(nn.Module):
    """v . tanh(W h + b) (Bahdanau et al. 2015), with `query: last` v . tanh(W h + U h_n + b).

    Without a query there is no decoder state, as in Jain & Wallace 2019; with `last` the last
    state h_n of the text stands for it.
    """

    def __init__(self, width: int, *, query: Literal["none", "last"] = "none"):
        super().__init__()
        self.hidden = nn.Linear(width, width // 2)
        self.out = nn.Linear(width // 2, 1, bias=False)
        self.last = nn.Linear(width, width // 2, bias=False) if query == "last" else None

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        features = self.hidden(hidden)
        if self.last is not None:
            features = features + self.last(last_state(hidden, lengths)).unsqueeze(1)
        return self.out(features.tanh()).squeeze(-1)


class Deep(nn.Module):
    """An MLP with two or more hidden tanh layers (our reading of the paper's deep attention).

    `hidden` is the width of the hidden layers, by default half that of the states.
    """

    def __init__(
        self, width: int, *, layers: Annotated[int, Ge(2)] = 2, hidden: Count | None = None
    ):
        super().__init__()
        sizes = [width, *[hidden or width // 2] * layers]
        blocks = [nn.Sequential(nn.Linear(a, b), nn.Tanh()) for a, b in pairwise(sizes)]
        self.mlp = nn.Sequential(*blocks, nn.Linear(sizes[-1], 1, bias=False))

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        return self.mlp(hidden).squeeze(-1)


class Dot(nn.Module):
    """q . h, unscaled, with a learned query q or the last state as q (Luong et al. 2015).

    `query` is `learned`: one vector for all texts, or `last`: h_n, the last state of the text.
    """

    def __init__(self, width: int, *, query: Literal["learned", "last"] = "learned"):
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


class ScaledDot(Dot):
    """q . h / sqrt(d), q learned or the last state (Vaswani et al. 2017; Jain & Wallace 2019)."""

    def forward(self, hidden: Tensor, lengths: Tensor) -> Tensor:  # noqa: D102
        return super().forward(hidden, lengths) / math.sqrt(hidden.shape[-1])


class Multiplicative(Dot):
    """q . W h with a learned query q or the last state as q (Luong et al. 2015, "general")."""

    def __init__(self, width: int, *, query: Literal["learned", "last"] = "learned"):
        super().__init__(width, query=query)
        self.transposed = nn.Linear(width, width, bias=False)

    def asked(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """W^T q: one product a text in place of one a token."""
        return self.transposed(super().asked(hidden, lengths))


SCORERS = {
    "additive": Additive,
    "deep": Deep,
    "scaled_dot": ScaledDot,
    "dot": Dot,
    "multiplicative": Multiplicative,
}


def softmax(scores: Tensor, temperature: float, noise: Noise | None) -> Tensor:
    """Softmax of score / temperature; the temperature is 1 unless set (`softmax@0.5`)."""
    return (scores / temperature).softmax(-1)


def gumbel_softmax(
    scores: Tensor,
    temperature: float,
    noise: Noise | None,
    *,
    hard: bool = False,
    draws: Annotated[int, Ge(0)] = 0,
) -> Tensor:
    """Softmax of (score + Gumbel noise) / temperature in training, without noise at evaluation.

    Jang et al. 2017; Maddison et al. 2017. Padding is -inf before the noise is added, so it stays
    at weight zero. Weights are the mean over the draws that `noise` makes.

    With `hard` all weight goes to the token of the largest noisy score, while the gradient is that
    of the soft weights (straight-through, Bengio et al. 2013). `draws` is for whoever evaluates
    the model, which makes the noise: 0 for none, else how many draws of `evaluation_noise`.
    """
    noisy = scores if noise is None else scores + noise(scores)
    weights = softmax(noisy, temperature, None)
    if hard:
        largest = torch.zeros_like(weights).scatter(-1, noisy.argmax(-1, keepdim=True), 1.0)
        weights = largest + (weights - weights.detach())  # the bracket is exactly zero
    return weights if noise is None else weights.mean(0)


def sparsemax(scores: Tensor, temperature: float, noise: Noise | None) -> Tensor:
    """Sparsemax of score / temperature: weights may be exactly zero (Martins & Astudillo 2016)."""
    return entmax.sparsemax(_finite(scores / temperature), dim=-1)


def entmax15(scores: Tensor, temperature: float, noise: Noise | None) -> Tensor:
    """1.5-entmax of score / temperature: between softmax and sparsemax (Peters et al. 2019)."""
    return entmax.entmax15(_finite(scores / temperature), dim=-1)


def _finite(scores: Tensor) -> Tensor:
    """Scores that give the same weights, but spare entmax the -inf that it squares to NaN.

    A token 1 (sparsemax) or 2 (1.5-entmax) below the largest score has weight and gradient zero
    however far below it is.
    """
    return scores.clamp(min=scores.detach().amax(-1, keepdim=True) - 3)


NORMALISERS = {
    "softmax": softmax,
    "gumbel_softmax": gumbel_softmax,
    "sparsemax": sparsemax,
    "entmax15": entmax15,
}
