"""The inputs of a study: data sets, lexicons, word vectors, pretrained models, local files."""

from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
import json
from pathlib import Path
from typing import Any

from attinfo.blocks.encoders import ENCODERS
from attinfo.blocks.sources import SOURCES
from attinfo.config.sections.word_vectors import PackagedVectors
from attinfo.config.study import Study

VECTOR_PACKAGES = "results/data/word_vectors"  # folder of unpacked packages of word vectors
# Digests leave out these options at their defaults: they were added later, and the digests of older
# configs must not change.
ADDED_LATER = {
    "tokenizer": "words",
    "vocabulary_size": None,
    "most_unknown": 0.5,
    "quoting": "auto",
    "group": None,
    "least_texts": None,
    "output": "class",
    "query": None,
    "rationale": None,
    "layout": "table",
    "pattern": None,
    "drop_repeats": False,
}


class Inputs:
    """The input files of a study. Their names contain digests of the options that they depend on.

    Args:
        study: the study.
    """

    def __init__(self, study: Study):
        self.study = study

    def data_key(self, dataset: str) -> str:
        """The folder of a prepared data set: the name, and a digest of the options of `prepare`."""
        options = _digested(self.prepare_options(dataset))
        return f"{dataset}-{_digest(options | {'source': _digested(options['source'])})}"

    def dataset_of(self, key: str) -> str:
        """The name of the data set with this `data_key`."""
        return next(name for name in self.study.prepared_datasets if self.data_key(name) == key)

    def prepare_options(self, dataset: str) -> dict[str, Any]:
        """The options of the stage `prepare` for a data set, as plain values."""
        later = {"model", "training", "yardstick", "scores", "query_encoder", "query_output"}
        later |= {"labels"}
        return self.study.datasets[dataset].model_dump(mode="json", exclude=later)

    def source_key(self, dataset: str) -> str:
        """The name of the raw table of a data set, which data sets with the same source share."""
        return _source_key(self.study.datasets[dataset].source)

    def yardstick_key(self, dataset: str) -> str | None:
        """The name of the table of a data set's lexicon; None without a lexicon."""
        name = self.study.datasets[dataset].yardstick
        return None if name is None else _source_key(self.study.yardsticks[name].source)

    def yardstick_options(self, dataset: str) -> dict[str, Any] | None:
        """`name` of a data set's lexicon, and how its table is read, for `rated_words`."""
        name = self.study.datasets[dataset].yardstick
        if name is None:
            return None
        return {"name": name, **self.study.yardsticks[name].model_dump(exclude={"source"})}

    def scores(self, dataset: str) -> list[str]:
        """The table of scores of a data set; empty if it has none."""
        path = self.study.datasets[dataset].scores
        return [] if path is None else [path]

    @cached_property
    def sources(self) -> dict[str, dict[str, Any]]:
        """The sources of all data sets and lexicons of the study, as plain values, by key."""
        used = [self.study.datasets[name] for name in self.study.prepared_datasets]
        found = [dataset.source for dataset in used]
        found += [
            self.study.yardsticks[dataset.yardstick].source for dataset in used if dataset.yardstick
        ]
        return {_source_key(source): source for source in found}

    def local_files(self, key: str) -> list[str]:
        """The local files that a source reads, by the key of the source."""
        source = self.sources[key]
        return SOURCES[source["name"]].local_files(source)

    def vectors(self, dataset: str, encoder: str) -> str | None:
        """The file, or the name, of the word vectors of a cell; None for random embeddings."""
        if self._pretrained(encoder):  # such an encoder has no word embeddings
            return None
        return self.study.model_of(dataset, encoder).vectors

    @cached_property
    def vector_packages(self) -> dict[str, dict[str, Any]]:
        """The packages of word vectors of the study, as plain values, by the folder's name."""
        names = {name for pair in self.study.pairs() if (name := self.vectors(*pair))}
        return {
            _package_folder(name, own): own.model_dump(exclude={"source"})
            for name, own in self.study.vectors.items()
            if name in names
        }

    @cached_property
    def vector_files(self) -> dict[str, str]:
        """The files and package folders of the study's word vectors, by a digest of the path."""
        paths = [path for pair in self.study.pairs() if (path := self._vector_file(*pair))]
        return {_digest({"file": path}): path for path in paths}

    def _vector_file(self, dataset: str, encoder: str) -> str | None:
        name = self.vectors(dataset, encoder)
        if name is None or name not in self.study.vectors:
            return name
        return f"{VECTOR_PACKAGES}/{_package_folder(name, self.study.vectors[name])}"

    def vectors_key(self, dataset: str, encoder: str) -> str:
        """The key in `vector_files` of the word vectors of a cell."""
        return _digest({"file": self._vector_file(dataset, encoder)})

    @property
    def embeddings_from_vectors(self) -> list[tuple[str, str, int]]:
        """Data set, encoder and embedding size of the cells that start from word vectors."""
        return [
            (*pair, self.study.model_of(*pair).embedding)
            for pair in self.study.pairs()
            if self.vectors(*pair)
        ]

    def _pretrained(self, encoder: str) -> dict[str, Any] | None:
        """The options of a pretrained encoder; None for other encoders."""
        block, options = self.study.block("encoder", encoder)
        return options if ENCODERS[block.name].pretrained else None

    @cached_property
    def pretrained(self) -> dict[str, dict[str, Any]]:
        """`model` and `revision` of the pretrained encoders of the study, by a digest of both."""
        names = dict.fromkeys(run.encoder for run in self.study.runs)
        found = (_weights(options) for name in names if (options := self._pretrained(name)))
        return {_digest(weights): weights for weights in found}

    def pretrained_files(self, key: str) -> list[str]:
        """The files of a pretrained model in a local folder; none for a model on the hub."""
        folder = Path(self.pretrained[key]["model"])
        return sorted(str(file) for file in folder.rglob("*") if file.is_file())

    def pretrained_key(self, encoder: str) -> tuple[str | None, bool]:
        """The key in `pretrained` of an encoder, None for others, and whether it is fine-tuned."""
        options = self._pretrained(encoder)
        if options is None:
            return None, False
        return _digest(_weights(options)), options["fine_tune"]

    @cached_property
    def packages(self) -> dict[str, dict[str, Any]]:
        """The packages that hold models, as plain values, by the name of the model's folder."""
        found = [model.package for model in self.study.models.values() if model.package]
        return {f"{one.name}-{_digest(one.model_dump())}": one.model_dump() for one in found}

    def package_key(self, model: str) -> str | None:
        """The key in `packages` of an audited model; None if it comes in no package."""
        own = self.study.models[model].package
        return None if own is None else f"{own.name}-{_digest(own.model_dump())}"

    def model_files(self, model: str, checkpoint: int) -> list[str]:
        """The files of an audited model in a local folder; none for a model on the hub."""
        own = self.study.models[model]
        if own.model is None:
            return []
        files = Path(own.folder(checkpoint)).glob("*")
        return sorted(str(file) for file in files if file.is_file())


def _digest(options: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that change with the options."""
    return sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:8]


def _digested(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that count for a digest: all but `ADDED_LATER` ones at their defaults."""
    return {k: v for k, v in options.items() if k not in ADDED_LATER or v != ADDED_LATER[k]}


def _package_folder(name: str, own: PackagedVectors) -> str:
    return f"{name}-{_digest(own.model_dump())}"


def _source_key(source: Mapping[str, Any]) -> str:
    """The name of a raw table: the source, and a digest of its options."""
    return f"{source['name']}-{_digest(_digested(source))}"


def _weights(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a pretrained encoder that decide the pretrained weights."""
    return {key: options[key] for key in ("model", "revision")}
