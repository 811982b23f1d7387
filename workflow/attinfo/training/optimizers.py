"""The optimisers of a classifier: optimisers of torch, each for a part of the parameters."""

from collections.abc import Iterator, Mapping
import math
from typing import Any

import torch
from torch import Tensor, nn

from attinfo.config.sections.training import Training
from attinfo.models.classifier import Classifier
from attinfo.runtime.job import undecorated

# Some methods of torch's optimisers have a decorator that excludes them from torch's compiler. The
# decorator imports the compiler, which takes two seconds in every job. The classes below have the
# same methods without the decorator.


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
    """torch's SparseAdam, with the same result to the bit in half the time.

    torch writes each update as a sparse tensor and adds it. Here the rows are written in place.
    """

    add_param_group = undecorated(torch.optim.SparseAdam.add_param_group)
    zero_grad = undecorated(torch.optim.SparseAdam.zero_grad)

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Update the rows of each parameter that have a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group["lr"], group["betas"], group["eps"])

    def _update(
        self, parameter: Tensor, rate: float, betas: tuple[float, float], epsilon: float
    ) -> None:
        beta1, beta2 = betas
        state = self.state[parameter]
        if not state:
            state["step"] = 0
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        state["step"] += 1
        step, mean, square = state["step"], state["exp_avg"], state["exp_avg_sq"]
        gradient = parameter.grad.coalesce()  # type: ignore[union-attr]
        rows, values = gradient.indices()[0], gradient.values()
        old = mean.index_select(0, rows)
        new = values.sub(old).mul_(1 - beta1).add_(old)
        mean.index_copy_(0, rows, new)
        old = square.index_select(0, rows)
        new_square = values.pow(2).sub_(old).mul_(1 - beta2).add_(old)
        square.index_copy_(0, rows, new_square)
        size = rate * math.sqrt(1 - beta2**step) / (1 - beta1**step)
        parameter.index_add_(0, rows, -size * new.div_(new_square.sqrt_().add_(epsilon)))


class Optimizers:
    """The optimisers of a classifier, which together update all parameters that are not frozen.

    With `optimizer: adamw` SparseAdam updates the word embeddings, and AdamW everything else. A
    step then costs nothing for words that are not in the batch. Unlike AdamW, SparseAdam leaves
    the moments of such words unchanged and has no weight decay. With `optimizer: adam` Adam
    updates all parameters.

    Args:
        model: the classifier. With `adamw` its embedding is set to give sparse gradients.
        training: `optimizer`, `learning_rate`, `amsgrad`, `weight_decay`, and
            `attention_weight_decay` of the scorer (None: the same as `weight_decay`).
    """

    def __init__(self, model: Classifier, training: Training):
        rate, decay = training.learning_rate, training.weight_decay
        lazy = training.optimizer == "adamw"
        words: list[nn.Parameter] = []
        scorer: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            part = name.split(".")[0]
            if lazy and part == "embedding" and isinstance(model.embedding, nn.Embedding):
                model.embedding.sparse = True
                words.append(parameter)
            else:
                (scorer if part == "scorer" else rest).append(parameter)
        scorer_decay = training.attention_weight_decay
        groups = [
            {"params": rest, "weight_decay": decay},
            {"params": scorer, "weight_decay": decay if scorer_decay is None else scorer_decay},
        ]
        groups = [group for group in groups if group["params"]]
        self.optimizers: list[torch.optim.Optimizer] = []
        if groups:
            dense = AdamW if lazy else Adam
            self.optimizers.append(dense(groups, lr=rate, amsgrad=training.amsgrad, fused=True))
        if words:
            self.optimizers.append(SparseAdam(words, lr=rate))

    def state(self) -> dict[str, Tensor]:
        """The state of the optimisers: moments and step counts of each parameter.

        Returns:
            Tensors by name. A name consists of the number of the optimiser, the number of the
            parameter and torch's name of the value, as in "0.3.exp_avg".
        """
        return {
            f"{place}.{name}": torch.as_tensor(value)
            for place, (_, values) in self._values()
            for name, value in values.items()
        }

    def _values(self) -> Iterator[tuple[str, tuple[Tensor, dict[str, Any]]]]:
        """The place of each parameter ("0.3"), the parameter, and its values in the optimiser."""
        for i, optimizer in enumerate(self.optimizers):
            parameters = (p for group in optimizer.param_groups for p in group["params"])
            for j, parameter in enumerate(parameters):
                yield f"{i}.{j}", (parameter, optimizer.state[parameter])

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a state that `state` returned, in this process or another.

        Args:
            state: the tensors by name.
        """
        values = dict(self._values())
        for path, value in state.items():
            place, _, name = path.rpartition(".")
            parameter, held = values[place]
            # SparseAdam counts steps in Python integers, which `state` has made tensors.
            held[name] = int(value) if value.dtype == torch.int64 else value.to(parameter.device)

    def zero_grad(self) -> None:
        """Clear the gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    def step(self) -> None:
        """Update the parameters by their gradients."""
        for optimizer in self.optimizers:
            optimizer.step()
