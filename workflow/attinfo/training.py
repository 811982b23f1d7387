"""Training one run: seeded, early stopped on the dev accuracy, best epoch kept."""

from collections.abc import Mapping
from copy import deepcopy
import csv
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

from attinfo.data.batches import batches, pad
from attinfo.data.texts import Texts
from attinfo.determinism import be_deterministic
from attinfo.errors import InputError
from attinfo.files import whole
from attinfo.models.classifier import Classifier
from attinfo.models.variants import Variant
from attinfo.seeds import seed_of

log = logging.getLogger(__name__)
EVALUATION_BATCH = 256


class AdamW(torch.optim.AdamW):
    """torch's AdamW, spared the import of torch's compiler: two seconds in every job.

    These methods carry decorators that keep the compiler off them, and import it for that.
    """

    add_param_group = torch.optim.AdamW.add_param_group.__wrapped__
    zero_grad = torch.optim.AdamW.zero_grad.__wrapped__
    step = torch.no_grad()(torch.optim.AdamW.step.__wrapped__)


def evaluate(model: Classifier, texts: Texts) -> dict[str, float]:
    """Mean cross-entropy (nats) and accuracy of a model on a split."""
    model.eval()
    loss, right = 0.0, 0
    with torch.inference_mode():
        for chosen in batches(texts.lengths, EVALUATION_BATCH):
            logits = model(*pad(texts, chosen)).logits
            labels = torch.from_numpy(texts.labels[chosen])
            loss += cross_entropy(logits, labels, reduction="sum").item()
            right += int((logits.argmax(-1) == labels).sum())
    return {"loss": loss / len(texts), "accuracy": right / len(texts)}


def _epoch(
    model: Classifier,
    optimizer: torch.optim.Optimizer,
    texts: Texts,
    size: int,
    order: np.random.Generator,
    noise: torch.Generator,
) -> float:
    """One pass over the training texts; returns the mean training loss."""
    model.train()
    total = 0.0
    for chosen in batches(texts.lengths, size, order):
        loss = cross_entropy(
            model(*pad(texts, chosen), noise).logits, torch.from_numpy(texts.labels[chosen])
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(chosen)
    return total / len(texts)


def shuffled(texts: Texts, seed: int, split: str) -> Texts:
    """The same texts with their labels permuted among them."""
    rng = np.random.default_rng(seed_of("shuffled labels", split, seed))
    return Texts(texts.token_ids, texts.offsets, rng.permutation(texts.labels))


def train(
    train_texts: Texts,
    dev_texts: Texts,
    vocabulary: int,
    classes: int,
    model_options: Mapping[str, Any],
    training: Mapping[str, Any],
    variant: Variant,
    seed: int,
) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    """Train one run.

    Initial weights, data order and Gumbel noise draw from streams of their own, all named by
    `seed`, so that two cells with one seed see the same batches in the same order.

    Returns:
        The weights of the epoch with the highest dev accuracy (the lower loss decides a draw),
        and the history: one row an epoch.

    Raises:
        InputError: the loss stopped being finite.
    """
    if variant.shuffle_labels:
        train_texts = shuffled(train_texts, seed, "train")
        dev_texts = shuffled(dev_texts, seed, "dev")
    model = Classifier(vocabulary, classes, model_options, variant, seed)
    optimizer = AdamW(
        [p for p in model.parameters() if p.requires_grad],
        lr=training["learning_rate"],
        weight_decay=training["weight_decay"],
        fused=True,
    )
    order = np.random.default_rng(seed_of("order", seed))
    noise = torch.Generator().manual_seed(seed_of("noise", seed))
    torch.manual_seed(seed_of("dropout", seed))
    best: dict[str, Tensor] = {}
    history: list[dict[str, float]] = []
    best_epoch, best_score = 0, (-np.inf, -np.inf)
    for epoch in range(1, training["epochs"] + 1):
        loss = _epoch(model, optimizer, train_texts, training["batch_size"], order, noise)
        dev = evaluate(model, dev_texts)
        if not np.isfinite(loss + dev["loss"]):
            raise InputError(
                f"training.learning_rate: {training['learning_rate']} made the loss {loss} in "
                f"epoch {epoch}, expected a rate at which it stays finite"
            )
        history.append(
            {"epoch": epoch, "train_loss": loss, **{f"dev_{k}": v for k, v in dev.items()}}
        )
        log.info("epoch %d: %s", epoch, history[-1])
        if (dev["accuracy"], -dev["loss"]) > best_score:
            best, best_epoch = deepcopy(model.state_dict()), epoch
            best_score = (dev["accuracy"], -dev["loss"])
        elif epoch - best_epoch >= training["patience"]:
            break
    return best, history


def train_run(
    texts: tuple[Texts, Texts],
    summary: Mapping[str, Any],
    options: Mapping[str, Any],
    variant: Variant,
    provenance: Mapping[str, Any],
    outputs: Mapping[str, str | Path],
) -> None:
    """Train one run and write its weights, history and provenance.

    Args:
        texts: the train and the dev split.
        summary: of the data set.
        options: `model`, `training`, `variant` and `seed`, as in the config.
        variant: the variant that `options` names.
        provenance: from `attinfo.provenance.describe`.
        outputs: paths of `weights`, `history` and `run`.
    """
    be_deterministic()
    start = time.perf_counter()
    weights, history = train(
        *texts,
        vocabulary=summary["vocabulary"],
        classes=len(summary["classes"]),
        model_options=options["model"],
        training=options["training"],
        variant=variant,
        seed=options["seed"],
    )
    record = {
        "options": options,
        **provenance,
        "device": "cpu",
        "parameters": sum(w.numel() for w in weights.values()),
        "epochs": len(history),
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
