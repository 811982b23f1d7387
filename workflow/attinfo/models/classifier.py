"""The classifier: embed, encode, attend, read. Everything the study trains is here.

token ids [B, T] -> embeddings -> hidden states [B, T, d] -> scores [B, T] -> weights [B, T]
-> context = sum_i weight_i state_i [B, d] -> logits [B, C]
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import load_file
import torch
from torch import Tensor, nn

from attinfo.models.attention import NORMALISERS, SCORERS
from attinfo.models.encoders import ENCODERS
from attinfo.models.variants import Variant
from attinfo.seeds import seed_of


class Output(NamedTuple):
    """What the model says and what it looked at. Scores are -inf and weights 0 at padding."""

    logits: Tensor  # [B, C]
    hidden: Tensor  # [B, T, d]
    score: Tensor  # [B, T]
    attention: Tensor  # [B, T]


class SharedDropout(nn.Module):
    """Dropout with one mask for all tokens of a text (Gal & Ghahramani 2016).

    Beside its merits for recurrent encoders it draws a twentieth of the random numbers, which is
    a sixth of the time of an epoch.
    """

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def forward(self, embedded: Tensor) -> Tensor:  # noqa: D102
        if not self.training:
            return embedded
        mask = embedded.new_empty(len(embedded), 1, embedded.shape[2])
        return embedded * mask.bernoulli_(1 - self.share).div_(1 - self.share)


class Classifier(nn.Module):
    """A text classifier with one attention layer.

    Args:
        vocabulary: number of token ids; id 0 is padding.
        classes: number of classes C.
        options: `encoder` and `attention` (each a mapping with `name` and its own options),
            `normaliser` (`name`, `temperature`), `embedding`, `embedding_std`, `width`, `dropout`.
        variant: which ablation, if any.
        seed: of the initial weights. Each part draws from a stream of its own, so that two
            cells with the same encoder start from the same encoder.
    """

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        options: Mapping[str, Any],
        variant: Variant,
        seed: int = 0,
    ):
        super().__init__()
        width, inputs = options["width"], options["embedding"]

        def part(name: str, build: Callable[[], nn.Module]) -> nn.Module:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed_of("weights", name, seed))
                return build()

        def block(registry: Mapping[str, Any], name: str, **rest: Any) -> Callable[[], nn.Module]:
            return lambda: registry[name](**rest)

        self.embedding = part("embedding", lambda: nn.Embedding(vocabulary, inputs, padding_idx=0))
        self.encoder = part(
            "encoder", block(ENCODERS, **options["encoder"], inputs=inputs, width=width)
        )
        self.scorer = part("scorer", block(SCORERS, **options["attention"], width=width))
        self.reader = part("reader", lambda: nn.Linear(width, classes))
        self.dropout = SharedDropout(options["dropout"])
        with torch.no_grad():  # drawn from N(0, 1), but for padding, which is zero
            self.embedding.weight.mul_(options["embedding_std"])
        self.normaliser = NORMALISERS[options["normaliser"]["name"]]
        self.temperature = options["normaliser"]["temperature"]
        self.uniform = variant.uniform
        self.scorer.requires_grad_(not variant.freeze_scorer)

    def forward(
        self, token_ids: Tensor, lengths: Tensor, noise: torch.Generator | None = None
    ) -> Output:
        """Read a padded batch: token_ids [B, T], lengths [B] >= 1.

        `noise` is the source of the Gumbel noise, given in training only.
        """
        real = torch.arange(token_ids.shape[1], device=token_ids.device) < lengths[:, None]
        hidden = self.encoder(self.dropout(self.embedding(token_ids)), lengths)
        # Masked before noise and normalising: padding can receive no weight at all.
        score = self.scorer(hidden).masked_fill(~real, -torch.inf)
        if self.uniform:
            score = torch.zeros_like(score).masked_fill(~real, -torch.inf)
            attention = score.softmax(-1)
        else:
            attention = self.normaliser(score, self.temperature, noise)
        return Output(self.read(hidden, attention), hidden, score, attention)

    def read(self, hidden: Tensor, attention: Tensor) -> Tensor:
        """Logits [B, C] of states [B, T, d] under weights [B, T]."""
        return self.reader(torch.einsum("bt,btd->bd", attention, hidden))


def load(
    weights: str | Path,
    options: Mapping[str, Any],
    variant: Variant,
    vocabulary: int,
    classes: int,
) -> Classifier:
    """The trained classifier of a run, in evaluation mode."""
    model = Classifier(vocabulary, classes, options, variant)
    model.load_state_dict(load_file(weights))
    return model.eval()
