"""What attention views are computed from: attention, its gradients, and value vectors."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attinfo.audit.anatomy import Anatomy, split
from attinfo.audit.model import Padded, TransformerClassifier, embedded
from attinfo.blocks.views import VIEWS
from attinfo.labels import listed
from attinfo.runtime.errors import InputError


@dataclass(frozen=True)
class Reading:
    """What a model computes for a batch of B texts of P subwords, with L layers of H heads.

    Attributes:
        attention: L tensors [B, H, P, P]; rows sum to one.
        read: [B, P] weight of each subword's last state in the input of the head: 1 at the
            classifying token, or equal weights if there is no single one.
        real: [B, P] bool, False at padding.
        drawn: [B] bool, the texts for which expensive views are computed.
        slopes: L tensors [B, H, P, P], the gradient of the predicted class's logit with respect to
            the attention; None if no view needs it.
        values: L tensors [B, H, P, size] of value vectors; None if no view needs them.
        outputs: L linear maps that project the weighted values of all heads; None if no view needs
            them.
    """

    attention: Sequence[Tensor]
    read: Tensor
    real: Tensor
    drawn: Tensor
    slopes: Sequence[Tensor] | None = None
    values: Sequence[Tensor] | None = None
    outputs: Sequence[nn.Module] | None = None

    def row(self, layer: int) -> Tensor:
        """[B, H, P] the row of the classifying token in each head of a layer."""
        return torch.einsum("bq,bhqk->bhk", self.read, self.attention[layer])


@dataclass(frozen=True)
class Pass:
    """A forward pass: logits [B, C], L + 1 layers of hidden states [B, P, d], and the reading."""

    logits: Tensor
    states: Sequence[Tensor]
    reading: Reading


def read_batch(
    model: TransformerClassifier,
    anatomy: Anatomy,
    batch: Padded,
    drawn: Tensor,
    slopes: bool = False,
    values: bool = False,
) -> Pass:
    """Run a model on a batch, and collect what views are computed from.

    Args:
        model: the model.
        anatomy: the parts of the model.
        batch: B texts.
        drawn: [B] bool, see `Reading`.
        slopes, values: whether gradients and value vectors are collected.

    Raises:
        InputError: the attention has no gradient.
    """
    sources = anatomy.values if values else None
    with torch.set_grad_enabled(slopes), _made(sources) as made:
        with embedded(model, lambda own: own.detach().requires_grad_(slopes)):
            found = model(batch, output_attentions=True, output_hidden_states=True)
        own_slopes = _slopes(found, model.config.model_type) if slopes else None
    collected = None
    if sources is not None:
        collected = [
            split(made(s.module, s.call), s.layout, anatomy.heads) + s.offset[:, None]
            for s in sources
        ]
    place = torch.arange(batch.ids.shape[1], device=batch.ids.device)
    real = batch.real.bool()
    if anatomy.read == "all":
        read = real / real.sum(1, keepdim=True)
    else:
        wanted = 0 if anatomy.read == "first" else batch.lengths[:, None] - 1
        read = (place == wanted).expand(real.shape).float()
    reading = Reading(
        attention=[layer.detach() for layer in found.attentions],
        read=read,
        real=real,
        drawn=drawn,
        slopes=own_slopes,
        values=collected,
        outputs=None if sources is None else [source.output for source in sources],
    )
    states = [layer.detach() for layer in found.hidden_states]
    return Pass(found.logits.detach(), states, reading)


def _slopes(found: Any, kind: str) -> list[Tensor]:
    """The gradient of the predicted class's logit with respect to the attention of each layer."""
    predicted = found.logits.argmax(1, keepdim=True)
    total = found.logits.gather(1, predicted).sum()
    slopes = torch.autograd.grad(total, found.attentions, allow_unused=True)
    if all(slope is None for slope in slopes):
        raise InputError(
            f"the attention of this model ({kind}) has no gradient: leave "
            f"{listed([name for name, own in VIEWS.items() if own.slopes])} out of audit.views"
        )
    zero = torch.zeros_like
    return [
        zero(layer) if slope is None else slope
        for slope, layer in zip(slopes, found.attentions, strict=True)
    ]


@contextmanager
def _made(sources: Sequence[Any] | None) -> Iterator[Any]:
    """Collect the outputs of the modules of value sources, by module and number of the call."""
    held: dict[nn.Module, list[Tensor]] = {}
    hooks = []

    def note(module: nn.Module, given: Any, made: Tensor) -> None:
        held.setdefault(module, []).append(made.detach())

    for module in dict.fromkeys(source.module for source in sources or ()):
        hooks.append(module.register_forward_hook(note))
    try:
        yield lambda module, call: held[module][call]
    finally:
        for hook in hooks:
            hook.remove()
