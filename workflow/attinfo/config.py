"""The config of a study: validated before anything runs, and expanded into its runs."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha256
import json
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import Field, NonNegativeInt, PositiveInt, ValidationError, model_validator

from attinfo.errors import InputError, expectation, unknown
from attinfo.grid import Filtered, Grid, Run
from attinfo.models.variants import Variant, variant_of
from attinfo.registry import entries, parse_normaliser, with_defaults
from attinfo.sections import (
    Blocks,
    Calibration,
    Dataset,
    Faithfulness,
    Importance,
    Information,
    Model,
    Name,
    Report,
    Section,
    Statistics,
    Training,
    Yardstick,
)

SectionT = TypeVar("SectionT", bound=Section)
KINDS = ("encoder", "attention", "normaliser", "variant")
CHECKS = "checks"  # stands among the estimators: some units by dearer ones, the words alone


class Study(Filtered):
    """One study: one config file, one results tree."""

    study: Name
    seeds: Annotated[list[NonNegativeInt], Field(min_length=1)]
    batch: PositiveInt = 3  # seeds of a cell that one job takes, one after the other
    datasets: dict[Name, Dataset] = Field(default={})
    yardsticks: dict[Name, Yardstick] = Field(default={})
    grid: Annotated[list[Grid], Field(min_length=1)]
    # Options of building blocks where not at their defaults. A name of your own, with `name`
    # among its options, is the same block once more with other options.
    encoders: Blocks = Field(default={})
    attentions: Blocks = Field(default={})
    normalisers: Blocks = Field(default={})
    variants: Blocks = Field(default={})
    model: Model = Model()
    training: Training = Training()
    information: Information = Information()
    importance: Importance = Importance()
    faithfulness: Faithfulness = Faithfulness()
    calibration: Calibration = Calibration()
    statistics: Statistics = Statistics()
    report: Report = Report()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.study == "data":
            raise ValueError("study: 'data' is the folder of the data sets, expected another name")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {self.seeds} names a seed twice")
        for kind in KINDS:
            for name in getattr(self, f"{kind}s"):
                with naming(f"{kind}s.{name}"):
                    self.block(kind, name)
        for section, kind in (
            ("information", "estimator"),
            ("importance", "importance measure"),
        ):
            for name, options in getattr(self, section).options.items():
                with naming(f"{section}.options"):
                    with_defaults(kind, name, options)
        for place, named in self._named():
            for kind, names in named:
                for name in names:
                    with naming(f"{place}.{kind}"):
                        self._check_name(kind, name)
        self._check_filters()
        for name in self.used_datasets:
            with naming(f"datasets.{name}"):
                yardstick = self.datasets[name].yardstick
                if yardstick is not None and yardstick not in self.yardsticks:
                    raise ValueError(unknown("yardstick", yardstick, self.yardsticks))
                self._training(name)
                for encoder in self._encoders(name):
                    self._model(name, encoder)
        return self

    def _named(self) -> Iterator[tuple[str, Iterator[tuple[str, list[str]]]]]:
        """Everything that names building blocks, and where it stands in the config."""
        for place, one in self.filters():
            yield place, one.named()
        for i, grid in enumerate(self.grid):
            yield f"grid.{i}", grid.named()
            for place, one in grid.filters():
                yield f"grid.{i}.{place}", one.named()

    def _check_name(self, kind: str, name: str) -> None:
        if kind != "dataset":
            self.block(kind, parse_normaliser(name)[0] if kind == "normaliser" else name)
        elif name not in self.datasets:
            raise ValueError(unknown("dataset", name, self.datasets))

    def _check_filters(self) -> None:
        crossed = [list(grid.crossed(self.seeds[:1])) for grid in self.grid]
        for i, (grid, runs) in enumerate(zip(self.grid, crossed, strict=True)):
            with naming(f"grid.{i}"):
                grid.check(runs)
        self.check([run for runs in crossed for run in runs])
        if not self.runs:
            raise ValueError("grid: include and exclude leave no run, expected one or more")

    @classmethod
    def checked(cls, config: Mapping[str, Any]) -> Self:
        """The study that a config describes.

        Raises:
            InputError: a line for each thing wrong: the key, what was found, what was expected.
        """
        try:
            return cls.model_validate(config)
        except ValidationError as error:
            raise InputError("\n".join(map(_sentence, error.errors()))) from None

    @cached_property
    def runs(self) -> list[Run]:
        """Every run of the study, once, in the order of the grids."""
        kept = (
            run
            for grid in self.grid
            for run in grid.crossed(self.seeds)
            if grid.keeps(run) and self.keeps(run)
        )
        return list(dict.fromkeys(kept))

    @cached_property
    def models(self) -> list[Run]:
        """The runs that train a model, those included that another run needs."""
        found = []
        for run in self.runs:
            variant = self.variant(run.variant)
            if variant.needs_trained or not variant.trains:
                found.append(run._replace(variant="trained"))
            if variant.trains:
                found.append(run)
        return list(dict.fromkeys(found))

    @cached_property
    def batches(self) -> list[list[int]]:
        """The seeds in the order of the config, as many together as one job takes."""
        starts = range(0, len(self.seeds), self.batch)
        return [self.seeds[start : start + self.batch] for start in starts]

    @property
    def groups(self) -> list[str]:
        """Every cell and variant of the study, as `Run.group`."""
        return list(dict.fromkeys(run.group for run in self.runs))

    @cached_property
    def used_datasets(self) -> list[str]:
        """The data sets that a grid names."""
        return list(dict.fromkeys(run.dataset for run in self.runs))

    @property
    def temperatures(self) -> list[float]:
        """Every temperature of the study but one."""
        found = {parse_normaliser(run.normaliser)[1] for run in self.runs}
        return sorted(found - {1.0})

    @property
    def shown_runs(self) -> list[Run]:
        """Runs whose texts the report shows, of the first data set: the first run, with one of
        each other scorer, and one of each other encoder; trained ones where there are any.
        """
        own = [run for run in self.runs if run.dataset == self.used_datasets[0]]
        own.sort(key=lambda run: run.variant != "trained")
        first, shown = own[0], {}
        for run in own:
            if run.encoder == first.encoder:
                shown.setdefault((run.encoder, run.attention), run)
        for run in own:
            if run.encoder not in {encoder for encoder, _ in shown}:
                shown[run.encoder, run.attention] = run
        return list(shown.values())

    def data_key(self, dataset: str) -> str:
        """The folder of a prepared data set: its name and a digest of what it is made by."""
        return f"{dataset}-{_digest(self.prepare_options(dataset))}"

    def dataset_of(self, key: str) -> str:
        """The name of the data set whose `data_key` is `key`."""
        return next(name for name in self.used_datasets if self.data_key(name) == key)

    def prepare_options(self, dataset: str) -> dict[str, Any]:
        """Everything that a prepared data set depends on, as plain values."""
        return self.datasets[dataset].model_dump(
            mode="json", exclude={"model", "training", "yardstick"}
        )

    def source_key(self, dataset: str) -> str:
        """The file of a raw table: data sets that read the same table share it."""
        return _source_key(self.datasets[dataset].source)

    def yardstick_key(self, dataset: str) -> str | None:
        """The file of the table that a data set's yardstick is, if it has one."""
        name = self.datasets[dataset].yardstick
        return None if name is None else _source_key(self.yardsticks[name].source)

    def yardstick_options(self, dataset: str) -> dict[str, Any] | None:
        """Name of a data set's yardstick, and from which value on a word is a telling one."""
        name = self.datasets[dataset].yardstick
        return None if name is None else {"name": name, "least": self.yardsticks[name].least}

    @cached_property
    def sources(self) -> dict[str, dict[str, Any]]:
        """Every source that the study reads, as plain values, by its key."""
        used = [self.datasets[name] for name in self.used_datasets]
        found = [dataset.source for dataset in used]
        found += [
            self.yardsticks[dataset.yardstick].source for dataset in used if dataset.yardstick
        ]
        return {_source_key(source): source for source in found}

    def local_files(self, key: str) -> list[str]:
        """Files of the user's own that the source `key` reads."""
        source = self.sources[key]
        if source["name"] == "huggingface" and Path(source["path"]).is_dir():
            return sorted(str(file) for file in Path(source["path"]).rglob("*") if file.is_file())
        if source["name"] != "files":
            return []
        return [source[role] for role in ("path", "train", "dev", "test") if source[role]]

    def check_files(self) -> None:
        """See that every file of the user's own is there.

        Raises:
            InputError: one is not, or is no file.
        """
        keys = {self.source_key(name): f"datasets.{name}.source" for name in self.used_datasets}
        for name in self.used_datasets:
            if key := self.yardstick_key(name):
                keys.setdefault(key, f"yardsticks.{self.datasets[name].yardstick}.source")
        named = [(place, path) for key, place in keys.items() for path in self.local_files(key)]
        named += [("model.vectors", path) for path in self.vector_files.values()]
        if self.report.published:
            named.append(("report.published", self.report.published))
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

    def block(self, kind: str, name: str) -> dict[str, Any]:
        """The registered name and all options of a building block that the config names.

        Raises:
            ValueError: the name is unknown, or one of its options cannot be.
        """
        own = getattr(self, f"{kind}s")
        options = dict(own.get(name, {}))
        registered = options.pop("name", name)
        if registered not in entries(kind):
            raise ValueError(unknown(kind, registered, [*entries(kind), *own]))
        if kind == "encoder":  # it may have sizes of its own, checked where they are used
            for key in self._sizes(registered, options):
                del options[key]
        return {"name": registered, **with_defaults(kind, registered, options)}

    @staticmethod
    def _sizes(encoder: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """Those options of an encoder that are keys of `model`."""
        keys = Model.model_fields.keys() - entries("encoder")[encoder].options.keys()
        return {key: value for key, value in options.items() if key in keys}

    def _model(self, dataset: str, encoder: str) -> Model:
        """The sizes of a cell: those of the study, of the data set, of the encoder."""
        options = self.encoders.get(encoder, {})
        own = self._sizes(options.get("name", encoder), options)
        return _replaced(self.model, "model", self.datasets[dataset].model | own)

    def _pairs(self) -> list[tuple[str, str]]:
        """The data sets with the encoders that meet them."""
        return list(dict.fromkeys((run.dataset, run.encoder) for run in self.runs))

    def _encoders(self, dataset: str) -> list[str]:
        """The encoders that meet a data set."""
        return [encoder for name, encoder in self._pairs() if name == dataset]

    def _training(self, dataset: str) -> Training:
        return _replaced(self.training, "training", self.datasets[dataset].training)

    def variant(self, name: str) -> Variant:
        """The variant that a run names."""
        return variant_of(self.block("variant", name))

    def vectors(self, dataset: str, encoder: str) -> str | None:
        """The file of word vectors that a cell's embeddings start from."""
        if self.block("encoder", encoder)["name"] == "pretrained":  # it embeds by itself
            return None
        return self._model(dataset, encoder).vectors

    @cached_property
    def vector_files(self) -> dict[str, str]:
        """The files of word vectors that the study reads, by a digest of their path."""
        paths = [path for pair in self._pairs() if (path := self.vectors(*pair))]
        return {_digest({"file": path}): path for path in paths}

    def vectors_key(self, dataset: str, encoder: str) -> str:
        """The key in `vector_files` of the vectors that a cell has."""
        return _digest({"file": self.vectors(dataset, encoder)})

    @property
    def embeddings_from_vectors(self) -> list[tuple[str, str, int]]:
        """Data set, encoder and size of the embeddings that start from word vectors."""
        return [
            (*pair, self._model(*pair).embedding) for pair in self._pairs() if self.vectors(*pair)
        ]

    @cached_property
    def pretrained(self) -> dict[str, dict[str, Any]]:
        """Model and revision of every pretrained encoder of the study, by a digest of the two."""
        encoders = (self.block("encoder", name) for name in {run.encoder for run in self.runs})
        sources = [_source(encoder) for encoder in encoders if encoder["name"] == "pretrained"]
        return {_digest(source): source for source in sources}

    def pretrained_files(self, key: str) -> list[str]:
        """The files of a pretrained model that is a folder of the user's own."""
        folder = Path(self.pretrained[key]["model"])
        return sorted(str(file) for file in folder.rglob("*") if file.is_file())

    def pretrained_key(self, encoder: str) -> tuple[str | None, bool]:
        """The key in `pretrained` of an encoder, if it is one, and whether it is fine-tuned."""
        block = self.block("encoder", encoder)
        if block["name"] != "pretrained":
            return None, False
        return _digest(_source(block)), block["fine_tune"]

    def model_options(
        self, dataset: str, encoder: str, attention: str, normaliser: str
    ) -> dict[str, Any]:
        """Everything that fixes the architecture of a cell, as plain values."""
        name, temperature = parse_normaliser(normaliser)
        return {
            "encoder": self.block("encoder", encoder),
            "attention": self.block("attention", attention),
            "normaliser": {**self.block("normaliser", name), "temperature": temperature},
            **self._model(dataset, encoder).model_dump(exclude={"vectors"}),
        }

    def training_options(self, dataset: str) -> dict[str, Any]:
        """How the models of a data set are trained, as plain values."""
        return self._training(dataset).model_dump()

    @property
    def estimates(self) -> list[str]:
        """What makes a table of estimates of each run: every estimator, and the checks on them."""
        return [*self.information.estimators, CHECKS]

    @property
    def calibrated(self) -> list[str]:
        """The estimators that are measured where the information is known: all of the study."""
        return [*self.information.estimators, *self.information.spot_checks]

    def _estimators(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Estimators with all their options."""
        given = self.information.options
        return {name: with_defaults("estimator", name, given.get(name, {})) for name in names}

    def information_options(self, estimates: str) -> dict[str, Any]:
        """The settings of one of `estimates`, and nothing of the others."""
        section = self.information
        checks = estimates == CHECKS
        common = section.model_dump(exclude={"estimators", "options", "spot_checks", "spot_units"})
        return common | {
            "estimators": self._estimators([] if checks else [estimates]),
            "spot_checks": self._estimators(section.spot_checks if checks else []),
            "spot_units": section.spot_units if checks else 0,
            "words": checks,
        }

    def importance_options(self) -> dict[str, dict[str, Any]]:
        """The importance measures of the study, the options of each filled in."""
        given = self.importance.options
        return {
            name: with_defaults("importance measure", name, given.get(name, {}))
            for name in self.importance.measures
        }

    def calibration_options(self, dataset: str, estimator: str) -> dict[str, Any]:
        """The settings of the calibration of an estimator, at the size of the states."""
        widths = (self._model(dataset, encoder).width for encoder in self._encoders(dataset))
        return {
            **self.calibration.model_dump(),
            "estimators": self._estimators([estimator]),
            "fewest": self.information.min_texts,
            "width": max(widths),
        }

    def preflight_options(self) -> dict[str, Any]:
        """What is checked together with the data before anything is trained."""
        needs = {
            f"{kind}s.{name}": entries(kind)[self.block(kind, name)["name"]].requires
            for kind in ("encoder", "attention")
            for name in dict.fromkeys(getattr(run, kind) for run in self.runs)
        }
        return {
            "datasets": self.used_datasets,
            "min_texts": self.information.min_texts,
            "packages": {place: package for place, package in needs.items() if package},
            "embeddings": [size for _, _, size in self.embeddings_from_vectors],
        }

    def plan(self) -> str:
        """How much the study means, in a sentence."""
        cells = {run[:4] for run in self.runs}
        return (
            f"study '{self.study}': {len(self.used_datasets)} data sets, {len(cells)} cells, "
            f"{len({run.variant for run in self.runs})} variants, {len(self.seeds)} seeds: "
            f"{len(self.runs):,} runs, {len(self.models):,} models to train"
        )


def _digest(options: Mapping[str, Any]) -> str:
    return sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:8]


def _source_key(source: Mapping[str, Any]) -> str:
    return f"{source['name']}-{_digest(source)}"


def _source(pretrained: Mapping[str, Any]) -> dict[str, Any]:
    """Which pretrained weights an encoder has."""
    return {key: pretrained[key] for key in ("model", "revision")}


def _replaced(section: SectionT, name: str, changes: Mapping[str, Any]) -> SectionT:
    """A section with some of its keys changed.

    Raises:
        ValueError: a key is unknown, or its value cannot be.
    """
    try:
        return type(section).model_validate(section.model_dump() | changes)
    except ValidationError as error:
        first = _sentence(error.errors()[0]).removeprefix("config: ")
        raise ValueError(f"{name}.{first}") from None


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Errors of the block say where in the config they come from."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _sentence(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    prefix = f"config: {where}: " if where else "config: "
    if error["type"] == "value_error":
        return prefix + str(error["ctx"]["error"])
    if error["type"] == "missing":
        return prefix + "missing"
    return f"{prefix}found {error['input']!r}, {expectation(error['msg'])}"


def write_schema(path: str | Path) -> None:
    """Write the JSON schema of the config, for editors: `python -m attinfo.config`."""
    schema = json.dumps(Study.model_json_schema(), indent=2, sort_keys=True)
    Path(path).write_text(schema + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_schema("workflow/schemas/config.schema.json")
