"""A model's own classification head, applied to the last state of every word."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from attinfo.audit.anatomy import NEAR, Anatomy
from attinfo.audit.encoded import Row
from attinfo.audit.model import CELLS, TransformerClassifier


class Head(NamedTuple):
    """The input [words, size] of the head's last linear map at each word, and the map."""

    features: np.ndarray
    weight: np.ndarray  # [C, size]
    bias: np.ndarray  # [C]


def own_head(
    model: TransformerClassifier, anatomy: Anatomy, row: Row, states: np.ndarray
) -> Head | None:
    """Apply the model's own head to the last states of words.

    The head is what follows the body of the model. It gets the state of each word as if this were
    the state of the classifying token. A check comes first: from the state of the classifying token
    the head must compute the model's logits.

    Args:
        model: the model.
        anatomy: the parts of the model.
        row: a text, for the check.
        states: [words, d] last states of words.

    Returns:
        The head; None if the check fails, or if the logits depend on more than one token.
    """
    if anatomy.read == "all":
        return None
    batch = model.padded([row])
    try:
        with torch.inference_mode():
            whole = model(batch, output_hidden_states=True)
            place = 0 if anatomy.read == "first" else len(row) - 1
            own = _read(model, whole.hidden_states[-1][:, place], int(row.ids[0]))
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError):
        return None  # a head of another shape
    if own is None or (own[0] - whole.logits).norm() > NEAR * whole.logits.norm():
        return None
    parts = []
    with torch.inference_mode():
        for start in range(0, len(states), CELLS):
            some = torch.from_numpy(states[start : start + CELLS]).to(model.device)
            found = _read(model, some, int(row.ids[0]))
            assert found is not None  # as in the check
            parts.append(found[1].float().cpu().numpy())
    last = own[2]
    bias = np.zeros(last.out_features) if last.bias is None else last.bias.double().cpu().numpy()
    return Head(np.concatenate(parts), last.weight.double().cpu().numpy(), bias)


def _read(
    model: TransformerClassifier, states: Tensor, token: int
) -> tuple[Tensor, Tensor, nn.Linear] | None:
    """Logits [N, C] of states [N, d], the input [N, size] of the last linear map, and the map."""
    body: Any = getattr(model.network, model.network.base_model_prefix)
    held: list[tuple[Tensor, nn.Linear]] = []

    def replaced(module: nn.Module, given: Any, made: Any) -> Any:
        made.last_hidden_state = states[:, None]
        if getattr(module, "pooler", None) is not None:
            if hasattr(module, "pooler_activation"):  # ALBERT's pooler is the bare linear map
                made.pooler_output = module.pooler_activation(module.pooler(states))
            else:
                made.pooler_output = module.pooler(states[:, None])
        return made

    def note(module: nn.Module, given: Any, made: Tensor) -> None:
        if isinstance(module, nn.Linear) and module.out_features == len(model.classes):
            held.append((given[0].reshape(len(states), -1), module))

    hooks = [body.register_forward_hook(replaced)]
    hooks += [
        module.register_forward_hook(note)
        for module in model.network.modules()
        if isinstance(module, nn.Linear)
    ]
    try:
        batch = model.padded([Row(np.array([token]))] * len(states))
        logits: Tensor = model(batch).logits
    finally:
        for hook in hooks:
            hook.remove()
    return (logits, *held[-1]) if held else None
