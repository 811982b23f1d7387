"""Time of training steps: compared with a bare LSTM, with another program, and between cells.

A step is the forward pass, the backward pass and the update of all weights. The embeddings have 300
columns, the states 2 x 128, a batch has 64 texts, the vocabulary 20,000 words. Texts are as long as
sentences. The process keeps freed memory, as the jobs of a study do.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from attinfo.blocks.catalogue import block_of, with_defaults
from attinfo.config.sections.training import Training
from attinfo.data.batches import batches, pad
from attinfo.data.texts import Texts
from attinfo.models.architecture import Architecture
from attinfo.models.classifier import Classifier
from attinfo.models.noise import training_noise
from attinfo.runtime.job import keep_freed_memory
from attinfo.runtime.loading import Chosen
from attinfo.training.optimizers import Optimizers
from benchmarks import padded
from benchmarks.timing import Seconds, interleaved, measure

VOCABULARY, EMBEDDING, WIDTH, BATCH = 20_000, 300, 256, 64
ENCODERS, SCORERS = ("bilstm", "cnn", "mlp"), ("additive", "deep", "scaled_dot")
NORMALISERS = ("softmax", "gumbel_softmax")


def sentences(count: int, seed: int = 0) -> Texts:
    """Random texts as long as sentences (2 to 60 words), word frequencies by Zipf's law."""
    rng = np.random.default_rng(seed)
    lengths = np.clip(rng.gamma(4.5, 4.7, count).astype(int), 2, 60)
    weight = 1 / np.arange(2, VOCABULARY)
    ids = 2 + rng.choice(VOCABULARY - 2, lengths.sum(), p=weight / weight.sum())
    return Texts(ids, np.append(0, lengths.cumsum()), rng.integers(0, 2, count))


def classifier(encoder: str, scorer: str, normaliser: str) -> Classifier:
    """The untrained model with the blocks named."""
    blocks = {"encoder": encoder, "attention": scorer, "normaliser": normaliser}
    chosen = {
        kind: Chosen(name, block_of(kind, name).path, with_defaults(kind, name, {}))
        for kind, name in blocks.items()
    }
    sizes = {"embedding": EMBEDDING, "embedding_std": 0.4, "width": WIDTH, "dropout": 0.4}
    return Classifier(VOCABULARY, 2, Architecture(**chosen, temperature=1.0, **sizes))


def steps(model: Classifier, texts: Texts, chosen: list[np.ndarray]) -> Callable[[], None]:
    """A function that trains `model` once on each batch; `chosen` has the indices of its texts."""
    model.train()
    optimizers = Optimizers(model, Training())
    noise = training_noise(torch.Generator().manual_seed(0))

    def run() -> None:
        for own in chosen:
            labels = torch.from_numpy(texts.labels[own])
            loss = cross_entropy(model(pad(texts, own), noise).logits, labels)
            optimizers.zero_grad()
            loss.backward()
            optimizers.step()

    return run


def bare(texts: Texts, chosen: list[np.ndarray], packed: bool) -> Callable[[], None]:
    """A function with the forward and backward pass of an LSTM on each batch.

    Args:
        texts: the texts, of which only the lengths are used.
        chosen: indices of the texts of each batch.
        packed: pack the sequences, so that the LSTM does not read padding.
    """
    lstm = nn.LSTM(EMBEDDING, WIDTH // 2, batch_first=True, bidirectional=True)
    inputs = [torch.randn(len(c), int(texts.lengths[c].max()), EMBEDDING) for c in chosen]

    def run() -> None:
        for own, embedded in zip(chosen, inputs, strict=True):
            embedded.requires_grad_()
            if packed:
                lengths = torch.from_numpy(texts.lengths[own])
                read = pack_padded_sequence(embedded, lengths, True, enforce_sorted=False)
                states = pad_packed_sequence(lstm(read)[0], batch_first=True)[0]
            else:
                states = lstm(embedded)[0]
            states.sum().backward()

    return run


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Rows for BiLSTM with additive attention against other programs, then rows for each cell."""
    keep_freed_memory()
    texts = sentences((10 if quick else 40) * BATCH)
    chosen = list(batches(texts.lengths, BATCH, np.random.default_rng(1)))
    cells = list(product(ENCODERS, SCORERS, NORMALISERS))
    calls = {
        "bare nn.LSTM": bare(texts, chosen, packed=False),
        "bare nn.LSTM, packed": bare(texts, chosen, packed=True),
    }
    theirs = "AttentionExplanation's loop"
    calls[theirs] = padded.steps(texts, chosen, (VOCABULARY, EMBEDDING, WIDTH))
    alone = list(calls)
    few = chosen[:: 1 if quick else 4]
    for cell in cells:
        whole = cell == ("bilstm", "additive", "softmax")
        calls[" + ".join(cell)] = steps(classifier(*cell), texts, chosen if whole else few)
    first = "bilstm + additive + softmax"
    for name in (*alone, first):
        calls[name]()  # warm
    close, _ = interleaved({name: calls[name] for name in (*alone, first)}, 7)
    tokens = int(texts.offsets[-1])
    rate = f"{tokens / float(np.median(close[first])):,.0f} tokens/s"
    for name in alone:
        aim = {"target": 2} if name == theirs else {"lower": True, "target": 1.5}
        yield measure(
            *("training", first, name, f"{tokens:,} tokens"),
            *(close[first], close[name]),
            **{**aim, "note": rate},
        )
    yield from _cells({name: calls[name] for name in calls if name not in alone}, texts, few)


def _cells(
    calls: dict[str, Callable[[], None]], texts: Texts, few: list[np.ndarray]
) -> Iterator[dict[str, Any]]:
    """Rows for each cell against BiLSTM, additive attention and softmax."""
    first = "bilstm + additive + softmax"
    calls[first] = steps(classifier(*first.split(" + ")), texts, few)
    for run in calls.values():
        run()  # warm
    seconds: dict[str, Seconds] = interleaved(calls)[0]
    tokens = sum(int(texts.lengths[own].sum()) for own in few)
    for name in calls:
        if name != first:
            rate = f"{tokens / float(np.median(seconds[name])):,.0f} tokens/s"
            size = f"{tokens:,} tokens"
            rest = {"lower": True, "note": rate}
            yield measure("training", name, first, size, seconds[name], seconds[first], **rest)
