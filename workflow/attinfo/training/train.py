"""Training of one run, with early stopping on the dev split. The best epoch is kept."""

from collections.abc import Callable, Mapping
from copy import deepcopy
import csv
from dataclasses import replace
from functools import partial
import json
import logging
from pathlib import Path
import time
from typing import Any

import numpy as np
from safetensors.torch import save_file
import torch
from torch import Tensor

from attinfo.config.training import Training
from attinfo.data.batches import batches, pad
from attinfo.data.texts import Texts
from attinfo.models.architecture import Architecture
from attinfo.models.classifier import CPU, Classifier, build, load
from attinfo.models.embeddings import initialise
from attinfo.models.noise import training_noise
from attinfo.models.variant import TRAINED, Variant
from attinfo.runtime.atomic import whole
from attinfo.runtime.devices import name_of_device, out_of_memory
from attinfo.runtime.errors import InputError
from attinfo.runtime.seeds import seed_of
from attinfo.training.checkpoint import Checkpoint, Progress
from attinfo.training.evaluation import evaluate
from attinfo.training.objectives import (
    Objective,
    Score,
    adversarial_objective,
    adversarial_score,
    dev_score,
    label_objective,
)
from attinfo.training.optimizers import Optimizers

log = logging.getLogger(__name__)


class _Training:
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


def shuffled(texts: Texts, seed: int, split: str) -> Texts:
    """The same texts with labels permuted among them.

    Args:
        texts: one split.
        seed: seed of the run.
        split: name of the split, so that each split has a permutation of its own.
    """
    rng = np.random.default_rng(seed_of("shuffled labels", split, seed))
    return replace(texts, labels=rng.permutation(texts.labels))


def train(
    train_texts: Texts,
    dev_texts: Texts,
    vocabulary: int,
    classes: int,
    architecture: Architecture,
    training: Training,
    variant: Variant,
    seed: int,
    teacher: Classifier | None = None,
    vectors: str | Path | None = None,
    checkpoint: Checkpoint | None = None,
    device: torch.device = CPU,
) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """Train one run.

    Initial weights, data order, dropout and Gumbel noise have random streams of their own, all
    from `seed`. So two cells with the same seed see the same batches in the same order.

    Args:
        train_texts: the training texts.
        dev_texts: the texts that decide which epoch is kept.
        vocabulary: number of token ids.
        classes: number of classes.
        architecture: the blocks and the sizes.
        training: the section `training` of the config.
        variant: the ablation, or the ordinary model.
        seed: seed of the run.
        teacher: the trained model of the same cell and seed, if the variant needs it.
        vectors: file of word vectors from which the embeddings start, see `data.vectors`.
        checkpoint: file to which the progress is saved after each epoch. If the file has the
            progress of the same run, training resumes from there.
        device: the device to run the model on, which must be the teacher's too.

    Returns:
        The weights of the epoch with the best dev score, by parameter, and the history: a row for
        each epoch with `epoch`, `train_loss`, the dev metrics and `kept`, which is true for that
        epoch. An untrained model has one row, epoch 0.

    Raises:
        InputError: the loss is no longer finite, the word vectors do not fit the model, or the
            memory of the device is too small for a single text.
    """
    if variant.shuffle_labels:
        train_texts = shuffled(train_texts, seed, "train")
        dev_texts = shuffled(dev_texts, seed, "dev")
    model = build(vocabulary, classes, architecture, variant, seed, teacher)
    if vectors is not None and not variant.inherited:
        initialise(model, vectors)
    model.to(device)
    opponent = teacher if variant.adversarial else None
    if variant.untrained:
        history = [_row(0, None, evaluate(model, dev_texts, seed)) | {"kept": True}]
        return model.state_dict(), history
    objective = label_objective(classes, train_texts.labels, training)
    score: Callable[[Mapping[str, float]], Score] = partial(dev_score, select=training.select)
    if opponent is not None:
        objective = adversarial_objective(opponent, variant.divergence)
        needed = evaluate(opponent, dev_texts, seed)["accuracy"] - variant.tolerance
        score = partial(adversarial_score, needed=needed)
    summed = opponent is None and training.loss == "sum"
    state = _Training(model, training, objective, summed, seed)
    if checkpoint is not None and (progress := checkpoint.read()):
        state.resume(progress)
        log.info("resumed after epoch %d", len(state.history))
    while not state.done:
        epoch, loss = len(state.history) + 1, state.epoch(train_texts)
        dev = evaluate(model, dev_texts, seed, opponent)
        if not np.isfinite(loss + dev["loss"]):
            raise InputError(
                f"training.learning_rate: {training.learning_rate} made the loss {loss} in "
                f"epoch {epoch}, expected a rate at which it stays finite"
            )
        state.keep(_row(epoch, loss, dev), score(dev))
        log.info("epoch %d: %s", epoch, state.history[-1])
        if checkpoint is not None:
            checkpoint.save(state.progress())
    return state.best, [row | {"kept": row["epoch"] == state.best_epoch} for row in state.history]


def _row(epoch: int, loss: float | None, dev: Mapping[str, float]) -> dict[str, Any]:
    """A row of the history; `loss` is None if the model is not trained."""
    return {"epoch": epoch, "train_loss": loss, **{f"dev_{k}": v for k, v in dev.items()}}


def train_run(
    texts: tuple[Texts, Texts],
    summary: Mapping[str, Any],
    options: Mapping[str, Any],
    provenance: Mapping[str, Any],
    outputs: Mapping[str, str | Path],
    teacher: str | Path | None = None,
    vectors: str | Path | None = None,
    checkpoint: Checkpoint | None = None,
    device: torch.device = CPU,
) -> None:
    """Train one run and write its weights, history and provenance.

    Args:
        texts: the train and the dev split.
        summary: `summary.json` of the data set.
        options: `model`, `training`, `variant` and `seed` as plain values; written to `run`.
        provenance: the values of `runtime.provenance.describe`; written to `run`.
        outputs: paths of the files `weights` (safetensors), `history` (CSV) and `run` (JSON).
        teacher: file of the trained model of the same cell and seed, if the variant needs it.
        vectors: file of word vectors from which the embeddings start.
        checkpoint: file of the progress, see `train`. The caller removes it afterwards.
        device: the device to run the model on.

    Raises:
        InputError: see `train`. No file is written then.
    """
    start = time.perf_counter()
    sizes = summary["vocabulary"], len(summary["classes"])
    architecture = Architecture.of(options["model"])
    trained = load(teacher, architecture, TRAINED, *sizes, device=device) if teacher else None
    weights, history = train(
        *texts,
        *sizes,
        architecture=architecture,
        training=Training.model_validate(options["training"]),
        variant=Variant.of(options["variant"]),
        seed=options["seed"],
        teacher=trained,
        vectors=vectors,
        checkpoint=checkpoint,
        device=device,
    )
    record = {
        "options": options,
        **provenance,
        "device": name_of_device(device),
        "parameters": sum(w.numel() for w in weights.values()),
        "epochs": history[-1]["epoch"],
        "kept": next(row for row in history if row["kept"]),
        "seconds": round(time.perf_counter() - start, 3),
    }
    with whole(outputs["weights"]) as path:
        save_file(weights, path)
    with whole(outputs["history"]) as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=history[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
    with whole(outputs["run"]) as path:
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
