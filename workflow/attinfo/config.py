"""The config of a study: validated before anything runs, and expanded into its runs."""

from collections.abc import Mapping
from hashlib import sha256
from itertools import product
import json
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, NonNegativeInt, ValidationError, model_validator

from attinfo.errors import InputError, unknown
from attinfo.registry import parse_normaliser, with_defaults
from attinfo.sections import (
    Blocks,
    Calibration,
    Dataset,
    Grid,
    Information,
    Model,
    Name,
    Report,
    Section,
    Statistics,
    Training,
)


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


class Study(Section):
    """One study: one config file, one results tree."""

    study: Name
    seeds: Annotated[list[NonNegativeInt], Field(min_length=1)]
    datasets: dict[Name, Dataset]
    grid: Annotated[list[Grid], Field(min_length=1)]
    encoders: Blocks = Field(default={})  # options of an encoder, where not at their defaults
    attentions: Blocks = Field(default={})  # options of an attention scorer, likewise
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
