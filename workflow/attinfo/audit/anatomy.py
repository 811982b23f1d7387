"""The parts of a transformer that views need: value vectors and the classifying token.

Every kind of model names its parts differently, so the parts are found by what they compute on a
text. The value vectors are the vectors whose sum, weighted by attention, is the input of the next
linear map. The classifying token is the token whose last state has a gradient of the logits.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from inspect import signature
import logging
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from attinfo.audit.encoded import Row
from attinfo.audit.model import Padded, TransformerClassifier, embedded
from attinfo.runtime.errors import InputError

log = logging.getLogger(__name__)
NEAR = 1e-4  # relative, between two ways to compute the same numbers in float32
Reads = Literal["first", "last", "all"]


class Layout(NamedTuple):
    """The columns of a linear map's output that hold the values: the last groups x size columns.

    `by_head`: instead, the values are the last third of each head's columns. `groups`: the number
    of heads with values of their own, fewer than all heads if several share values. `size`: of a
    value vector.
    """

    by_head: bool
    groups: int
    size: int


class ValueSource(NamedTuple):
    """The module that computes the value vectors of a layer, and the map of their weighted sum.

    `call`: number of earlier calls of `module`, in a model whose layers share it. `layout`: the
    columns that hold the values. `offset`: [heads, size] a bias that is added to the module's
    output, zero in most models. `output`: the linear map that projects the weighted sum.
    """

    module: nn.Module
    call: int
    layout: Layout
    offset: Tensor
    output: nn.Module


@dataclass(frozen=True)
class Anatomy:
    """The parts of a model.

    Attributes:
        layers, heads: their numbers.
        read: the token that the logits are computed from, "first" or "last"; "all" for any other
            case, such as the mean of all states.
        values: a source for each layer; None if no linear map computes the values of a layer.
    """

    layers: int
    heads: int
    read: Reads
    values: tuple[ValueSource, ...] | None


class Call(NamedTuple):
    """A call of a linear map on a text: number of earlier calls, input [P, in], output [P, out]."""

    module: nn.Module
    number: int
    given: Tensor
    made: Tensor


def anatomy_of(model: TransformerClassifier, rows: Sequence[Row]) -> Anatomy:
    """Find the parts of a model.

    Args:
        model: the model.
        rows: two or more texts of unequal length.

    Raises:
        InputError: the model does not return its attention.
    """
    attention = attention_of(model, model.padded(rows[:1]))
    heads = attention[0].shape[1]
    if any(layer.shape[1] != heads for layer in attention):
        raise InputError("the layers of the model have unequal numbers of heads, expected equal")
    values = _value_sources(model, rows[0])
    if values is None:
        log.warning("the value vectors of this %s were not found", model.config.model_type)
    return Anatomy(len(attention), heads, _classifying(model, rows), values)


def attention_of(model: TransformerClassifier, batch: Padded) -> tuple[Tensor, ...]:
    """The attention [B, H, P, P] of each layer.

    Raises:
        InputError: the model does not return it, or returns something else.
    """
    kind = model.config.model_type
    found = None
    if _takes(model.network.forward, "attention_mask", "output_attentions"):
        with torch.no_grad():
            found = getattr(model(batch, output_attentions=True), "attentions", None)
    if not found or any(layer is None for layer in found):
        raise InputError(
            f"this model ({kind}) does not return its attention, expected one that can run with "
            "attn_implementation 'eager'"
        )
    size = batch.ids.shape[1]
    for layer in found:
        if layer.dim() != 4 or layer.shape[2:] != (size, size):
            raise InputError(
                f"the attention of this model ({kind}) has the shape {tuple(layer.shape)} for "
                f"texts of {size} subwords, expected [texts, heads, {size}, {size}]"
            )
        if not torch.allclose(layer[0].sum(-1), torch.ones(()).to(layer), atol=1e-3):
            raise InputError(
                f"rows of what this model ({kind}) returns as attention do not sum to 1, expected "
                "attention weights"
            )
    return tuple(found)


def _takes(function: Callable[..., Any], *names: str) -> bool:
    """Whether a function takes arguments of these names."""
    parameters = signature(function).parameters
    others = any(own.kind is own.VAR_KEYWORD for own in parameters.values())
    return others or parameters.keys() >= set(names)


def _classifying(model: TransformerClassifier, rows: Sequence[Row]) -> Reads:
    """Which token the logits are computed from: the one whose last state has a gradient."""
    batch = model.padded(rows)
    with torch.enable_grad(), embedded(model, lambda made: made.detach().requires_grad_()):
        found = model(batch, output_hidden_states=True)
        scale = torch.linspace(1, 2, found.logits.shape[1], device=found.logits.device)
        (slope,) = torch.autograd.grad(
            (found.logits * scale).sum(), found.hidden_states[-1], allow_unused=True
        )
    if slope is None:
        raise InputError(
            f"the logits of this model ({model.config.model_type}) do not depend on its last "
            "hidden states, expected a classifier that reads them"
        )
    used = slope.abs().sum(-1) > 0
    place = torch.arange(used.shape[1], device=used.device)
    first, last = place == 0, place == batch.lengths[:, None] - 1
    if torch.equal(used, first.expand_as(used)):
        return "first"
    return "last" if torch.equal(used, last) else "all"


def is_linear(module: nn.Module) -> bool:
    """Whether a module is a linear map: torch's, or the one of GPT-2."""
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"


