"""The quality of a model on a split, and its distance from the trained model of its cell."""

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier
from attinfo.models.distances import jensen_shannon, total_variation
from attinfo.models.inference import outputs, run_batch


def evaluate(
    model: Classifier, texts: Texts, seed: int = 0, teacher: Classifier | None = None
) -> dict[str, float]:
    """Evaluate a model on a split.

    Args:
        model: the model; it is put into evaluation mode.
        texts: the split, with labels.
        seed: seed of the run, for the noise at evaluation.
        teacher: a model to compare with, in evaluation mode.

    Returns:
        `loss`, the mean cross-entropy in nats, `accuracy` and `roc_auc`. With a teacher also
        `tvd`, the total variation distance of the outputs, and `jsd`, the Jensen-Shannon
        divergence of the attention weights in nats; both are means over texts. Of numbers: `loss`,
        the mean squared error, and `r_squared`, 1 less its share of the variance.

    Raises:
        InputError: the memory of the device is too small for a single text.
    """
    model.eval()
    if np.issubdtype(texts.labels.dtype, np.floating):
        return _of_numbers(model, texts, seed)
    loss, tvd, jsd = 0.0, 0.0, 0.0
    probabilities = np.empty((0, 0))
    with torch.inference_mode():
        for chosen, batch, output in outputs(model, texts, seed):
            labels = torch.from_numpy(texts.labels[chosen])
            loss += cross_entropy(output.logits, labels, reduction="sum").item()
            if not len(probabilities):
                probabilities = np.empty((len(texts), output.logits.shape[1]))
            probabilities[chosen] = output.logits.softmax(-1).numpy()
            if teacher is not None:
                other = run_batch(teacher, batch, chosen, seed)
                tvd += total_variation(output.logits, other.logits).sum().item()
                jsd += jensen_shannon(output.attention, other.attention).sum().item()
    metrics = {
        "loss": loss / len(texts),
        "accuracy": float(np.mean(probabilities.argmax(1) == texts.labels)),
        "roc_auc": roc_auc(probabilities, texts.labels),
    }
    if teacher is not None:
        metrics |= {"tvd": tvd / len(texts), "jsd": jsd / len(texts)}
    return metrics


def _of_numbers(model: Classifier, texts: Texts, seed: int) -> dict[str, float]:
    """The mean squared error of a model on a split, and R²."""
    found = np.empty(len(texts))
    with torch.inference_mode():
        for chosen, _, output in outputs(model, texts, seed):
            found[chosen] = output.logits[:, 0].numpy()
    error = float(np.mean((found - texts.labels) ** 2))
    variance = float(texts.labels.var())
    return {"loss": error, "r_squared": 1 - error / variance if variance else float("nan")}


def roc_auc(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve, one class against the others, mean over the classes that occur.

    The area of a class is its Mann-Whitney statistic (Hanley & McNeil 1982).

    Args:
        probabilities: [texts, C] probabilities of the classes.
        labels: [texts] classes.

    Returns:
        The mean area, 0 to 1; NaN if all texts have the same class.
    """
    areas = []
    for label in np.unique(labels):
        has_label = labels == label
        positive = probabilities[has_label, label]
        negative = np.sort(probabilities[~has_label, label])
        if len(negative):
            # Twice the pairs that the positive text wins, and once the tied pairs. (scipy.stats
            # takes a second to import.)
            won = sum(np.searchsorted(negative, positive, side).sum() for side in ("left", "right"))
            areas.append(won / (2 * len(positive) * len(negative)))
    return float(np.mean(areas)) if areas else float("nan")
