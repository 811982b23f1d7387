"""Training one run: seeded, early stopped on the dev split, best epoch kept."""

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
    """All that changes from epoch to epoch: weights, moments, random streams, the best so far.

    Args:
        model: as training finds it.
        options: how it is trained.
        objective: what is made small.
        summed: whether it is the sum over the texts of a batch, or their mean.
        seed: names the streams of data order, noise and dropout.
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
        self.parts = 1  # that a batch is read in, for the memory of the device
        self.optimizers = Optimizers(model, options)
        self.order = np.random.default_rng(seed_of("order", seed))
        self.noise = torch.Generator().manual_seed(seed_of("noise", seed))
        torch.manual_seed(seed_of("dropout", seed))
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, Tensor] = {}
        self.best_epoch, self.best_score = 0, (-np.inf,)

    @property
    def done(self) -> bool:
        """Whether there are no more epochs, or none has been better for too long."""
        last = len(self.history)
        waited = last >= self.options.first_epoch and last - self.best_epoch
        return last >= self.options.epochs or waited >= self.options.patience

    def epoch(self, texts: Texts) -> float:
        """One pass over the training texts; returns the mean over batches of the objective."""
        self.model.train()
        losses = []
        for chosen in batches(texts.lengths, self.options.batch_size, self.order):
            losses.append(self._gradients(texts, chosen))
            self.optimizers.step()
        return float(np.mean(losses))

    def _gradients(self, texts: Texts, chosen: np.ndarray) -> float:
        """Those of a batch; returns its objective. It is read in more parts if memory runs out.

        Raises:
            InputError: not even one text fits.
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
        """Add the gradients of some texts of a batch, whose mean counts by their share of it."""
        batch = pad(texts, chosen).to(self.model.device)
        labels = torch.from_numpy(texts.labels[chosen]).to(self.model.device)
        output = self.model(batch, training_noise(self.noise))
        losses = self.objective(batch, output, labels)
        loss = losses.sum() if self.summed else losses.mean() * share
        loss.backward()
        return loss.item()

    def keep(self, row: dict[str, Any], score: Score) -> None:
        """Note an epoch, and its weights where it is the best."""
        self.history.append(row)
        epoch = len(self.history)
        if epoch >= self.options.first_epoch and score > self.best_score:
            self.best, self.best_epoch = deepcopy(self.model.state_dict()), epoch
            self.best_score = score

    def progress(self) -> Progress:
        """What `resume` takes."""
        parts = {
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
        """Go on where another training of the same run stopped."""
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
    """The same texts with their labels permuted among them."""
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

    Initial weights, data order and Gumbel noise draw from streams of their own, all named by
    `seed`, so that two cells with one seed see the same batches in the same order.

    Args:
        train_texts: what is learnt from.
        dev_texts: what decides which epoch is kept.
        vocabulary: number of token ids.
        classes: number of classes.
        architecture: of the cell.
        training: how it is trained.
        variant: what is changed.
        seed: of the run.
        teacher: the trained model of the same cell and seed, where the variant needs it.
        vectors: word vectors that the embeddings start from, see `data.vectors`.
        checkpoint: where the progress is kept after each epoch, and gone on from.
        device: that the model runs on, the teacher's too.

    Returns:
        The weights of the epoch with the best dev score, and the history: one row an epoch (one
        of epoch 0 where nothing is trained), `kept` for that epoch.

    Raises:
        InputError: the loss stopped being finite.
    """
    if variant.shuffle_labels:
        train_texts = shuffled(train_texts, seed, "train")
        dev_texts = shuffled(dev_texts, seed, "dev")
    model = build(vocabulary, classes, architecture, variant, seed, teacher)
    if vectors is not None and not variant.inherited:
        initialise(model, vectors)
    model.to(device)
    judge = teacher if variant.adversarial else None
    if variant.untrained:
        history = [_row(0, None, evaluate(model, dev_texts, seed)) | {"kept": True}]
        return model.state_dict(), history
    objective = label_objective(classes, train_texts.labels, training)
    score: Callable[[Mapping[str, float]], Score] = partial(dev_score, select=training.select)
    if judge is not None:
        objective = adversarial_objective(judge, variant.divergence)
        needed = evaluate(judge, dev_texts, seed)["accuracy"] - variant.tolerance
        score = partial(adversarial_score, needed=needed)
    summed = judge is None and training.loss == "sum"
    state = _Training(model, training, objective, summed, seed)
    if checkpoint is not None and (progress := checkpoint.read()):
        state.resume(progress)
        log.info("goes on after epoch %d", len(state.history))
    while not state.done:
        epoch, loss = len(state.history) + 1, state.epoch(train_texts)
        dev = evaluate(model, dev_texts, seed, judge)
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
        summary: of the data set.
        options: `model`, `training`, `variant` and `seed` as plain values, which the record keeps.
        provenance: from `runtime.provenance.describe`.
        outputs: paths of `weights`, `history` and `run`.
        teacher: weights of the trained model of the same cell and seed, where the variant needs it.
        vectors: word vectors that the embeddings start from.
        checkpoint: where the progress is kept, see `train`; it is left to the caller to remove.
        device: that the model runs on.
    """
    start = time.perf_counter()
    sizes = summary["vocabulary"], len(summary["classes"])
    architecture = Architecture.of(options["model"])
    weights, history = train(
        *texts,
        *sizes,
        architecture=architecture,
        training=Training.model_validate(options["training"]),
        variant=Variant.of(options["variant"]),
        seed=options["seed"],
        teacher=teacher and load(teacher, architecture, TRAINED, *sizes, device=device),
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
