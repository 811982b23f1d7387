"""The config of a study: validated before anything runs, and expanded into its runs."""

from collections.abc import Mapping
from hashlib import sha256
from itertools import product
import json
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from attinfo.errors import InputError, unknown
from attinfo.models.variants import VARIANTS
from attinfo.registry import check_name, entries, normaliser_name, parse_normaliser, with_defaults

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]  # becomes a folder's name
Fraction = Annotated[float, Field(gt=0, lt=1)]
Blocks = dict[str, dict[str, Any]]  # name of a building block -> its options
OneOrMore = Annotated[
    list[str],
    BeforeValidator(
        lambda value: [value] if isinstance(value, str) else value,
        json_schema_input_type=str | list[str],
    ),
    Field(min_length=1),
]


class Run(NamedTuple):
    """One trained model: a cell, a variant and a seed. Its path holds its files."""

    dataset: str
    encoder: str
    attention: str
    normaliser: str
    variant: str
    seed: int

    @property
    def path(self) -> str:
        """The run's folder, below `results/<study>/runs/`."""
        return "/".join(map(str, self))

    @property
    def group(self) -> str:
        """The folder of all seeds of the run's cell and variant."""
        return "/".join(self[:-1])


class Section(BaseModel):
    """A part of the config that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                if key not in cls.model_fields:
                    raise ValueError(unknown("key", key, cls.model_fields))
        return data


class Split(Section):
    """Shares of the texts, drawn stratified by class; the rest is the test split."""

    train: Fraction = 0.7
    dev: Fraction = 0.1
    seed: int = 13

    @model_validator(mode="after")
    def _leaves_a_test_split(self) -> Self:
        if self.train + self.dev >= 1:
            raise ValueError(
                f"train + dev is {self.train + self.dev:g}, expected less than 1: "
                "the rest is the test split"
            )
        return self


class Dataset(Section):
    """Labelled texts: where they come from, and how they become token ids."""

    source: dict[str, Any]
    text: str = "text"  # the column that holds the text
    label: str = "label"  # the column that holds the class
    where: dict[str, str] = {}  # rows kept: column -> value
    classes: dict[str, str] = {}  # label in the file -> name to show; empty: as in the file
    split: Split = Split()
    min_count: PositiveInt = 2  # words seen less often in training are unknown words
    max_tokens: PositiveInt = 400  # longer texts are cut

    @field_validator("source")
    @classmethod
    def _registered(cls, source: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(source.get("name"), str):
            known = ", ".join(entries("source"))
            raise ValueError(f"'name' is {source.get('name')!r}, expected one of {known}")
        options = {key: value for key, value in source.items() if key != "name"}
        return {"name": source["name"], **with_defaults("source", source["name"], options)}


class Grid(Section):
    """A cross product of building blocks; a study is the union of its grids."""

    dataset: OneOrMore
    encoder: OneOrMore
    attention: OneOrMore
    normaliser: OneOrMore
    variant: OneOrMore = ["trained"]

    @field_validator("encoder", "attention")
    @classmethod
    def _blocks(cls, names: list[str], info: Any) -> list[str]:
        return [check_name(info.field_name, name) for name in names]

    @field_validator("normaliser")
    @classmethod
    def _normalisers(cls, names: list[str]) -> list[str]:
        return [normaliser_name(*parse_normaliser(name)) for name in names]

    @field_validator("variant")
    @classmethod
    def _variants(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in VARIANTS:
                raise ValueError(unknown("variant", name, VARIANTS))
        return names


class Model(Section):
    """Sizes shared by every cell, so that cells differ in their blocks alone."""

    embedding: PositiveInt = 100
    embedding_std: PositiveFloat = 0.4  # of the initial embeddings
    width: Annotated[int, Field(ge=8, multiple_of=2)] = 64  # of a hidden state: d
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.4  # of embedded features, one mask a text


class Training(Section):
    """AdamW with early stopping on the dev accuracy."""

    epochs: PositiveInt = 10
    patience: PositiveInt = 1  # epochs without a better dev accuracy before training stops
    batch_size: PositiveInt = 128
    learning_rate: PositiveFloat = 4e-3
    weight_decay: NonNegativeFloat = 0.01


class Information(Section):
    """Which estimates of I(state; predicted class) are made, on how many units."""

    output: Literal["predicted", "label"] = "predicted"  # the model's class, or the gold one
    estimators: OneOrMore = ["linear", "knn"]
    options: Blocks = {}  # estimator -> its options
    positions: PositiveInt = 10
    ranks: PositiveInt = 10
    min_texts: Annotated[int, Field(ge=50)] = 200  # units with fewer texts are left out
    spot_checks: list[str] = ["stack"]  # estimators too dear for every unit
    spot_units: NonNegativeInt = 2  # drawn at random in each run, and checked by those
    permutations: Annotated[int, Field(ge=19)] = 20
    seed: int = 5

    @field_validator("estimators", "spot_checks")
    @classmethod
    def _registered(cls, names: list[str], info: Any) -> list[str]:
        names = [check_name("estimator", name) for name in names]
        if info.field_name == "estimators" and "linear" not in names:
            raise ValueError(f"found {names}, expected 'linear' among them: the claims rest on it")
        return names

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        for name in self.spot_checks:
            if name in self.estimators:
                raise ValueError(f"spot_checks: '{name}' is among the estimators already")
        return self


class Calibration(Section):
    """Tasks of known information on which the estimators are measured."""

    ranks: Annotated[list[Annotated[float, Field(ge=1.1)]], Field(min_length=1)] = [4.0, 16.0]
    levels: Annotated[list[Fraction], Field(min_length=1)] = [0.1, 0.3, 0.7]  # of H(output)
    repeats: Annotated[int, Field(ge=2)] = 3
    seed: int = 11


class Statistics(Section):
    """Intervals over seeds and resampled texts, and the level of the verdicts."""

    bootstrap: Annotated[int, Field(ge=200)] = 2000
    level: Fraction = 0.95
    seed: int = 7


class Report(Section):
    """What the report shows beside the tables."""

    texts: PositiveInt = 10
    seed: int = 3


class Study(Section):
    """One study: one config file, one results tree."""

    study: Name
    seeds: Annotated[list[NonNegativeInt], Field(min_length=1)]
    datasets: dict[Name, Dataset]
    grid: Annotated[list[Grid], Field(min_length=1)]
    encoders: Blocks = {}  # options of an encoder, where not at their defaults
    attentions: Blocks = {}  # options of an attention scorer, likewise
    model: Model = Model()
    training: Training = Training()
    information: Information = Information()
    calibration: Calibration = Calibration()
    statistics: Statistics = Statistics()
    report: Report = Report()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.study == "data":
            raise ValueError("study: 'data' is the folder of the data sets, expected another name")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {self.seeds} names a seed twice")
        for i, grid in enumerate(self.grid):
            for name in grid.dataset:
                if name not in self.datasets:
                    raise ValueError(f"grid.{i}.dataset: {unknown('dataset', name, self.datasets)}")
        for key, kind, blocks in (
            ("encoders", "encoder", self.encoders),
            ("attentions", "attention", self.attentions),
            ("information.options", "estimator", self.information.options),
        ):
            for name, options in blocks.items():
                try:
                    with_defaults(kind, name, options)
                except ValueError as error:
                    raise ValueError(f"{key}: {error}") from None
        return self

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

    @property
    def runs(self) -> list[Run]:
        """Every run of the study, once, in the order of the grids."""
        crossed = (
            Run(*blocks, seed)
            for grid in self.grid
            for *blocks, seed in product(
                grid.dataset,
                grid.encoder,
                grid.attention,
                grid.normaliser,
                grid.variant,
                self.seeds,
            )
        )
        return list(dict.fromkeys(crossed))

    @property
    def groups(self) -> list[str]:
        """Every cell and variant of the study, as `Run.group`."""
        return list(dict.fromkeys(run.group for run in self.runs))

    @property
    def used_datasets(self) -> list[str]:
        """The data sets that a grid names."""
        return list(dict.fromkeys(run.dataset for run in self.runs))

    @property
    def shown_runs(self) -> list[Run]:
        """Runs whose texts the report shows: the first of each encoder on the first data set,
        a trained one where there is one.
        """
        first: dict[str, Run] = {}
        for run in sorted(self.runs, key=lambda run: run.variant != "trained"):
            if run.dataset == self.used_datasets[0]:
                first.setdefault(run.encoder, run)
        return list(first.values())

    def data_key(self, dataset: str) -> str:
        """The folder of a prepared data set: its name and a digest of all its settings."""
        settings = json.dumps(self.datasets[dataset].model_dump(), sort_keys=True)
        return f"{dataset}-{sha256(settings.encode()).hexdigest()[:8]}"

    def dataset_of(self, key: str) -> Dataset:
        """The data set whose `data_key` is `key`."""
        return next(d for name, d in self.datasets.items() if self.data_key(name) == key)

    def local_files(self, key: str) -> list[str]:
        """Files of the user's own that the data set `key` is read from.

        Raises:
            InputError: one is not there.
        """
        source = self.dataset_of(key).source
        path = source.get("path")
        if path is not None and not Path(path).is_file():
            raise InputError(f"config: the source of '{key}' is '{path}', expected a file")
        return [] if path is None else [path]

    def model_options(self, encoder: str, attention: str, normaliser: str) -> dict[str, Any]:
        """Everything that fixes the architecture of a cell, as plain values."""
        name, temperature = parse_normaliser(normaliser)
        encoder_options = with_defaults("encoder", encoder, self.encoders.get(encoder, {}))
        attention_options = with_defaults(
            "attention", attention, self.attentions.get(attention, {})
        )
        return {
            "encoder": {"name": encoder, **encoder_options},
            "attention": {"name": attention, **attention_options},
            "normaliser": {"name": name, "temperature": temperature},
            **self.model.model_dump(),
        }

    def information_options(self) -> dict[str, Any]:
        """The settings of the information stage, the options of each estimator filled in."""
        information = self.information
        options = information.model_dump(exclude={"options"})
        for key in ("estimators", "spot_checks"):
            options[key] = {
                name: with_defaults("estimator", name, information.options.get(name, {}))
                for name in options[key]
            }
        return options

    def calibration_options(self) -> dict[str, Any]:
        """The settings of the calibration stage: every estimator, at the size of the states."""
        information = self.information_options()
        return {
            **self.calibration.model_dump(),
            "estimators": information["estimators"] | information["spot_checks"],
            "fewest": information["min_texts"],
            "width": self.model.width,
        }


def _sentence(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    prefix = f"config: {where}: " if where else "config: "
    if error["type"] == "value_error":
        return prefix + str(error["ctx"]["error"])
    if error["type"] == "missing":
        return prefix + "missing"
    return f"{prefix}found {error['input']!r}; {error['msg'][0].lower()}{error['msg'][1:]}"


def write_schema(path: str | Path) -> None:
    """Write the JSON schema of the config, for editors: `python -m attinfo.config`."""
    schema = json.dumps(Study.model_json_schema(), indent=2, sort_keys=True)
    Path(path).write_text(schema + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_schema("workflow/schemas/config.schema.json")
