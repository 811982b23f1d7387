"""The call signatures of the blocks that a classifier is made of.

B is the number of texts of a batch, T its longest text in tokens, d the width of a hidden state.
"""

from typing import Protocol, TypeGuard, runtime_checkable

from torch import Tensor

from attinfo.data.batches import Batch
from attinfo.models.noise import Noise


class Encoder(Protocol):
    """Embedded tokens to hidden states."""

    def __call__(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """Encode a batch.

        Args:
            embedded: [B, T, inputs], zero at padding.
            lengths: [B] number of tokens of each text.

        Returns:
            [B, T, d] hidden states. Values at padding are ignored. Padding must not change the
            states of tokens.
        """
        ...


@runtime_checkable
class TextEmbedder(Protocol):
    """An encoder that embeds the texts itself, in place of the classifier's word embeddings."""

    def embed(self, batch: Batch) -> Tensor:
        """[B, T, inputs] features of the tokens of a batch, zero at padding."""
        ...


class PerToken(Protocol):
    """An encoder with a first part that reads each token alone.

    The values of this part are the same in the whole text and in a shortened one, so erasure
    computes them once. `combined(per_token(embedded), lengths)` is the call of the encoder.
    """

    def per_token(self, embedded: Tensor) -> Tensor:
        """[B, T, F] values of the tokens from their embeddings [B, T, inputs]."""
        ...

    def combined(self, values: Tensor, lengths: Tensor) -> Tensor:
        """[B, T, d] hidden states from the values [B, T, F] of the tokens, zero at padding."""
        ...


def reads_tokens_alone(encoder: object) -> TypeGuard[PerToken]:
    """Whether the class of an encoder is itself a `PerToken`.

    A subclass that only changes `forward` is not, as its inherited parts would not add up to it.
    """
    return "per_token" in vars(type(encoder))


class Scorer(Protocol):
    """Hidden states to attention scores."""

    def __call__(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """Score the tokens of a batch.

        Args:
            hidden: [B, T, d] hidden states.
            lengths: [B] number of tokens of each text.

        Returns:
            [B, T] scores. The classifier replaces those at padding by -inf.

        A scorer with `takes_query` can be made with `conditioned=True`. It is then called with a
        third argument, the encoded query [B, d] of each text.
        """
        ...


class Normaliser(Protocol):
    """Attention scores to attention weights, with temperature and options already set."""

    def __call__(self, scores: Tensor, *, noise: Noise | None) -> Tensor:
        """Normalise the scores of each text.

        Args:
            scores: [B, T], -inf at padding.
            noise: the source of Gumbel noise, or None for no noise.

        Returns:
            [B, T] weights that sum to one over the tokens of each text, 0 at padding.
        """
        ...
