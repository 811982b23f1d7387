"""The importance measures: what each token contributes to the class that the model predicts.

To add one: a function `(model, texts, states, seed, *, option=default) -> [tokens]` in a file of
its own, and an entry here. The tables, the page and the figures take all they need from the entry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Measure:
    """An importance measure.

    Attributes:
        name: in the config, and the column of `importance.parquet`.
        path: of its function, `module:function`.
        summary: what it is, in a line.
        label: its name on the page and in figures.
        signed: a value may speak against the predicted class. Attention has no sign, so tokens are
            ranked by the absolute value, as Jain & Wallace (2019) rank gradients.
        compared: the study has statistics of its agreement with attention.
        holds_weights: the weight is a factor of it, so that it agrees with attention by
            construction.
        in_strips: the page shows its values word by word.
    """

    name: str
    path: str
    summary: str
    label: str
    signed: bool = False
    compared: bool = True
    holds_weights: bool = False
    in_strips: bool = True

    def load(self) -> Callable[..., Any]:
        """Import the function."""
        module, _, function = self.path.partition(":")
        return getattr(import_module(module), function)


_MODULE = "attinfo.explain.importance"
_ALL = (
    Measure(
        "gradient",
        f"{_MODULE}:gradient",
        "Gradient of the log-odds times input",
        "gradient × input",
        signed=True,
    ),
    Measure(
        "integrated_gradients",
        f"{_MODULE}:integrated_gradients",
        "Integrated gradients from zero embeddings",
        "integrated gradients",
        signed=True,
        in_strips=False,
    ),
    Measure(
        "leave_one_out",
        f"{_MODULE}:leave_one_out",
        "Fall of the probability when the token is deleted",
        "leave-one-out",
        signed=True,
    ),
    Measure(
        "attention_norm",
        f"{_MODULE}:attention_norm",
        "Attention weight times norm of the state",
        "attention × state norm",
        holds_weights=True,
        in_strips=False,
    ),
    # Attention and its score have one order, so their agreement says nothing.
    Measure(
        "score",
        f"{_MODULE}:score",
        "The score from which the normaliser makes the weight",
        "attention score",
        compared=False,
        holds_weights=True,
        in_strips=False,
    ),
)
MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}
SIGNED: tuple[str, ...] = tuple(name for name, measure in MEASURES.items() if measure.signed)
