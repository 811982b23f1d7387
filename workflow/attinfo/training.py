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
from torch.nn.functional import cross_entropy

from attinfo.data.batches import Batch, batches, pad
from attinfo.data.texts import Texts
from attinfo.determinism import be_deterministic
from attinfo.errors import InputError
from attinfo.evaluation import evaluate, kullback_leibler, total_variation
from attinfo.files import whole
from attinfo.models.classifier import Classifier, Output, build, load
from attinfo.models.embeddings import initialise
from attinfo.models.noise import Noise, training_noise
from attinfo.models.variants import VARIANTS, Variant
from attinfo.optimizers import Optimizers
from attinfo.seeds import seed_of

log = logging.getLogger(__name__)
Objective = Callable[[Batch, Output, Tensor], Tensor]  # batch, its output and labels [B] -> loss
Score = tuple[float, ...]  # of an epoch; the larger is the better one


def label_objective(classes: int, labels: np.ndarray, training: Mapping[str, Any]) -> Objective:
    """Cross-entropy with the labels.

    With `class_weights` a class weighs inversely to its number of training texts, the mean text
    as one.
    """
    weight = None
    if training["class_weights"]:
        counts = np.bincount(labels, minlength=classes)
        weight = torch.from_numpy(len(labels) / (classes * np.maximum(counts, 1))).float()

    def loss(batch: Batch, output: Output, labels: Tensor) -> Tensor:
        losses = cross_entropy(output.logits, labels, weight=weight, reduction="none")
        return losses.sum() if training["loss"] == "sum" else losses.mean()

    return loss


def adversarial_objective(teacher: Classifier, divergence: float) -> Objective:
    """TVD(outputs) - divergence KL(weights || the teacher's), mean over texts.

    Reference: Wiegreffe & Pinter 2019, section 4. The labels take no part.
    """

    def loss(batch: Batch, output: Output, labels: Tensor) -> Tensor:
        with torch.no_grad():
            theirs = teacher(batch)
        away = kullback_leibler(output.attention, theirs.attention)
        return (total_variation(output.logits, theirs.logits) - divergence * away).mean()

    return loss


def dev_score(dev: Mapping[str, float], select: str) -> Score:
    """How good an epoch is: its accuracy or ROC AUC, a draw decided by the loss; or its loss."""
    return (-dev["loss"],) if select == "loss" else (dev[select], -dev["loss"])


def adversarial_score(dev: Mapping[str, float], needed: float) -> Score:
    """The farther weights among epochs accurate enough; before there is one, the accuracy."""
    matched = dev["accuracy"] >= needed
    return (float(matched), dev["jsd"] if matched else dev["accuracy"])


def _epoch(
    model: Classifier,
    optimizers: Optimizers,
    objective: Objective,
    texts: Texts,
    size: int,
    order: np.random.Generator,
    noise: Noise,
) -> float:
    """One pass over the training texts; returns the mean over batches of the objective."""
    model.train()
    losses = []
    for chosen in batches(texts.lengths, size, order):
        batch = pad(texts, chosen)
        loss = objective(batch, model(batch, noise), torch.from_numpy(texts.labels[chosen]))
        optimizers.zero_grad()
        loss.backward()
        optimizers.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def shuffled(texts: Texts, seed: int, split: str) -> Texts:
    """The same texts with their labels permuted among them."""
    rng = np.random.default_rng(seed_of("shuffled labels", split, seed))
    return replace(texts, labels=rng.permutation(texts.labels))


