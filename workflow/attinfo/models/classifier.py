"""The classifier: embed, encode, attend, classify. All parameters of a study are here.

token ids [B, T] -> embeddings [B, T, inputs] -> hidden states [B, T, d] -> scores [B, T]
-> weights [B, T] -> context = sum_i weight_i state_i [B, d] -> logits [B, C]

In a data set with two texts, the scores depend on the query as well: token ids [B, Q] -> embeddings
-> states [B, Q, d] -> mean state [B, d]. Weights and states exist for the tokens of the text only.
With `query_output`, a linear function of the mean state is added to the logits.

B is the number of texts, T the tokens of the longest text, d the width, C the number of classes.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from safetensors.torch import load_file
import torch
from torch import Tensor, nn

from attinfo.blocks.variant import IMPOSED, TRAINED, Variant
from attinfo.data.batches import Batch
from attinfo.models.architecture import Architecture
from attinfo.models.noise import Noise
from attinfo.models.protocols import Normaliser, TextEmbedder
from attinfo.runtime.loading import load as load_by_name
from attinfo.runtime.seeds import seed_of

CPU = torch.device("cpu")
Part = TypeVar("Part", bound=nn.Module)


class Output(NamedTuple):
    """The output of a classifier for a batch. At padding scores are -inf and weights are 0."""

    logits: Tensor  # [B, C]
    hidden: Tensor  # [B, T, d] hidden states
    score: Tensor  # [B, T] attention scores
    attention: Tensor  # [B, T] attention weights

    def cpu(self) -> "Output":
        """The same output in the memory of the processor."""
        return Output(*(tensor.cpu() for tensor in self))


class SharedDropout(nn.Module):
    """Dropout with one mask for all tokens of a text (Gal & Ghahramani 2016).

    One mask per text suits recurrent encoders. It also needs a twentieth of the random numbers of
    a mask per token, which saves a sixth of the time of an epoch.

    Args:
        share: share of the features that are set to zero in training.
    """

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def forward(self, embedded: Tensor) -> Tensor:  # noqa: D102
        if not self.training:
            return embedded
        # Drawn on the processor, so that the stream is the same on every device.
        mask = torch.empty(len(embedded), 1, embedded.shape[2], dtype=embedded.dtype)
        mask.bernoulli_(1 - self.share).div_(1 - self.share)
        return embedded * mask.to(embedded.device)


class Classifier(nn.Module):
    """A text classifier with one attention layer.

    The call signatures of the encoder, the scorer and the normaliser are in `models.protocols`.

    Args:
        vocabulary: number of token ids. Id 0 is padding.
        classes: number of classes, C.
        architecture: the blocks and the sizes.
        variant: the ablation, or the ordinary model.
        seed: seed of the initial weights. Each part draws from a random stream of its own, so
            two cells with the same encoder start from the same encoder weights.
        teacher: the trained model of the same cell and seed, if the variant needs it.
    """

    embedding: nn.Module
    encoder: nn.Module
    scorer: nn.Module
    output_layer: nn.Linear
    normaliser: Normaliser

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

        def part(name: str, build: Callable[[], Part]) -> Part:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed_of("weights", name, seed, *["anew"] * variant.anew))
                return build()

        if hasattr(encoder.load(), "embed"):
            self.embedding = nn.Identity()  # without parameters: the encoder embeds the texts
        else:
            embedding = part("embedding", lambda: nn.Embedding(vocabulary, inputs, padding_idx=0))
            with torch.no_grad():  # drawn from N(0, 1), except padding, which is zero
                embedding.weight.mul_(architecture.embedding_std)
            self.embedding = embedding
        self.encoder = part("encoder", lambda: encoder.load()(inputs, width, **encoder.options))
        given = dict(attention.options)
        self.conditioned = architecture.query is not None
        if self.conditioned:
            given["conditioned"] = True
        if architecture.query == "own":
            self.query_encoder = part(
                "query_encoder", lambda: encoder.load()(inputs, width, **encoder.options)
            )
        self.scorer = part("scorer", lambda: attention.load()(width, **given))
        # The random stream keeps the layer's former name: another name would change the weights.
        self.output_layer = part("reader", lambda: nn.Linear(width, classes))
        self.query_output_layer: nn.Linear | None = None
        if architecture.query_output:
            self.query_output_layer = part(
                "query_output", lambda: nn.Linear(width, classes, bias=False)
            )
        self.dropout = SharedDropout(architecture.dropout)
        normaliser = architecture.normaliser
        self.draws: int = normaliser.options.get("draws", 0)  # draws of noise at evaluation
        self.normaliser = partial(
            normaliser.load(), temperature=architecture.temperature, **normaliser.options
        )
        self.uniform = variant.uniform
        for name in variant.inherited:
            if teacher is not None:  # None if trained weights are loaded afterwards
                getattr(self, name).load_state_dict(getattr(teacher, name).state_dict())
        for name in variant.frozen:
            getattr(self, name).requires_grad_(False)

    @property
    def device(self) -> torch.device:
        """The device of the parameters. Batches may come from any device."""
        return self.output_layer.weight.device

    def forward(
        self, batch: Batch, noise: Noise | None = None, embedded: Tensor | None = None
    ) -> Output:
        """Classify a padded batch of texts.

        Args:
            batch: the texts.
            noise: the source of Gumbel noise, or None for no noise.
            embedded: [B, T, inputs] features to use in place of the embeddings of the batch.
        """
        batch = batch.to(self.device)
        hidden = self.encode(batch, embedded)
        query = self.query_of(batch)
        score, attention = self.attend(batch, hidden, noise, query)
        return Output(self.classify(hidden, attention, query), hidden, score, attention)

    def embed(self, batch: Batch) -> Tensor:
        """[B, T, inputs] features of the tokens, which the encoder reads; zero at padding."""
        if isinstance(self.encoder, TextEmbedder):
            return self.encoder.embed(batch)
        return self.embedding(batch.token_ids)

    def encode(self, batch: Batch, embedded: Tensor | None = None) -> Tensor:
        """[B, T, d] hidden states of a batch.

        Args:
            batch: the texts.
            embedded: [B, T, inputs] features to use in place of the embeddings of the batch.
        """
        embedded = self.embed(batch) if embedded is None else embedded
        return self.encoder(self.dropout(embedded), batch.lengths)

    def query_of(self, batch: Batch) -> Tensor | None:
        """[B, d] the encoded queries of a batch; None where the attention reads no query.

        An encoded query is the mean of the states of its tokens.

        The mean, because not every encoder gathers the whole query in its last state.

        Raises:
            ValueError: the batch has no queries.
        """
        if not self.conditioned:
            return None
        if batch.queries is None or batch.query_lengths is None:
            raise ValueError("found a batch without queries, expected one for each text")
        encoder = getattr(self, "query_encoder", self.encoder)
        lengths = batch.query_lengths
        states = encoder(self.dropout(self.embedding(batch.queries)), lengths)
        real = torch.arange(states.shape[1], device=states.device) < lengths[:, None]
        return (states * real[..., None]).sum(1) / lengths[:, None]

    def attend(
        self, batch: Batch, hidden: Tensor, noise: Noise | None, query: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Attention scores [B, T] and attention weights [B, T] of hidden states [B, T, d].

        Args:
            batch: the texts.
            hidden: [B, T, d] hidden states.
            noise: the source of Gumbel noise, or None for no noise.
            query: of `query_of`.
        """
        lengths = batch.lengths
        real = torch.arange(hidden.shape[1], device=hidden.device) < lengths[:, None]
        # Masked before noise and normaliser, so that padding receives no weight.
        if self.uniform:
            score = torch.zeros_like(hidden[..., 0]).masked_fill(~real, -torch.inf)
            return score, score.softmax(-1)
        given = () if query is None else (query,)
        score = self.scorer(hidden, lengths, *given).masked_fill(~real, -torch.inf)
        return score, self.normaliser(score, noise=noise)

    def classify(self, hidden: Tensor, attention: Tensor, query: Tensor | None = None) -> Tensor:
        """Logits [B, C] from hidden states [B, T, d], attention weights [B, T] and the query.

        With `query_output` a linear function of the encoded query is added, so that the share of
        each token in a logit is exact with and without it.
        """
        logits: Tensor = self.output_layer(torch.einsum("bt,btd->bd", attention, hidden))
        if self.query_output_layer is not None:
            logits = logits + self.query_output_layer(query)
        return logits


def build(
    vocabulary: int,
    classes: int,
    architecture: Architecture,
    variant: Variant,
    seed: int = 0,
    teacher: Classifier | None = None,
) -> Classifier:
    """Make the model of a variant with its initial weights; see `Classifier` for the arguments."""
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
    """Read the trained classifier of a run, in evaluation mode.

    Args:
        weights: the safetensors file of the run.
        architecture: the blocks and the sizes.
        variant: the ablation, or the ordinary model.
        vocabulary: number of token ids.
        classes: number of classes.
        teacher: the trained model of the same cell and seed, if the variant needs it.
        device: the device to put the model on.
    """
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
    """Read the trained classifiers of a cell's seeds, one at a time.

    Args:
        weights: the safetensors file of each seed.
        teachers: the file of the trained model of each seed; empty if the variant needs none.
        architecture: the blocks and the sizes.
        variant: the ablation, or the ordinary model.
        sizes: number of token ids and number of classes.
        device: the device to put the models on.
    """
    for path, teacher_path in zip(weights, teachers or [""] * len(weights), strict=True):
        teacher = None
        if teacher_path:
            teacher = load(teacher_path, architecture, TRAINED, *sizes, device=device)
        yield load(path, architecture, variant, *sizes, teacher, device)
