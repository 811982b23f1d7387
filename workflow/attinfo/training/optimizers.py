"""Optimisers: torch's own, and which parameters each of them moves."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from attinfo.config.training import Training
from attinfo.models.classifier import Classifier
from attinfo.runtime.job import undecorated

# Methods of torch's optimisers carry decorators that keep torch's compiler off them, and import it
# for that: two seconds in every job. These classes do without.


class AdamW(torch.optim.AdamW):
    """torch's AdamW without the import of torch's compiler."""

    add_param_group = undecorated(torch.optim.AdamW.add_param_group)
    zero_grad = undecorated(torch.optim.AdamW.zero_grad)
    step = torch.no_grad()(undecorated(torch.optim.AdamW.step))


class Adam(torch.optim.Adam):
    """torch's Adam without the import of torch's compiler."""

    add_param_group = undecorated(torch.optim.Adam.add_param_group)
    zero_grad = undecorated(torch.optim.Adam.zero_grad)
    step = torch.no_grad()(undecorated(torch.optim.Adam.step))


class SparseAdam(torch.optim.SparseAdam):
    """torch's SparseAdam without the import of torch's compiler."""

    add_param_group = undecorated(torch.optim.SparseAdam.add_param_group)
    zero_grad = undecorated(torch.optim.SparseAdam.zero_grad)
    step = torch.no_grad()(undecorated(torch.optim.SparseAdam.step))


class Optimizers:
    """What moves the parameters of a classifier that may move.

    With `optimizer: adamw` a step moves the embeddings of the batch's words alone, by SparseAdam:
    it need not pay for the whole vocabulary. Unlike AdamW it lets the moments of absent words
    rest, and embeddings do not decay. `optimizer: adam` is Adam on everything, to the letter.

    Args:
        model: the classifier; its embedding is set to give sparse gradients where they are used.
        training: `optimizer`, `learning_rate`, `amsgrad`, `weight_decay`, and
            `attention_weight_decay` for the scorer (None: as the rest).
    """

    def __init__(self, model: Classifier, training: Training):
        rate, decay = training.learning_rate, training.weight_decay
        lazy = training.optimizer == "adamw"
        words, rest, scorer = [], [], []
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            part = name.split(".")[0]
            if lazy and part == "embedding" and isinstance(model.embedding, nn.Embedding):
                model.embedding.sparse = True
                words.append(parameter)
            else:
                (scorer if part == "scorer" else rest).append(parameter)
        own = training.attention_weight_decay
        groups = [
            {"params": rest, "weight_decay": decay},
            {"params": scorer, "weight_decay": decay if own is None else own},
        ]
        groups = [group for group in groups if group["params"]]
        self.optimizers: list[torch.optim.Optimizer] = []
        if groups:
            dense = AdamW if lazy else Adam
            self.optimizers.append(dense(groups, lr=rate, amsgrad=training.amsgrad, fused=True))
        if words:
            self.optimizers.append(SparseAdam(words, lr=rate))

    def state(self) -> dict[str, Tensor]:
        """What the optimisers remember of each parameter, by names of our own."""
        return {
            f"{place}.{key}": torch.as_tensor(value)
            for place, (_, held) in self._held()
            for key, value in held.items()
        }

    def _held(self) -> Iterator[tuple[str, tuple[Tensor, dict[str, Any]]]]:
        """Each parameter's place among the optimisers, itself, and what is remembered of it."""
        for i, optimizer in enumerate(self.optimizers):
            parameters = (p for group in optimizer.param_groups for p in group["params"])
            for j, parameter in enumerate(parameters):
                yield f"{i}.{j}", (parameter, optimizer.state[parameter])

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Remember what `state` told, here or elsewhere."""
        held = dict(self._held())
        for name, value in state.items():
            place, _, key = name.rpartition(".")
            parameter, own = held[place]
            # SparseAdam counts its steps in Python's integers.
            own[key] = int(value) if value.dtype == torch.int64 else value.to(parameter.device)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    def step(self) -> None:
        """Move the parameters."""
        for optimizer in self.optimizers:
            optimizer.step()
