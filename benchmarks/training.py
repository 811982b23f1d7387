"""What a training step costs beside the LSTM in it: ratios within one run.

    python benchmarks/training.py

A step of BiLSTM with additive attention (forward, backward, both optimisers) against forward and
backward of a bare `torch.nn.LSTM` over the same shapes and packed lengths, on one thread, turn by
turn. Embeddings 300, width 2 x 128, 64 texts a batch, 20,000 words; lengths as of sentences.
"""

from statistics import median
import time

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from attinfo.data.batches import batches, pad
from attinfo.data.texts import Texts
from attinfo.models.classifier import Classifier
from attinfo.models.variants import VARIANTS
from attinfo.optimizers import Optimizers
from attinfo.sections import Training

VOCABULARY, EMBEDDING, WIDTH, BATCH, REPEATS = 20_000, 300, 256, 64, 7


def sentences(count: int, seed: int = 0) -> Texts:
    """Texts with the lengths of sentences and the word frequencies of language (Zipf)."""
    rng = np.random.default_rng(seed)
    lengths = np.clip(rng.gamma(4.5, 4.7, count).astype(int), 2, 60)
    weight = 1 / np.arange(2, VOCABULARY)
    ids = 2 + rng.choice(VOCABULARY - 2, lengths.sum(), p=weight / weight.sum())
    offsets = np.append(0, lengths.cumsum())
    return Texts(ids, offsets, rng.integers(0, 2, count))


def main() -> None:
    """Time both, turn by turn, and print the ratio."""
    torch.set_num_threads(1)
    texts = sentences(40 * BATCH)
    options = {
        "encoder": {"name": "bilstm"},
        "attention": {"name": "additive"},
        "normaliser": {"name": "softmax", "temperature": 1.0},
        **{"embedding": EMBEDDING, "embedding_std": 0.4, "width": WIDTH, "dropout": 0.4},
    }
    chosen = list(batches(texts.lengths, BATCH, np.random.default_rng(1)))
    bare = nn.LSTM(EMBEDDING, WIDTH // 2, batch_first=True, bidirectional=True)
    inputs = [torch.randn(len(c), int(texts.lengths[c].max()), EMBEDDING) for c in chosen]
    model = Classifier(VOCABULARY, 2, options, VARIANTS["trained"]).train()
    optimizers = Optimizers(model, Training().model_dump())

    def lstm() -> None:
        for own, embedded in zip(chosen, inputs, strict=True):
            lengths = torch.from_numpy(texts.lengths[own])
            packed = pack_padded_sequence(
                embedded.requires_grad_(), lengths, batch_first=True, enforce_sorted=False
            )
            pad_packed_sequence(bare(packed)[0], batch_first=True)[0].sum().backward()

    def steps() -> None:
        for own in chosen:
            labels = torch.from_numpy(texts.labels[own])
            loss = cross_entropy(model(pad(texts, own)).logits, labels)
            optimizers.zero_grad()
            loss.backward()
            optimizers.step()

    def seconds(work) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    lstm(), steps()  # warm
    pairs = [(seconds(lstm), seconds(steps)) for _ in range(REPEATS)]
    ratios = [step / alone for alone, step in pairs]
    tokens = int(texts.offsets[-1])
    print(f"bare LSTM, forward and backward: {tokens / median(p[0] for p in pairs):,.0f} tokens/s")
    print(f"training step: {tokens / median(p[1] for p in pairs):,.0f} tokens/s")
    print(f"ratio: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), {REPEATS} turns")


if __name__ == "__main__":
    main()
