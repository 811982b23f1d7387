"""Objectives, which training minimises, and scores, which decide the epoch to keep."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from attinfo.config.sections.training import Training
from attinfo.data.batches import Batch
from attinfo.models.classifier import Classifier, Output
from attinfo.models.distances import kullback_leibler, total_variation

Objective = Callable[[Batch, Output, Tensor], Tensor]  # batch, output, labels [B] -> losses [B]
Score = tuple[float, ...]  # of an epoch; the epoch with the largest score is kept


def label_objective(classes: int, labels: np.ndarray, training: Training) -> Objective:
    """The cross-entropy of each text with its label, in nats; of numbers, the squared error.

    With `class_weights` the loss of a text is divided by the frequency of its class and scaled,
    so that the mean weight of the training texts is one.

    Args:
        classes: number of classes.
        labels: [texts] classes of the training texts.
        training: `class_weights` is read.
    """
    if np.issubdtype(labels.dtype, np.floating):
        return squared_error
    weight = None
    if training.class_weights:
        counts = np.bincount(labels, minlength=classes)
        weight = torch.from_numpy(len(labels) / (classes * np.maximum(counts, 1))).float()

    def loss(batch: Batch, output: Output, labels: Tensor) -> Tensor:
        on_device = None if weight is None else weight.to(output.logits.device)
        return cross_entropy(output.logits, labels, weight=on_device, reduction="none")

    return loss


def squared_error(batch: Batch, output: Output, labels: Tensor) -> Tensor:
    """[B] squared error of the one output of each text."""
    return (output.logits[:, 0] - labels.float()).square()


def adversarial_objective(teacher: Classifier, divergence: float) -> Objective:
    """TVD(outputs, teacher's outputs) - divergence * KL(weights || teacher's weights) of each text.

    The labels are not used.

    Args:
        teacher: the trained model, in evaluation mode.
        divergence: factor of the KL divergence, which is in nats.

    Reference: Wiegreffe & Pinter 2019, section 4.
    """

    def loss(batch: Batch, output: Output, labels: Tensor) -> Tensor:
        with torch.no_grad():
            other: Output = teacher(batch)
        distance = total_variation(output.logits, other.logits)
        return distance - divergence * kullback_leibler(output.attention, other.attention)

    return loss


def dev_score(dev: Mapping[str, float], select: str) -> Score:
    """The score of an epoch by one criterion on the dev split.

    Args:
        dev: the metrics of `evaluation.evaluate`.
        select: `accuracy` or `roc_auc`, for which the loss decides ties, or `loss`.
    """
    return (-dev["loss"],) if select == "loss" else (dev[select], -dev["loss"])


def adversarial_score(dev: Mapping[str, float], needed: float) -> Score:
    """The score of an epoch of the variant `adversarial`.

    Epochs that reach the accuracy `needed` come first, ordered by the divergence of their
    attention weights. The others are ordered by their accuracy.

    Args:
        dev: the metrics of `evaluation.evaluate` with a teacher.
        needed: the lowest dev accuracy that counts as equal to the teacher's.
    """
    matched = dev["accuracy"] >= needed
    return (float(matched), dev["jsd"] if matched else dev["accuracy"])
