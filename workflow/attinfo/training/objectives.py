"""What training makes small, and what decides which epoch is kept."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from attinfo.config.training import Training
from attinfo.data.batches import Batch
from attinfo.models.classifier import Classifier, Output
from attinfo.models.distances import kullback_leibler, total_variation

Objective = Callable[[Batch, Output, Tensor], Tensor]  # batch, output, labels [B] -> losses [B]
Score = tuple[float, ...]  # of an epoch; the larger is the better one


def label_objective(classes: int, labels: np.ndarray, training: Training) -> Objective:
    """Cross-entropy of each text with its label.

    With `class_weights` a class weighs inversely to its number of training texts, the mean text
    as one.
    """
    weight = None
    if training.class_weights:
        counts = np.bincount(labels, minlength=classes)
        weight = torch.from_numpy(len(labels) / (classes * np.maximum(counts, 1))).float()

    def loss(batch: Batch, output: Output, labels: Tensor) -> Tensor:
        own = None if weight is None else weight.to(output.logits.device)
        return cross_entropy(output.logits, labels, weight=own, reduction="none")

    return loss


def adversarial_objective(teacher: Classifier, divergence: float) -> Objective:
    """TVD(outputs) - divergence KL(weights || the teacher's) of each text.

    Reference: Wiegreffe & Pinter 2019, section 4. The labels take no part.
    """

    def loss(batch: Batch, output: Output, labels: Tensor) -> Tensor:
        with torch.no_grad():
            theirs = teacher(batch)
        away = kullback_leibler(output.attention, theirs.attention)
        return total_variation(output.logits, theirs.logits) - divergence * away

    return loss


def dev_score(dev: Mapping[str, float], select: str) -> Score:
    """How good an epoch is: its accuracy or ROC AUC, a draw decided by the loss; or its loss."""
    return (-dev["loss"],) if select == "loss" else (dev[select], -dev["loss"])


def adversarial_score(dev: Mapping[str, float], needed: float) -> Score:
    """The farther weights among epochs accurate enough; before there is one, the accuracy."""
    matched = dev["accuracy"] >= needed
    return (float(matched), dev["jsd"] if matched else dev["accuracy"])
