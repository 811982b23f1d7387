"""The store of what a model did with each test text: states, scores, weights, outputs.

A flat ragged store in safetensors: `hidden` [tokens, d], `score` and `attention` [tokens]
(float32; scores order the tokens where weights round to ties), `token_id` [tokens], `offsets`
[texts + 1], `logits` [texts, C], `label` [texts]; where weights were permuted also
`output_change` [texts, permutations]. The tokens of text i are offsets[i]:offsets[i + 1].
"""

from dataclasses import MISSING, dataclass, fields
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from attinfo.runtime.atomic import whole
from attinfo.runtime.errors import InputError


def write_states(path: str | Path, arrays: dict[str, np.ndarray]) -> None:
    """Write a store, whole or not at all."""
    with whole(path) as temporary:
        save_file(arrays, temporary)


@dataclass(frozen=True)
class States:
    """A store read back. `hidden` is None unless it was asked for."""

    hidden: np.ndarray | None
    score: np.ndarray
    attention: np.ndarray
    token_id: np.ndarray
    offsets: np.ndarray
    logits: np.ndarray
    label: np.ndarray
    output_change: np.ndarray | None = None

    @property
    def lengths(self) -> np.ndarray:
        """[texts] number of tokens of each text."""
        return np.diff(self.offsets)

    @property
    def text(self) -> np.ndarray:
        """[tokens] the text that each token is in."""
        return np.repeat(np.arange(len(self.label)), self.lengths)

    @property
    def position(self) -> np.ndarray:
        """[tokens] place of each token in its text, from 0."""
        return np.arange(len(self.token_id)) - np.repeat(self.offsets[:-1], self.lengths)

    @property
    def predicted(self) -> np.ndarray:
        """[texts] the class with the largest logit."""
        return self.logits.argmax(1)


def read_states(path: str | Path, hidden: bool = False) -> States:
    """Read a store; the hidden states, its bulk, only where they are needed.

    Raises
    ------
    InputError
        If an array is missing.
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
