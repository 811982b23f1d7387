"""The classifier: embed, encode, attend, read. Everything the study trains is here.

token ids [B, T] -> embeddings -> hidden states [B, T, d] -> scores [B, T] -> weights [B, T]
-> context = sum_i weight_i state_i [B, d] -> logits [B, C]
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from safetensors.torch import load_file
import torch
from torch import Tensor, nn

from attinfo.data.batches import Batch
from attinfo.models.architecture import Architecture
from attinfo.models.noise import Noise
from attinfo.models.variant import TRAINED, Variant
from attinfo.runtime.loading import load as load_by_name
from attinfo.runtime.seeds import seed_of

CPU = torch.device("cpu")
IMPOSED = "attinfo.models.imposed:Imposed"  # loaded by the variant that has it alone


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
        architecture: the blocks and the sizes.
        variant: which ablation, if any.
        seed: of the initial weights. Each part draws from a stream of its own, so that two
            cells with the same encoder start from the same encoder.
        teacher: the trained model of the same cell and seed, where the variant needs it.
    """

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        architecture: Architecture,
        variant: Variant = TRAINED,
        seed: int = 0,
        teacher: "Classifier | None" = None,
    ):
        super().__init__()
        width, inputs = architecture.width, architecture.embedding
        encoder, attention = architecture.encoder, architecture.attention

        def part(name: str, build: Callable[[], nn.Module]) -> nn.Module:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed_of("weights", name, seed, *["anew"] * variant.anew))
                return build()

        self.own_features = hasattr(encoder.load(), "embed")
        if self.own_features:
            self.embedding: nn.Module = nn.Identity()  # no weights; the encoder embeds
        else:
            self.embedding = part(
                "embedding", lambda: nn.Embedding(vocabulary, inputs, padding_idx=0)
            )
            with torch.no_grad():  # drawn from N(0, 1), but for padding, which is zero
                self.embedding.weight.mul_(architecture.embedding_std)
        self.encoder = part("encoder", lambda: encoder.load()(inputs, width, **encoder.options))
        self.scorer = part("scorer", lambda: attention.load()(width, **attention.options))
        # The stream is called as the layer was when the first results were made.
        self.output_layer = part("reader", lambda: nn.Linear(width, classes))
        self.dropout = SharedDropout(architecture.dropout)
        normaliser = architecture.normaliser
        self.draws = normaliser.options.get("draws", 0)  # of noise at evaluation
        self.normaliser = partial(
            normaliser.load(), temperature=architecture.temperature, **normaliser.options
        )
        self.uniform = variant.uniform
        for name in variant.inherited:
            if teacher is not None:  # none where trained weights are loaded anyway
                getattr(self, name).load_state_dict(getattr(teacher, name).state_dict())
        for name in variant.frozen:
            getattr(self, name).requires_grad_(False)

    @property
    def device(self) -> torch.device:
        """Where the model is; batches come from anywhere."""
        return self.output_layer.weight.device

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
        return self.output_layer(torch.einsum("bt,btd->bd", attention, hidden))


def build(
    vocabulary: int,
    classes: int,
    architecture: Architecture,
    variant: Variant,
    seed: int = 0,
    teacher: Classifier | None = None,
) -> Classifier:
    """The model of a variant as training finds it; the arguments are those of `Classifier`."""
    if variant.imposed and teacher is not None:
        imposed: type[Classifier] = load_by_name(IMPOSED)
        return imposed(vocabulary, classes, architecture, variant, seed, teacher)
    return Classifier(vocabulary, classes, architecture, variant, seed, teacher)


def load(
    weights: str | Path,
    architecture: Architecture,
    variant: Variant,
    vocabulary: int,
    classes: int,
    teacher: Classifier | None = None,
    device: torch.device = CPU,
) -> Classifier:
    """The trained classifier of a run, in evaluation mode, on a device."""
    model = build(vocabulary, classes, architecture, variant, teacher=teacher)
    model.load_state_dict(load_file(weights))
    return model.eval().to(device)


def load_each(
    weights: Sequence[str | Path],
    teachers: Sequence[str | Path],
    architecture: Architecture,
    variant: Variant,
    sizes: tuple[int, int],
    device: torch.device = CPU,
) -> Iterator[Classifier]:
    """The classifiers of the seeds of a cell, one at a time.

    Args:
        weights: of each seed.
        teachers: weights of the trained model of each seed, empty where the variant needs none.
        architecture: of the cell.
        variant: of the models.
        sizes: numbers of token ids and of classes.
        device: that they run on.
    """
    for path, its in zip(weights, teachers or [None] * len(weights), strict=True):
        teacher = None
        if its:
            teacher = load(its, architecture, TRAINED, *sizes, device=device)
        yield load(path, architecture, variant, *sizes, teacher, device)
