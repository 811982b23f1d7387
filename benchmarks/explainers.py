"""Importance of words in a transformer, compared with that of the package `interpreto`.

Both programs mask each word in turn (leave-one-out), and both compute integrated gradients with
equally many gradients. The model is MiniLM from PyPI with a random classification head. The texts
are random words of one subword. The integrated gradients of `interpreto` are of a logit, at evenly
spaced points, ours of the log-odds, by Gauss-Legendre quadrature. So only their times are compared.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from attinfo.audit import stages
from attinfo.audit.api import blocks
from attinfo.config.sections.audit import Audit
from benchmarks.audit import classifier, texts_of
from benchmarks.timing import interleaved, measure

BATCH = 64  # texts that `interpreto` reads at once


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """A row for leave-one-out and a row for integrated gradients."""
    from interpreto import Granularity, IntegratedGradients, Occlusion
    from interpreto.attributions import InferenceModes
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    count, size, steps = (50, 8, 4) if quick else (50, 30, 16)
    section = Audit(
        texts=count, costly_texts=count, options={"integrated_gradients": {"steps": steps}}
    )
    own = {one.name: one for one in blocks("audit measure", section.measures, section)}
    with TemporaryDirectory() as place:
        folder = Path(place) / "minilm"
        model = classifier(folder)
        network = AutoModelForSequenceClassification.from_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    audited = texts_of(model, count, size + 2, section)
    texts = audited.strings  # in the order of our values
    with torch.no_grad():
        encoded = tokenizer(texts, return_tensors="pt", padding=True)
        target = network(**encoded).logits.argmax(1)
    words = {"granularity": Granularity.WORD, "batch_size": BATCH}
    peers = {
        "mask_one_out": Occlusion(
            network, tokenizer, inference_mode=InferenceModes.SOFTMAX, **words
        ),
        "integrated_gradients": IntegratedGradients(
            network, tokenizer, n_perturbations=steps, **words
        ),
    }
    for name, peer in peers.items():

        def ours(name: str = name) -> np.ndarray:
            return stages.measure(model, audited, own[name])[0]

        def theirs(peer: Any = peer) -> np.ndarray:
            found = peer(texts, targets=target[:, None])
            return np.concatenate([one.attributions.flatten().numpy() for one in found])

        seconds, gave = interleaved({"ours": ours, "theirs": theirs}, 1 if quick else 3)
        known: dict[str, Any] = {}
        if name == "mask_one_out":
            apart = float(np.abs(gave["ours"] - gave["theirs"]).max())
            known = {"difference": apart, "tolerance": 1e-5}
        about = "explainers", name, "interpreto", f"{count} texts of {size} words"
        yield measure(*about, seconds["ours"], seconds["theirs"], **known)
