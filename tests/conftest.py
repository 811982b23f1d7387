"""A tiny data set whose answer is planted, and small models trained on it.

Every text is filler words but for one keyword, at a random place, that decides the class.
"""

from collections.abc import Callable, Iterator, Mapping
import csv
from dataclasses import asdict, dataclass, replace
from functools import cache
import os
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cluster import Cluster, cluster, missing
from hypothesis import settings
import numpy as np
import pytest
from tokenizers import Tokenizer
from torch import Tensor

from attinfo.blocks.catalogue import KINDS
from attinfo.blocks.normalisers import parse_normaliser
from attinfo.blocks.variant import Variant
from attinfo.blocks.variants import VARIANTS as VARIANT_BLOCKS
from attinfo.config.sections.dataset import Dataset, Split
from attinfo.config.sections.training import Training
from attinfo.data.prepare import prepare
from attinfo.data.sources.files import files
from attinfo.data.texts import Texts, read_summary, read_texts
from attinfo.models.architecture import Architecture
from attinfo.models.classifier import Classifier
from attinfo.runtime.job import be_deterministic
from attinfo.runtime.loading import Chosen
from attinfo.states.extract import states_of
from attinfo.states.store import States
from attinfo.training.train import train

# The same examples in every run of the tests.
settings.register_profile("tests", derandomize=True, deadline=None)
settings.load_profile("tests")

# Files that take minutes, the longest first; most of them only with their slow tests.
LONGEST = (
    *("test_null_verdicts", "test_verdicts", "test_planted", "test_slurm", "test_kill"),
    *("test_audit_minilm", "test_accuracy", "test_isolation", "test_workflow", "test_docs_facts"),
    *("test_extension", "test_reruns", "test_units", "test_text_groups", "test_places"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest files first, so that no worker waits for the last of them."""
    place = {name: i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


KEYWORDS = {"good": "1", "bad": "0"}
FILLER = [f"word{i}" for i in range(24)]
TRAINING = Training(epochs=12, patience=12, batch_size=32, learning_rate=0.01)


@dataclass(frozen=True)
class Planted:
    """A prepared planted data set."""

    folder: Path
    raw: Path
    options: dict[str, Any]
    keywords: np.ndarray  # token ids

    def texts(self, split: str) -> Texts:
        return read_texts(self.folder, split)

    @property
    def sizes(self) -> tuple[int, int]:
        summary = read_summary(self.folder)
        return summary["vocabulary"], len(summary["classes"])


@dataclass(frozen=True)
class Trained:
    """A model trained on the planted data, and what it did with the test texts."""

    model: Classifier
    weights: dict[str, Tensor]
    history: list[dict[str, float]]
    states: States
    architecture: Architecture

    def keyword(self, planted: Planted) -> np.ndarray:
        """[tokens] whether each token of the store is a keyword."""
        return np.isin(self.states.token_id, planted.keywords)


def write_planted(path: Path, texts: int = 600, seed: int = 0) -> Path:
    """A CSV file with the columns text and label."""
    rng = np.random.default_rng(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for _ in range(texts):
            words = rng.choice(FILLER, size=rng.integers(4, 12)).tolist()
            keyword = str(rng.choice(list(KEYWORDS)))
            words.insert(rng.integers(0, len(words) + 1), keyword)
            writer.writerow([" ".join(words), KEYWORDS[keyword]])
    return path


def chosen(kind: str, name: str, **options: Any) -> Chosen:
    """A building block with its options, those not given at their defaults."""
    block = KINDS[kind][name]
    return Chosen(name, block.path, block.complete(kind, options))


def estimators(**options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Estimators of classes by their names, with options, as a job is given them."""
    return [asdict(chosen("estimator", name, **own)) for name, own in options.items()]


def code_of(kind: str) -> dict[str, Any]:
    """The class or function of every block of a kind, by its name."""
    return {name: block.load() for name, block in KINDS[kind].items()}


def variant_of(name: str, **options: Any) -> Variant:
    """A variant, options that are not given at their defaults."""
    block = VARIANT_BLOCKS[name]
    return Variant.of(block.plain(block.complete("variant", options)))


VARIANTS = {name: variant_of(name) for name in VARIANT_BLOCKS}


def architecture_of(
    encoder: str = "mlp",
    attention: str = "additive",
    normaliser: str = "softmax",
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> Architecture:
    """A small model of a cell, with changes of its fields."""
    name, temperature = parse_normaliser(normaliser)
    small = Architecture(
        encoder=chosen("encoder", encoder),
        attention=chosen("attention", attention),
        normaliser=chosen("normaliser", name),
        temperature=temperature,
        embedding=16,
        embedding_std=0.4,
        width=16,
        dropout=0.2,
    )
    return replace(small, **changes)


def plain(architecture: Architecture) -> dict[str, Any]:
    """An architecture as plain values, as a job is given it."""
    return asdict(architecture)


@pytest.fixture(scope="session", autouse=True)
def deterministic() -> None:
    """As in every job."""
    be_deterministic()


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """The planted data set, prepared."""
    folder = tmp_path_factory.mktemp("planted")
    raw = write_planted(folder / "texts.csv")
    split = Split(train=0.55, dev=0.1)
    options = Dataset(source={"name": "files", "path": str(raw)}, split=split).model_dump()
    files(path=str(raw)).to_parquet(folder / "raw.parquet")
    prepare(folder / "raw.parquet", options, folder / "data")
    vocabulary = Tokenizer.from_file(str(folder / "data" / "vocabulary.json"))
    ids = np.array([vocabulary.token_to_id(word) for word in KEYWORDS])
    return Planted(folder / "data", raw, options, ids)


@pytest.fixture(scope="session")
def trained(planted: Planted) -> Callable[..., Trained]:
    """Trains a model on the planted data: `trained(encoder, variant, seed)`, each only once."""

    @cache
    def build(encoder: str = "mlp", variant: str = "trained", seed: int = 1) -> Trained:
        architecture = architecture_of(encoder)
        weights, history = train(
            planted.texts("train"),
            planted.texts("dev"),
            *planted.sizes,
            architecture=architecture,
            training=TRAINING,
            variant=VARIANTS[variant],
            seed=seed,
        )
        model = Classifier(*planted.sizes, architecture, VARIANTS[variant])
        model.load_state_dict(weights)
        states = States(**states_of(model.eval(), planted.texts("test")))
        return Trained(model, weights, history, states, architecture)

    return build


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages, from which pip takes them instead of the network."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture(scope="module")
def slurm() -> Iterator[Cluster]:
    """A real Slurm of two nodes; a test goes without only outside continuous integration."""
    why = missing()
    if why and not os.environ.get("CI"):
        pytest.skip(f"no Slurm to test on: {why}")
    assert not why, why
    with cluster() as running:
        yield running
