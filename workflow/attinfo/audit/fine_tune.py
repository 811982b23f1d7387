"""Fine-tuning of a transformer for the classes of a data set."""

from collections.abc import Sequence
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from attinfo.audit.encoded import Row, encode, spans_of
from attinfo.audit.model import CLASSIFIER, EAGER, Padded, TransformerClassifier, check_layout
from attinfo.audit.pairs import First, check_room, queries_of
from attinfo.audit.progress import progress
from attinfo.config.sections.audited import FineTune
from attinfo.data.batches import batches
from attinfo.data.texts import read_arrow, read_summary
from attinfo.models.huggingface import folder_of, network_of, tokenizer_of
from attinfo.runtime.devices import Setting, device_of
from attinfo.runtime.seeds import seed_of
from attinfo.training.optimizers import AdamW

log = logging.getLogger(__name__)
NORM = 1.0  # largest norm of the gradient of a step


def fine_tune(
    data: str | Path,
    base: str | Path,
    revision: str | None,
    options: FineTune,
    seed: int,
    folder: Path,
    place: str,
    device: Setting = "cpu",
    first: First = "text",
) -> pd.DataFrame:
    """Train a model with a new head on the training split, and write it in the layout of the hub.

    Training uses AdamW, with linear warm-up and decay. Texts of similar length make a batch. The
    weights after the last epoch are written.

    Args:
        data: folder of the prepared data set.
        base: folder of the pretrained model, or its name on the hub.
        revision: commit that pins a model on the hub; None for a folder.
        options: the section `fine_tune`.
        seed: of the head, of the order of texts and of dropout.
        folder: the folder to write, which must not exist.
        place: the key of the config that names the model, for messages.
        device: "cpu", "cuda", or "auto" for a GPU if there is one.
        first: which of the text and the query the model reads first, if the data set has queries.

    Returns:
        A row for each epoch: `epoch`, `train_loss`, `dev_accuracy`, `test_accuracy`.

    Raises:
        InputError: the base model cannot be read, it cannot read a pair of text and query, or
            there is no such device.
    """
    found = folder_of(str(base), revision, place)
    check_layout(found, place)
    tokenizer, limit = tokenizer_of(found, place)
    classes = read_summary(data)["classes"]
    torch.manual_seed(seed_of("fine-tuning", seed) % 2**63)
    network = _network(found, classes, place).to(device_of(device))
    model = TransformerClassifier(network, tokenizer, limit, options.batch_size)
    split = {part: _read(data, part, model, first, place) for part in ("train", "dev", "test")}
    model.pad_with_unused(np.concatenate([row.ids for rows, _ in split.values() for row in rows]))
    network.requires_grad_(True)
    rows, labels = split["train"]
    lengths = np.array([len(row) for row in rows])
    # The lengths alone decide where batches end, so that each epoch has the same number.
    steps = options.epochs * len(list(batches(lengths, options.batch_size)))
    optimizer = AdamW(_groups(network, options.weight_decay), lr=options.learning_rate)
    history, step = [], 0
    with progress("fine-tuning", options.epochs * len(rows)) as advance:
        for epoch in range(1, options.epochs + 1):
            network.train()
            rng = np.random.default_rng(seed_of("order of texts", seed, epoch))
            total = 0.0
            for chosen in batches(lengths, options.batch_size, rng):
                batch = model.padded([rows[i] for i in chosen])
                rate = _rate(step, steps, options.warmup)
                for group in optimizer.param_groups:
                    group["lr"] = options.learning_rate * rate
                total += _step(model, optimizer, batch, labels[chosen]) * len(chosen)
                step += 1
                advance(len(chosen))
            network.eval()
            accuracy = {part: _accuracy(model, *split[part]) for part in ("dev", "test")}
            row = {"epoch": epoch, "train_loss": total / len(rows)}
            history.append(row | {f"{part}_accuracy": own for part, own in accuracy.items()})
            log.info("%s", history[-1])
    network.requires_grad_(False)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return pd.DataFrame(history)


def _network(folder: Path, classes: Sequence[str], place: str) -> Any:
    names = dict(enumerate(classes))
    network, _ = network_of(
        CLASSIFIER,
        folder,
        place,
        attn_implementation=EAGER,
        id2label=names,
        label2id={name: i for i, name in names.items()},
        ignore_mismatched_sizes=True,  # a head for other classes is replaced
    )
    return network


def _read(
    data: str | Path, part: str, model: TransformerClassifier, first: First, place: str
) -> tuple[list[Row], np.ndarray]:
    """What the model reads for each text of a split, as an audit cuts it; the labels [texts]."""
    table = read_arrow(data, part)
    strings, spans = table["text"].to_pylist(), spans_of(table)
    tokenizer, limit, queries = model.tokenizer, model.limit, None
    if "query" in table.column_names:
        queries = queries_of(table["query"].to_pylist(), first, tokenizer, place)
        numbers = range(len(strings))
        check_room(strings, spans, queries, tokenizer, limit, f"{place}: {part}", numbers)
    encoded = encode(strings, spans, tokenizer, limit, queries=queries, segments=model.segmented)
    return encoded.rows(np.arange(len(encoded))), table["label"].to_numpy()


def _rate(step: int, steps: int, warmup: float) -> float:
    """Share of the largest learning rate at a step: it rises and then falls linearly."""
    rise = max(1.0, warmup * steps)
    return min((step + 1) / rise, (steps - step) / max(1.0, steps - rise))


def _groups(network: Any, decay: float) -> list[dict[str, Any]]:
    """Groups of parameters: matrices have weight decay, biases and norms have none."""
    own = list(network.parameters())
    return [
        {"params": [p for p in own if p.dim() > 1], "weight_decay": decay},
        {"params": [p for p in own if p.dim() <= 1], "weight_decay": 0.0},
    ]


def _step(
    model: TransformerClassifier, optimizer: AdamW, batch: Padded, labels: np.ndarray
) -> float:
    """Make one step of the optimiser and return the mean loss of the batch."""
    optimizer.zero_grad()
    target = torch.from_numpy(labels).to(model.device)
    loss = torch.nn.functional.cross_entropy(model(batch).logits, target)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.network.parameters(), NORM)
    optimizer.step()
    return float(loss.detach())


def _accuracy(model: TransformerClassifier, rows: Sequence[Row], labels: np.ndarray) -> float:
    return float((model.logits(rows).argmax(1) == labels).mean())
