"""How well a model does on a split, and how far it is from the trained model of its cell."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from attinfo.data.batches import Batch, batches, pad
from attinfo.data.texts import Texts
from attinfo.devices import out_of_memory
from attinfo.errors import InputError
from attinfo.models.classifier import Classifier, Output
from attinfo.models.noise import evaluation_noise

BATCH = 256
LEAST = 1e-12  # weights below count as this, so that a weight of zero has a logarithm


def run(model: Classifier, batch: Batch, chosen: np.ndarray, seed: int) -> Output:
    """What a model makes of a batch at evaluation, with noise where its normaliser asks for it.

    Args:
        model: in evaluation mode.
        batch: the texts.
        chosen: [B] their places in the split; they and `seed` decide the noise.
        seed: of the run.
    """
    noise = evaluation_noise(chosen, model.draws, seed) if model.draws else None
    return model(batch, noise).cpu()


def outputs(
    model: Classifier, texts: Texts, seed: int
) -> Iterator[tuple[np.ndarray, Batch, Output]]:
    """The texts of each batch of a split, the batch, and what a model makes of it, see `run`.

    A batch that the memory of the device does not hold is halved.

    Raises:
        InputError: not even one text fits.
    """
    todo = [*batches(texts.lengths, BATCH)][::-1]
    while todo:
        chosen = todo.pop()
        batch = pad(texts, chosen)
        try:
            output = run(model, batch, chosen, seed)
        except torch.OutOfMemoryError:
            if len(chosen) == 1:
                raise InputError(
                    f"device: {model.device} has no memory for a text of {batch.lengths[0]} "
                    "tokens; expected a smaller model, or device 'cpu'"
                ) from None
            out_of_memory(model.device, f"a batch of {len(chosen)} is halved")
            todo += [*np.array_split(chosen, 2)][::-1]
            continue
        yield chosen, batch, output


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


def total_variation(logits: Tensor, others: Tensor) -> Tensor:
    """[...] total variation distance of the class probabilities of logits [..., C]."""
    return (logits.softmax(-1) - others.softmax(-1)).abs().sum(-1) / 2


def kullback_leibler(weights: Tensor, others: Tensor) -> Tensor:
    """[B] KL(weights || others) of weights [B, T], in nats; weights below 1e-12 count as that."""
    logs = weights.clamp(min=LEAST).log() - others.clamp(min=LEAST).log()
    return (weights * logs).sum(-1)


def jensen_shannon(weights: Tensor, others: Tensor) -> Tensor:
    """[B] Jensen-Shannon divergence of weights [B, T] and others, in nats: 0 to log 2."""
    middle = (weights + others) / 2
    return (kullback_leibler(weights, middle) + kullback_leibler(others, middle)) / 2
