"""How well a model does on a split, and how far it is from the trained model of its cell."""

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier
from attinfo.models.distances import jensen_shannon, total_variation
from attinfo.models.inference import outputs, run


def evaluate(
    model: Classifier, texts: Texts, seed: int = 0, teacher: Classifier | None = None
) -> dict[str, float]:
    """Mean cross-entropy (nats), accuracy and ROC AUC of a model on a split.

    With a teacher also `tvd`, the total variation distance of the outputs, and `jsd`, the
    Jensen-Shannon divergence of the weights in nats, both means over texts.
    """
    model.eval()
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
                theirs = run(teacher, batch, chosen, seed)
                tvd += total_variation(output.logits, theirs.logits).sum().item()
                jsd += jensen_shannon(output.attention, theirs.attention).sum().item()
    found = {
        "loss": loss / len(texts),
        "accuracy": float(np.mean(probabilities.argmax(1) == texts.labels)),
        "roc_auc": roc_auc(probabilities, texts.labels),
    }
    return found | ({} if teacher is None else {"tvd": tvd / len(texts), "jsd": jsd / len(texts)})


def roc_auc(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve, one class against the rest, mean over the classes there are.

    The Mann-Whitney statistic of each class (Hanley & McNeil 1982); NaN with one class only.

    Args:
        probabilities: [texts, C].
        labels: [texts].
    """
    areas = []
    for label in np.unique(labels):
        own = labels == label
        positive, negative = probabilities[own, label], np.sort(probabilities[~own, label])
        if len(negative):
            # Pairs won, half of the drawn ones among them. (scipy.stats takes a second to import.)
            won = sum(np.searchsorted(negative, positive, side).sum() for side in ("left", "right"))
            areas.append(won / (2 * len(positive) * len(negative)))
    return float(np.mean(areas)) if areas else float("nan")
