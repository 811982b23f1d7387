"""The classifier: embed, encode, attend, read. Everything the study trains is here.

token ids [B, T] -> embeddings -> hidden states [B, T, d] -> scores [B, T] -> weights [B, T]
-> context = sum_i weight_i state_i [B, d] -> logits [B, C]
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import load_file
import torch
from torch import Tensor, nn

from attinfo.config.variants import VARIANTS, Variant
from attinfo.data.batches import Batch
from attinfo.models.attention import NORMALISERS, SCORERS
from attinfo.models.encoders.all import ENCODERS
from attinfo.models.noise import Noise
from attinfo.runtime.seeds import seed_of

CPU = torch.device("cpu")


class Output(NamedTuple):
    """What the model says and what it looked at. Scores are -inf and weights 0 at padding."""

    logits: Tensor  # [B, C]
    hidden: Tensor  # [B, T, d]
    score: Tensor  # [B, T]
    attention: Tensor  # [B, T]

    def cpu(self) -> "Output":
        """The same on the processor."""
        return Output(*(part.cpu() for part in self))


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
        # Drawn on the processor: the same stream whatever the device.
        mask = torch.empty(len(embedded), 1, embedded.shape[2], dtype=embedded.dtype)
        mask.bernoulli_(1 - self.share).div_(1 - self.share)
        return embedded * mask.to(embedded.device)


class Classifier(nn.Module):
    """A text classifier with one attention layer.

    Args:
        vocabulary: number of token ids; id 0 is padding.
        classes: number of classes C.
        options: `encoder` and `attention` (each a mapping with `name` and its own options),
            `normaliser` (`name`, `temperature` and its own options), `embedding`,
            `embedding_std`, `width`, `dropout`.
        variant: which ablation, if any.
        seed: of the initial weights. Each part draws from a stream of its own, so that two
            cells with the same encoder start from the same encoder.
        teacher: the trained model of the same cell and seed, where the variant needs it.
    """

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        options: Mapping[str, Any],
        variant: Variant,
        seed: int = 0,
        teacher: "Classifier | None" = None,
    ):
        super().__init__()
        width, inputs = options["width"], options["embedding"]

        def part(name: str, build: Callable[[], nn.Module]) -> nn.Module:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed_of("weights", name, seed, *["anew"] * variant.anew))
                return build()

        def block(registry: Mapping[str, Any], name: str, **rest: Any) -> Callable[[], nn.Module]:
            return lambda: registry[name](**rest)

        self.own_features = getattr(ENCODERS[options["encoder"]["name"]], "reads_pieces", False)
        if self.own_features:
            self.embedding: nn.Module = nn.Identity()  # no weights; the encoder embeds
        else:
            self.embedding = part(
                "embedding", lambda: nn.Embedding(vocabulary, inputs, padding_idx=0)
            )
            with torch.no_grad():  # drawn from N(0, 1), but for padding, which is zero
                self.embedding.weight.mul_(options["embedding_std"])
        self.encoder = part(
            "encoder", block(ENCODERS, **options["encoder"], inputs=inputs, width=width)
        )
        self.scorer = part("scorer", block(SCORERS, **options["attention"], width=width))
        self.reader = part("reader", lambda: nn.Linear(width, classes))
        self.dropout = SharedDropout(options["dropout"])
        normaliser = dict(options["normaliser"])
        self.draws = normaliser.get("draws", 0)  # of noise at evaluation
        self.normaliser = partial(NORMALISERS[normaliser.pop("name")], **normaliser)
        self.uniform = variant.uniform
        for name in variant.inherited:
            if teacher is not None:  # none where trained weights are loaded anyway
                getattr(self, name).load_state_dict(getattr(teacher, name).state_dict())
        for name in variant.frozen:
            getattr(self, name).requires_grad_(False)

    @property
    def device(self) -> torch.device:
        """Where the model is; batches come from anywhere."""
        return self.reader.weight.device

    def forward(
        self, batch: Batch, noise: Noise | None = None, embedded: Tensor | None = None
    ) -> Output:
        """Read a padded batch.

        Args:
            batch: the texts.
            noise: the source of the Gumbel noise, none for none.
            embedded: [B, T, inputs] in place of the embeddings of the batch.
        """
        batch = batch.to(self.device)
        hidden = self.encode(batch, embedded)
        score, attention = self.attend(batch, hidden, noise)
        return Output(self.read(hidden, attention), hidden, score, attention)

    def embed(self, batch: Batch) -> Tensor:
        """[B, T, inputs] what the encoder reads of each token; zero at padding."""
        return self.encoder.embed(batch) if self.own_features else self.embedding(batch.token_ids)

    def encode(self, batch: Batch, embedded: Tensor | None = None) -> Tensor:
        """Hidden states [B, T, d], of the batch or of what stands in place of its embeddings."""
        embedded = self.embed(batch) if embedded is None else embedded
        return self.encoder(self.dropout(embedded), batch.lengths)

    def attend(self, batch: Batch, hidden: Tensor, noise: Noise | None) -> tuple[Tensor, Tensor]:
        """Scores and weights [B, T] of hidden states."""
        lengths = batch.lengths
        real = torch.arange(hidden.shape[1], device=hidden.device) < lengths[:, None]
        # Masked before noise and normalising: padding can receive no weight at all.
        if self.uniform:
            score = torch.zeros_like(hidden[..., 0]).masked_fill(~real, -torch.inf)
            return score, score.softmax(-1)
        score = self.scorer(hidden, lengths).masked_fill(~real, -torch.inf)
        return score, self.normaliser(score, noise=noise)

    def read(self, hidden: Tensor, attention: Tensor) -> Tensor:
        """Logits [B, C] of states [B, T, d] under weights [B, T]."""
        return self.reader(torch.einsum("bt,btd->bd", attention, hidden))


class Imposed(Classifier):
    """A model of single words that weighs them as another model does (Wiegreffe & Pinter 2019).

    Its encoder is the per-token `mlp`, with an embedding of its own; scores and weights are the
    teacher's, which runs without noise and does not learn.
    """

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        options: Mapping[str, Any],
        variant: Variant,
        seed: int,
        teacher: Classifier,
    ):
        super().__init__(
            vocabulary, classes, {**options, "encoder": {"name": "mlp"}}, variant, seed
        )
        self.teacher = (teacher.eval().requires_grad_(False),)  # a tuple: it is no part of this

    def attend(self, batch: Batch, hidden: Tensor, noise: Noise | None) -> tuple[Tensor, Tensor]:
        """Scores and weights [B, T] of the teacher."""
        with torch.no_grad():
            output = self.teacher[0](batch)
        return output.score, output.attention


def build(
    vocabulary: int,
    classes: int,
    options: Mapping[str, Any],
    variant: Variant,
    seed: int = 0,
    teacher: Classifier | None = None,
) -> Classifier:
    """The model of a variant as training finds it; the arguments are those of `Classifier`."""
    if variant.imposed and teacher is not None:
        return Imposed(vocabulary, classes, options, variant, seed, teacher)
    return Classifier(vocabulary, classes, options, variant, seed, teacher)


def load(
    weights: str | Path,
    options: Mapping[str, Any],
    variant: Variant,
    vocabulary: int,
    classes: int,
    teacher: Classifier | None = None,
    device: torch.device = CPU,
) -> Classifier:
    """The trained classifier of a run, in evaluation mode, on a device."""
    model = build(vocabulary, classes, options, variant, teacher=teacher)
    model.load_state_dict(load_file(weights))
    return model.eval().to(device)


def load_each(
    weights: Sequence[str | Path],
    teachers: Sequence[str | Path],
    options: Mapping[str, Any],
    variant: Variant,
    sizes: tuple[int, int],
    device: torch.device = CPU,
) -> Iterator[Classifier]:
    """The classifiers of the seeds of a cell, one at a time.

    Args:
        weights: of each seed.
        teachers: weights of the trained model of each seed, empty where the variant needs none.
        options: as of `Classifier`.
        variant: of the models.
        sizes: numbers of token ids and of classes.
        device: that they run on.
    """
    for path, its in zip(weights, teachers or [None] * len(weights), strict=True):
        teacher = None
        if its:
            teacher = load(its, options, VARIANTS["trained"], *sizes, device=device)
        yield load(path, options, variant, *sizes, teacher, device)
