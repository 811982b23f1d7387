"""Encoders: embedded tokens [B, T, inputs] -> hidden states [B, T, width].

To add an encoder, write a class in a file of its own (see `models/encoders/mlp.py`) and describe
the class here. The call signature is `models.protocols.Encoder`:

    def __init__(self, inputs: int, width: int, *, option: ...)
    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor

Values that `forward` returns at padding are ignored. Padding must not change the states of tokens.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from attinfo.blocks.block import Block, Options, registry
from attinfo.option_types import Count, Share, Text


@dataclass(frozen=True, kw_only=True)
class Encoder(Block):
    """The description of an encoder.

    Attributes:
        contextual: whether the state of a token depends on other tokens.
        pretrained: whether the encoder embeds the texts itself, with a pretrained model that the
            options `model` and `revision` name.
    """

    contextual: bool = True
    pretrained: bool = False


class CNNOptions(Options):
    """Options of `cnn`."""

    kernel_sizes: Annotated[
        tuple[Count, ...], Field(description="Sizes of the windows, in tokens.")
    ] = (1, 3, 5, 7)


class TransformerOptions(Options):
    """Options of `transformer`."""

    layers: Annotated[Count, Field(description="Number of layers.")] = 2
    heads: Annotated[Count, Field(description="Attention heads of a layer; divides the width.")] = 4
    feedforward: Annotated[
        Count, Field(description="Hidden width of the feed-forward layers, as a multiple of width.")
    ] = 2
    dropout: Annotated[Share, Field(description="Dropout within the layers.")] = 0.1


class PretrainedOptions(Options):
    """Options of `pretrained`."""

    model: Annotated[Text, Field(description="A folder, or a name on the Hugging Face hub.")]
    revision: Annotated[
        Text | None, Field(description="The commit that pins a model on the hub.")
    ] = None
    fine_tune: Annotated[
        bool, Field(description="Train all weights, instead of a projection of fixed features.")
    ] = False


LSTM_PAPER = "Hochreiter & Schmidhuber 1997"

ENCODERS = registry(
    Encoder(
        name="bilstm",
        path="attinfo.models.encoders.bilstm:BiLSTM",
        label="BiLSTM",
        summary=f"Bidirectional LSTM: each state has read the whole text ({LSTM_PAPER})",
    ),
    Encoder(
        name="lstm",
        path="attinfo.models.encoders.lstm:LSTM",
        label="LSTM",
        summary=f"LSTM: each state has read its text up to its own word ({LSTM_PAPER})",
    ),
    Encoder(
        name="bigru",
        path="attinfo.models.encoders.bigru:BiGRU",
        label="BiGRU",
        summary="Bidirectional GRU: each state has read the whole text (Cho et al. 2014)",
    ),
    Encoder(
        name="gru",
        path="attinfo.models.encoders.gru:GRU",
        label="GRU",
        summary="GRU: each state has read its text up to its own word (Cho et al. 2014)",
    ),
    Encoder(
        name="cnn",
        path="attinfo.models.encoders.cnn:CNN",
        label="CNN",
        options=CNNOptions,
        summary="Convolutions of several kernel sizes, same length, ReLU: "
        "each state has read a window",
    ),
    Encoder(
        name="mlp",
        path="attinfo.models.encoders.mlp:MLP",
        label="MLP (per token)",
        contextual=False,
        summary="One tanh layer on each token alone: a state has read its own word, no context",
    ),
    Encoder(
        name="transformer",
        path="attinfo.models.encoders.transformer:Transformer",
        label="Transformer",
        options=TransformerOptions,
        summary="Pre-norm Transformer encoder, sinusoidal positions "
        "(Vaswani et al. 2017; Xiong et al. 2020)",
    ),
    Encoder(
        name="pretrained",
        path="attinfo.models.encoders.pretrained:Pretrained",
        label="Pretrained",
        options=PretrainedOptions,
        pretrained=True,
        requires="transformers",
        summary="A pretrained Hugging Face encoder, frozen or fine-tuned; "
        "words are means of their subwords",
    ),
)