def train(
    train_texts: Texts,
    dev_texts: Texts,
    vocabulary: int,
    classes: int,
    model_options: Mapping[str, Any],
    training: Mapping[str, Any],
    variant: Variant,
    seed: int,
    teacher: Classifier | None = None,
    vectors: str | Path | None = None,
) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """Train one run.

    Initial weights, data order and Gumbel noise draw from streams of their own, all named by
    `seed`, so that two cells with one seed see the same batches in the same order.

    Args:
        train_texts: what is learnt from.
        dev_texts: what decides which epoch is kept.
        vocabulary: number of token ids.
        classes: number of classes.
        model_options: see `Classifier`.
        training: a `sections.Training` as plain values.
        variant: what is changed.
        seed: of the run.
        teacher: the trained model of the same cell and seed, where the variant needs it.
        vectors: word vectors that the embeddings start from, see `data.vectors`.

    Returns:
        The weights of the epoch with the best dev score, and the history: one row an epoch (one
        of epoch 0 where nothing is trained), `kept` for that epoch.

    Raises:
        InputError: the loss stopped being finite.
    """
    if variant.shuffle_labels:
        train_texts = shuffled(train_texts, seed, "train")
        dev_texts = shuffled(dev_texts, seed, "dev")
    model = build(vocabulary, classes, model_options, variant, seed, teacher)
    if vectors is not None and not variant.inherited:
        initialise(model, vectors)
    judge = teacher if variant.adversarial else None
    if variant.untrained:
        history = [_row(0, None, evaluate(model, dev_texts, seed)) | {"kept": True}]
        return model.state_dict(), history
    objective = label_objective(classes, train_texts.labels, training)
    score: Callable[[Mapping[str, float]], Score] = partial(dev_score, select=training["select"])
    if judge is not None:
        objective = adversarial_objective(judge, variant.divergence)
        needed = evaluate(judge, dev_texts, seed)["accuracy"] - variant.tolerance
        score = partial(adversarial_score, needed=needed)
    optimizers = Optimizers(model, training)
    order = np.random.default_rng(seed_of("order", seed))
    noise = training_noise(torch.Generator().manual_seed(seed_of("noise", seed)))
    torch.manual_seed(seed_of("dropout", seed))
    best: dict[str, Tensor] = {}
    history: list[dict[str, Any]] = []
    best_epoch, best_score = 0, (-np.inf,)
    for epoch in range(1, training["epochs"] + 1):
        size = training["batch_size"]
        loss = _epoch(model, optimizers, objective, train_texts, size, order, noise)
        dev = evaluate(model, dev_texts, seed, judge)
        if not np.isfinite(loss + dev["loss"]):
            raise InputError(
                f"training.learning_rate: {training['learning_rate']} made the loss {loss} in "
                f"epoch {epoch}, expected a rate at which it stays finite"
            )
        history.append(_row(epoch, loss, dev))
        log.info("epoch %d: %s", epoch, history[-1])
        if epoch < training["first_epoch"]:
            continue
        if score(dev) > best_score:
            best, best_epoch, best_score = deepcopy(model.state_dict()), epoch, score(dev)
        elif epoch - best_epoch >= training["patience"]:
            break
    return best, [row | {"kept": row["epoch"] == best_epoch} for row in history]


def _row(epoch: int, loss: float | None, dev: Mapping[str, float]) -> dict[str, Any]:
    return {"epoch": epoch, "train_loss": loss, **{f"dev_{k}": v for k, v in dev.items()}}


def train_run(
    texts: tuple[Texts, Texts],
    summary: Mapping[str, Any],
    options: Mapping[str, Any],
    variant: Variant,
    provenance: Mapping[str, Any],
    outputs: Mapping[str, str | Path],
    teacher: str | Path | None = None,
    vectors: str | Path | None = None,
) -> None:
    """Train one run and write its weights, history and provenance.

    Args:
        texts: the train and the dev split.
        summary: of the data set.
        options: `model`, `training`, `variant` and `seed`, as in the config.
        variant: the variant that `options` names.
        provenance: from `attinfo.provenance.describe`.
        outputs: paths of `weights`, `history` and `run`.
        teacher: weights of the trained model of the same cell and seed, where the variant needs it.
        vectors: word vectors that the embeddings start from.
    """
    be_deterministic()
    start = time.perf_counter()
    sizes = summary["vocabulary"], len(summary["classes"])
    weights, history = train(
        *texts,
        *sizes,
        model_options=options["model"],
        training=options["training"],
        variant=variant,
        seed=options["seed"],
        teacher=teacher and load(teacher, options["model"], VARIANTS["trained"], *sizes),
        vectors=vectors,
    )
    record = {
        "options": options,
        **provenance,
        "device": "cpu",
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
