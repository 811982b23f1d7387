"""Training of one run, with early stopping on the dev split. The best epoch is kept."""

from collections.abc import Callable, Mapping
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

from attinfo.blocks.variant import TRAINED, Variant
from attinfo.config.sections.training import Training
from attinfo.data.texts import Texts
from attinfo.models.architecture import Architecture
from attinfo.models.classifier import CPU, Classifier, build, load
from attinfo.models.embeddings import initialise
from attinfo.runtime.atomic import whole
from attinfo.runtime.devices import name_of_device
from attinfo.runtime.errors import InputError
from attinfo.runtime.seeds import seed_of
from attinfo.training.checkpoint import Checkpoint
from attinfo.training.enough import ending
from attinfo.training.evaluation import evaluate
from attinfo.training.loop import TrainingLoop
from attinfo.training.objectives import (
    Score,
    adversarial_objective,
    adversarial_score,
    dev_score,
    label_objective,
)

log = logging.getLogger(__name__)


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
        InputError: the loss is no longer finite, the criterion is undefined on the dev split, the
            word vectors do not fit the model, or the memory of the device is too small for a
            single text.
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
    if opponent is None and training.select == "roc_auc" and len(set(dev_texts.labels)) < 2:
        raise InputError(
            "training.select: found 'roc_auc', which is undefined because all texts of the dev "
            "split have one class; expected 'accuracy' or 'loss'"
        )
    objective = label_objective(classes, train_texts.labels, training)
    score: Callable[[Mapping[str, float]], Score] = partial(dev_score, select=training.select)
    if opponent is not None:
        objective = adversarial_objective(opponent, variant.divergence)
        needed = evaluate(opponent, dev_texts, seed)["accuracy"] - variant.tolerance
        score = partial(adversarial_score, needed=needed)
    summed = opponent is None and training.loss == "sum"
    loop = TrainingLoop(model, training, objective, summed, seed)
    if checkpoint is not None and (progress := checkpoint.read()):
        loop.resume(progress)
        log.info("resumed after epoch %d", len(loop.history))
    while not loop.done:
        epoch, loss = len(loop.history) + 1, loop.epoch(train_texts)
        dev = evaluate(model, dev_texts, seed, opponent)
        if not np.isfinite(loss + dev["loss"]):
            raise InputError(
                f"training.learning_rate: {training.learning_rate} made the loss {loss} in "
                f"epoch {epoch}, expected a rate at which it stays finite"
            )
        loop.keep(_row(epoch, loss, dev), score(dev))
        log.info("epoch %d: %s", epoch, loop.history[-1])
        if checkpoint is not None:
            checkpoint.save(loop.progress())
    return loop.best, [row | {"kept": row["epoch"] == loop.best_epoch} for row in loop.history]


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
    training = Training.model_validate(options["training"])
    trained = load(teacher, architecture, TRAINED, *sizes, device=device) if teacher else None
    weights, history = train(
        *texts,
        *sizes,
        architecture=architecture,
        training=training,
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
        **ending(history, training.patience),
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
