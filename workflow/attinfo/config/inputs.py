"""What a study reads: data sets, yardsticks, word vectors, pretrained models, local files."""

from collections.abc import Mapping
from functools import cached_property
from hashlib import sha256
import json
from pathlib import Path
from typing import Any, cast

from attinfo.blocks.encoders import Encoder
from attinfo.blocks.sources import SOURCES
from attinfo.config.study import Study
from attinfo.data.local_files import check_local_files
from attinfo.runtime.errors import InputError

# Options that keys leave out at their defaults: data sets of before these options keep their keys.
YOUNGER = {"tokenizer": "words", "vocabulary_size": None, "most_unknown": 0.5, "quoting": "auto"}


class Inputs:
    """The files of a study, by names that change with what they are made from."""

    def __init__(self, study: Study):
        self.study = study

    def data_key(self, dataset: str) -> str:
        """The folder of a prepared data set: its name and a digest of what it is made by."""
        options = _older(self.prepare_options(dataset))
        return f"{dataset}-{_digest(options | {'source': _older(options['source'])})}"

    def dataset_of(self, key: str) -> str:
        """The name of the data set whose `data_key` is `key`."""
        return next(name for name in self.study.used_datasets if self.data_key(name) == key)

    def prepare_options(self, dataset: str) -> dict[str, Any]:
        """Everything that a prepared data set depends on, as plain values."""
        return self.study.datasets[dataset].model_dump(
            mode="json", exclude={"model", "training", "yardstick"}
        )

    def source_key(self, dataset: str) -> str:
        """The file of a raw table: data sets that read the same table share it."""
        return _source_key(self.study.datasets[dataset].source)

    def yardstick_key(self, dataset: str) -> str | None:
        """The file of the table that a data set's yardstick is, if it has one."""
        name = self.study.datasets[dataset].yardstick
        return None if name is None else _source_key(self.study.yardsticks[name].source)

    def yardstick_options(self, dataset: str) -> dict[str, Any] | None:
        """Name of a data set's yardstick, and from which value on a word is a telling one."""
        name = self.study.datasets[dataset].yardstick
        return None if name is None else {"name": name, "least": self.study.yardsticks[name].least}

    @cached_property
    def sources(self) -> dict[str, dict[str, Any]]:
        """Every source that the study reads, as plain values, by its key."""
        used = [self.study.datasets[name] for name in self.study.used_datasets]
        found = [dataset.source for dataset in used]
        found += [
            self.study.yardsticks[dataset.yardstick].source for dataset in used if dataset.yardstick
        ]
        return {_source_key(source): source for source in found}

    def local_files(self, key: str) -> list[str]:
        """Files of the user's own that the source `key` reads."""
        source = self.sources[key]
        return SOURCES[source["name"]].local_files(source)

    def check_files(self) -> None:
        """Check what can be seen of the user's own files before a job starts.

        Raises:
            InputError: one is not there or cannot be read as the config says
                (`check_local_files`).
        """
        for name in self.study.used_datasets:
            dataset = self.study.datasets[name]
            options = self.prepare_options(name)
            check_local_files(f"datasets.{name}.source", dataset.source, options)
            if dataset.yardstick:
                place = f"yardsticks.{dataset.yardstick}.source"
                source = self.study.yardsticks[dataset.yardstick].source
                check_local_files(place, source, columns=("word",), numbers=("value",))
        named = [("model.vectors", path) for path in self.vector_files.values()]
        if self.study.report.published:
            named.append(("report.published", self.study.report.published))
        for source in self.pretrained.values():
            if source["revision"] is None and not Path(source["model"]).is_dir():
                raise InputError(
                    f"config: encoders: model: '{source['model']}' is no folder here, and a model "
                    "on the hub needs 'revision', the commit that pins it"
                )
        for place, path in named:
            if not Path(path).is_file():
                found = "a folder" if Path(path).is_dir() else "nothing there"
                raise InputError(f"config: {place}: '{path}': found {found}, expected a file")

    def vectors(self, dataset: str, encoder: str) -> str | None:
        """The file of word vectors that a cell's embeddings start from."""
        if self._pretrained(encoder):  # it embeds by itself
            return None
        return self.study.model_of(dataset, encoder).vectors

    @cached_property
    def vector_files(self) -> dict[str, str]:
        """The files of word vectors that the study reads, by a digest of their path."""
        paths = [path for pair in self.study.pairs() if (path := self.vectors(*pair))]
        return {_digest({"file": path}): path for path in paths}

    def vectors_key(self, dataset: str, encoder: str) -> str:
        """The key in `vector_files` of the vectors that a cell has."""
        return _digest({"file": self.vectors(dataset, encoder)})

    @property
    def embeddings_from_vectors(self) -> list[tuple[str, str, int]]:
        """Data set, encoder and size of the embeddings that start from word vectors."""
        return [
            (*pair, self.study.model_of(*pair).embedding)
            for pair in self.study.pairs()
            if self.vectors(*pair)
        ]

    def _pretrained(self, encoder: str) -> dict[str, Any] | None:
        """The options of an encoder that reads a pretrained model; None of another one."""
        block, options = self.study.block("encoder", encoder)
        return options if cast(Encoder, block).pretrained else None

    @cached_property
    def pretrained(self) -> dict[str, dict[str, Any]]:
        """Model and revision of every pretrained encoder of the study, by a digest of the two."""
        names = dict.fromkeys(run.encoder for run in self.study.runs)
        found = (_weights(options) for name in names if (options := self._pretrained(name)))
        return {_digest(weights): weights for weights in found}

    def pretrained_files(self, key: str) -> list[str]:
        """The files of a pretrained model that is a folder of the user's own."""
        folder = Path(self.pretrained[key]["model"])
        return sorted(str(file) for file in folder.rglob("*") if file.is_file())

    def pretrained_key(self, encoder: str) -> tuple[str | None, bool]:
        """The key in `pretrained` of an encoder, if it is one, and whether it is fine-tuned."""
        options = self._pretrained(encoder)
        if options is None:
            return None, False
        return _digest(_weights(options)), options["fine_tune"]


def _digest(options: Mapping[str, Any]) -> str:
    return sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:8]


def _older(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options without `YOUNGER` ones at their defaults."""
    return {k: v for k, v in options.items() if k not in YOUNGER or v != YOUNGER[k]}


def _source_key(source: Mapping[str, Any]) -> str:
    return f"{source['name']}-{_digest(_older(source))}"


def _weights(options: Mapping[str, Any]) -> dict[str, Any]:
    """Which pretrained weights an encoder has."""
    return {key: options[key] for key in ("model", "revision")}
