"""Bounds of normalised AOPC, compared with those of the package `aopc` on small texts.

AOPC is the area over the perturbation curve: the mean fall of a class probability while tokens are
removed in some order. Its bounds are the largest and the smallest value over all orders. The
package `aopc` tries every order. This package runs a beam search, here wide enough to be exact. The
model is a bag-of-words classifier with random weights.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from aopc.methods import get_exact_bounds
import numpy as np
import torch
from torch import nn

from attinfo.explain.beam import bounds
from benchmarks.timing import interleaved, measure

VOCABULARY, MASK, NONE = 50, 1, -1  # word ids start at 2


class _Classifier(nn.Module):
    """A classifier of the mean word vector with four tanh units, so that tokens interact."""

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(1)
        self.words = torch.randn(VOCABULARY, 8, generator=draw)
        self.words[MASK] = 0
        self.inward = 3 * torch.randn(8, 4, generator=draw)
        self.outward = 2 * torch.randn(4, 2, generator=draw)

    def forward(self, tokens: torch.Tensor) -> SimpleNamespace:
        """An object with the attribute `logits` [B, 2], of token ids [B, T]."""
        hidden = (self.words[tokens].mean(1) @ self.inward).tanh()
        return SimpleNamespace(logits=hidden @ self.outward)


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """A row for each text, with the larger difference of the two bounds between both programs."""
    model, rng = _Classifier(), np.random.default_rng(1)
    for tokens in (4, 5) if quick else (4, 5, 6, 7):
        text = torch.from_numpy(rng.integers(2, VOCABULARY, tokens))[None]
        full = model(text).logits.softmax(1)[0]
        label = int(full.argmax())

        def fall(
            _: np.ndarray,
            top: np.ndarray,
            text: torch.Tensor = text,
            label: int = label,
            full: torch.Tensor = full,
        ) -> np.ndarray:
            masked = text.expand(len(top), -1).masked_fill(torch.from_numpy(top), MASK)
            return (full[label] - model(masked).logits.softmax(1)[:, label]).double().numpy()

        def ours(fall: Any = fall, tokens: int = tokens) -> np.ndarray:
            sizes = np.arange(1, tokens + 1)[None]
            return bounds(fall, sizes, np.array([tokens]), 2**tokens)[0]

        def theirs(text: torch.Tensor = text, label: int = label) -> np.ndarray:
            return np.array(get_exact_bounds(model, "cpu", text, label, NONE, NONE, MASK, 0, None))

        theirs()  # warm
        seconds, gave = interleaved({"ours": ours, "theirs": theirs})
        apart = float(np.abs(gave["ours"] - gave["theirs"]).max())
        about = "erasure", "bounds of AOPC", "aopc, all orders", f"{tokens} tokens"
        times = seconds["ours"], seconds["theirs"]
        yield measure(*about, *times, difference=apart, tolerance=1e-5)
