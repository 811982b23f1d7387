"""The training loop over epochs, and the state of training that a checkpoint stores."""

from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attinfo.config.sections.training import Training
from attinfo.data.batches import batches, pad
from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier
from attinfo.models.noise import training_noise
from attinfo.runtime.devices import out_of_memory
from attinfo.runtime.errors import InputError
from attinfo.runtime.seeds import seed_of
from attinfo.training.checkpoint import Progress
from attinfo.training.objectives import Objective, Score
from attinfo.training.optimizers import Optimizers


class TrainingLoop:
    """The state of a training run: weights, moments, random streams, history and best epoch.

    Args:
        model: the model with its initial weights.
        options: the section `training` of the config.
        objective: the loss of each text.
        summed: minimise the sum over the texts of a batch instead of their mean.
        seed: seed of the random streams of data order, noise and dropout.
    """

    def __init__(
        self,
        model: Classifier,
        options: Training,
        objective: Objective,
        summed: bool,
        seed: int,
    ):
        self.model, self.options = model, options
        self.objective, self.summed = objective, summed
        self.parts = 1  # number of parts of a batch; more if the memory of the device runs out
        self.optimizers = Optimizers(model, options)
        self.order = np.random.default_rng(seed_of("order", seed))
        self.noise = torch.Generator().manual_seed(seed_of("noise", seed))
        torch.manual_seed(seed_of("dropout", seed))
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, Tensor] = {}
        self.best_epoch = 0
        self.best_score: Score = (-np.inf,)

    @property
    def done(self) -> bool:
        """Whether all epochs are done, or the last `patience` epochs brought no improvement."""
        last = len(self.history)
        waited = last >= self.options.first_epoch and last - self.best_epoch
        return last >= self.options.epochs or waited >= self.options.patience

    def epoch(self, texts: Texts) -> float:
        """Train on each text once and return the mean loss of the batches.

        Raises:
            InputError: the memory of the device is too small for a single text.
        """
        self.model.train()
        losses = []
        for chosen in batches(texts.lengths, self.options.batch_size, self.order):
            losses.append(self._gradients(texts, chosen))
            self.optimizers.step()
        return float(np.mean(losses))

    def _gradients(self, texts: Texts, chosen: np.ndarray) -> float:
        """Compute the gradients of a batch and return its loss.

        If the memory of the device runs out, this batch and all later ones are read in twice as
        many parts. (`runtime.devices.in_parts` does not serve here: the gradients of the parts
        must be of one batch, so that all of them start again.)

        Args:
            texts: the training texts.
            chosen: [B] indices of the texts of the batch.

        Raises:
            InputError: the memory of the device is too small for a single text.
        """
        while True:
            parts = min(self.parts, len(chosen))
            self.optimizers.zero_grad()
            try:
                return sum(
                    self._part(texts, part, 1 if self.summed else len(part) / len(chosen))
                    for part in np.array_split(chosen, parts)
                )
            except torch.OutOfMemoryError:
                if parts == len(chosen):
                    raise InputError(
                        f"device: {self.model.device} has no memory for a batch of {parts} texts, "
                        "not even one by one; expected a smaller model, or device 'cpu'"
                    ) from None
            self.parts = 2 * parts
            out_of_memory(self.model.device, f"batches in {self.parts} parts now")

    def _part(self, texts: Texts, chosen: np.ndarray, share: float) -> float:
        """Add the gradients of a part of a batch and return its share of the batch's loss.

        Args:
            texts: the training texts.
            chosen: indices of the texts of the part.
            share: the texts of the part over those of the batch; 1 if losses are summed.
        """
        batch = pad(texts, chosen).to(self.model.device)
        labels = torch.from_numpy(texts.labels[chosen]).to(self.model.device)
        output = self.model(batch, training_noise(self.noise))
        losses = self.objective(batch, output, labels)
        loss = losses.sum() if self.summed else losses.mean() * share
        torch.autograd.backward(loss)
        return loss.item()

    def keep(self, row: dict[str, Any], score: Score) -> None:
        """Record an epoch, and its weights if it is the best so far.

        Args:
            row: the row of the history.
            score: the score of the epoch on the dev split.
        """
        self.history.append(row)
        epoch = len(self.history)
        if epoch >= self.options.first_epoch and score > self.best_score:
            self.best, self.best_epoch = deepcopy(self.model.state_dict()), epoch
            self.best_score = score

    def progress(self) -> Progress:
        """Everything that `resume` needs to continue this run."""
        parts: dict[str, dict[str, Tensor]] = {
            "model": self.model.state_dict(),
            "best": self.best,
            "optimizers": self.optimizers.state(),
            "streams": {"noise": self.noise.get_state(), "dropout": torch.get_rng_state()},
        }
        if self.model.device.type == "cuda":
            parts["streams"]["device"] = torch.cuda.get_rng_state(self.model.device)
        tensors = {f"{part}/{name}": t for part, held in parts.items() for name, t in held.items()}
        values = {
            "history": self.history,
            "best": [self.best_epoch, self.best_score],
            "order": self.order.bit_generator.state,
            "parts": self.parts,
        }
        return Progress(tensors, values)

    def resume(self, progress: Progress) -> None:
        """Continue where an earlier training of the same run stopped."""
        parts: dict[str, dict[str, Tensor]] = {"best": {}}
        for path, tensor in progress.tensors.items():
            part, _, name = path.partition("/")
            parts.setdefault(part, {})[name] = tensor
        self.model.load_state_dict(parts["model"])
        self.best = parts["best"]
        self.optimizers.restore(parts.get("optimizers", {}))
        self.noise.set_state(parts["streams"]["noise"])
        torch.set_rng_state(parts["streams"]["dropout"])
        if "device" in parts["streams"] and self.model.device.type == "cuda":
            torch.cuda.set_rng_state(parts["streams"]["device"], self.model.device)
        self.parts = progress.values["parts"]
        self.history = progress.values["history"]
        self.best_epoch, score = progress.values["best"]
        self.best_score = tuple(score)
        self.order.bit_generator.state = progress.values["order"]
