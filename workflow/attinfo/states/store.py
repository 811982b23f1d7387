"""The store: hidden states, scores, attention weights and outputs of a model on the test texts.

One safetensors file of flat arrays. The tokens of text i are offsets[i]:offsets[i + 1].
"""

from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from attinfo.data.groups import copies
from attinfo.runtime.atomic import whole
from attinfo.runtime.errors import InputError


def write_states(path: str | Path, arrays: dict[str, np.ndarray]) -> None:
    """Write a store. A killed job leaves the complete file or none.

    Args:
        path: the file.
        arrays: the arrays of `States` by name.
    """
    with whole(path) as temporary:
        save_file(arrays, temporary)


@dataclass(frozen=True)
class States:
    """The arrays of a store.

    Attributes:
        hidden: [tokens, d] float32 hidden states; None if they were not read.
        score: [tokens] float32 attention scores. They order tokens whose weights round to the
            same number.
        attention: [tokens] float32 attention weights.
        token_id: [tokens] int32 ids in the vocabulary.
        offsets: [texts + 1] int64 first token of each text, then the number of tokens.
        logits: [texts, C] float32 outputs.
        label: [texts] int32 gold classes, or float32 numbers.
        output_change: [texts, permutations] float32, see `extract.output_change`; None for
            variants that do not permute weights.
        output_weight: [C, d] float32 weights of the output layer: the logits of a text are
            output_weight @ (the sum over its tokens of attention * hidden) + output_bias. None
            in a store written before stores held the output layer.
        output_bias: [C] float32 biases of the output layer; None as `output_weight`.
    """

    hidden: np.ndarray | None
    score: np.ndarray
    attention: np.ndarray
    token_id: np.ndarray
    offsets: np.ndarray
    logits: np.ndarray
    label: np.ndarray
    output_change: np.ndarray | None = None
    output_weight: np.ndarray | None = None
    output_bias: np.ndarray | None = None

    @cached_property
    def copies(self) -> np.ndarray:
        """[texts] int64 numbers: the same number for texts of the same tokens."""
        return copies(self.token_id, self.offsets)

    @property
    def lengths(self) -> np.ndarray:
        """[texts] number of tokens of each text."""
        return np.diff(self.offsets)

    @property
    def text(self) -> np.ndarray:
        """[tokens] index of the text of each token."""
        return np.repeat(np.arange(len(self.label)), self.lengths)

    @property
    def position(self) -> np.ndarray:
        """[tokens] position of each token in its text, from 0."""
        return np.arange(len(self.token_id)) - np.repeat(self.offsets[:-1], self.lengths)

    @property
    def predicted(self) -> np.ndarray:
        """[texts] the class with the largest logit."""
        return self.logits.argmax(1)

    @property
    def numbers(self) -> bool:
        """Whether the output is a number, in place of classes."""
        return self.label.dtype.kind == "f"

    @property
    def output_layer(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The weights [C, d] and biases [C] of the output layer, if the store has them."""
        if self.output_weight is None or self.output_bias is None:
            return None
        return self.output_weight, self.output_bias


def read_states(path: str | Path, hidden: bool = False) -> States:
    """Read a store.

    Args:
        path: the file.
        hidden: read the hidden states too, which are most of the file.

    Raises:
        InputError: an array is missing.
    """
    wanted = [field for field in fields(States) if hidden or field.name != "hidden"]
    with safe_open(path, framework="numpy") as store:
        held = set(store.keys())
        missing = [f.name for f in wanted if f.default is MISSING and f.name not in held]
        if missing:
            raise InputError(f"{path}: has no '{missing[0]}', expected a store of hidden states")
        arrays = {
            field.name: store.get_tensor(field.name) for field in wanted if field.name in held
        }
    return States(**({"hidden": None} | arrays))