def _value_sources(model: TransformerClassifier, row: Row) -> tuple[ValueSource, ...] | None:
    """The source of each layer's values; None if a layer has no source that is found."""
    calls: list[Call] = []
    counts: dict[nn.Module, int] = {}

    def note(module: nn.Module, given: Any, made: Tensor) -> None:
        inner = given[0]
        if inner.shape[:2] == (1, len(row)) and made.shape[:2] == (1, len(row)):
            number = counts.get(module, 0)
            counts[module] = number + 1
            calls.append(Call(module, number, inner[0], made[0]))

    hooks = [m.register_forward_hook(note) for m in model.network.modules() if is_linear(m)]
    try:
        attention = attention_of(model, model.padded([row]))
    finally:
        for hook in hooks:
            hook.remove()
    found: list[ValueSource] = []
    start = 0
    for layer in attention:
        source = _source(layer[0], calls, start)
        if source is None:
            return None
        found.append(source[0])
        start = source[1]
    return tuple(found)


def _source(weights: Tensor, calls: Sequence[Call], start: int) -> tuple[ValueSource, int] | None:
    """The first source whose weighted values are the input [P, H size] of a later linear map.

    Returns:
        The source, and the place in `calls` after that of the later map; None if there is none.
    """
    heads = weights.shape[0]
    for place in range(start + 1, len(calls)):
        reader = calls[place]
        width = reader.given.shape[1]
        if width % heads:
            continue
        for source in calls[start:place]:
            for layout in _layouts(source.made.shape[1], width, heads):
                values = split(source.made[None], layout, heads)
                mixed = (weights @ values[0]).transpose(0, 1).flatten(1)
                if mixed.shape != reader.given.shape:
                    continue
                # Rows of attention sum to one, so that what is added to values is added to sums.
                added = (reader.given - mixed).mean(0)
                if (mixed + added - reader.given).norm() <= NEAR * reader.given.norm():
                    offset = added.unflatten(0, (heads, -1))
                    if offset.norm() <= NEAR * reader.given.norm():
                        offset = torch.zeros_like(offset)
                    own = ValueSource(source.module, source.number, layout, offset, reader.module)
                    return own, place + 1
    return None


def _layouts(made: int, width: int, heads: int) -> Iterator[Layout]:
    """The ways in which an output of `made` columns may hold values of `heads` heads."""
    size = width // heads
    for groups in range(heads, 0, -1):
        if heads % groups == 0 and made >= groups * size:
            yield Layout(False, groups, size)
    if made == 3 * width:
        yield Layout(True, heads, size)


def split(made: Tensor, layout: Layout, heads: int) -> Tensor:
    """[B, H, P, size] value vectors in the output [B, P, out] of a linear map.

    Values that several heads share (grouped queries) are repeated.
    """
    if layout.by_head:
        return made.unflatten(-1, (heads, 3, layout.size))[..., 2, :].transpose(1, 2)
    columns = made[..., made.shape[-1] - layout.groups * layout.size :]
    own = columns.unflatten(-1, (layout.groups, layout.size)).transpose(1, 2)
    return own.repeat_interleave(heads // layout.groups, dim=1)
