"""The config of a study: whether its keys fit, its building blocks, and its runs."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import ValidationError, model_validator

from attinfo.blocks.block import Block
from attinfo.blocks.catalogue import KINDS, with_defaults
from attinfo.blocks.normalisers import parse_normaliser
from attinfo.blocks.variant import Variant
from attinfo.blocks.variants import VARIANTS
from attinfo.config.fitting import (
    check_audited,
    check_drawn_texts,
    check_first,
    check_numbers,
    check_query,
)
from attinfo.config.grid import Run
from attinfo.config.messages import naming, sentence
from attinfo.config.sections.model import Model
from attinfo.config.sections.training import Training
from attinfo.config.study_keys import StudyKeys
from attinfo.runtime.errors import InputError, unknown

NAMED = ("encoder", "attention", "normaliser", "variant")  # kinds with a section, as `encoders`


class Study(StudyKeys):
    """The keys of a config, checked, and the runs that the keys describe."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.study == "data":
            raise ValueError("study: 'data' is the folder of the data sets, expected another name")
        for kind in NAMED:
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
        check_drawn_texts(self)
        for place, named in self._named():
            for kind, names in named:
                for name in names:
                    with naming(f"{place}.{kind}"):
                        self._check_name(kind, name)
        self._check_filters()
        for name, audited in self.models.items():
            with naming(f"models.{name}.dataset"):
                self._check_name("dataset", audited.dataset)
                check_audited(audited.dataset, self.datasets[audited.dataset])
            with naming(f"models.{name}.first"):
                check_first(audited.first, audited.dataset, self.datasets[audited.dataset])
        for name in self.prepared_datasets:
            with naming(f"datasets.{name}"):
                yardstick = self.datasets[name].yardstick
                if yardstick is not None and yardstick not in self.yardsticks:
                    raise ValueError(unknown("yardstick", yardstick, self.yardsticks))
                check_query(self, name)
                check_numbers(self, name)
                self.training_of(name)
                for encoder in self.encoders_of(name):
                    self.model_of(name, encoder)
        return self

    def _named(self) -> Iterator[tuple[str, Iterator[tuple[str, list[str]]]]]:
        """Each grid and filter: its place in the config, and the names it gives for each kind."""
        for place, one in self.filters():
            yield place, one.named()
        for i, grid in enumerate(self.grid):
            yield f"grid.{i}", grid.named()
            for place, one in grid.filters():
                yield f"grid.{i}.{place}", one.named()

    def _check_name(self, kind: str, name: str) -> None:
        """Check that a block or a data set of this name exists; raises ValueError if not."""
        if kind != "dataset":
            self.block(kind, parse_normaliser(name)[0] if kind == "normaliser" else name)
        elif name not in self.datasets:
            raise ValueError(unknown("dataset", name, self.datasets))

    def _check_filters(self) -> None:
        """Check that each filter matches a run and that runs remain; raises ValueError if not."""
        crossed = [list(grid.crossed(self.seeds[:1])) for grid in self.grid]
        for i, (grid, runs) in enumerate(zip(self.grid, crossed, strict=True)):
            with naming(f"grid.{i}"):
                grid.check(runs)
        self.check([run for runs in crossed for run in runs])
        if not self.grid and not self.models:
            raise ValueError("grid is empty, expected one or more grids, or 'models'")
        if self.grid and not self.runs:
            raise ValueError("grid: include and exclude leave no run, expected one or more")

    @classmethod
    def checked(cls, config: Mapping[str, Any]) -> Self:
        """Check a config and return its study.

        Args:
            config: the config as Snakemake reads it.

        Raises:
            InputError: the config has mistakes. The message has a line for each of them: the key,
                the value found, and what was expected.
        """
        try:
            return cls.model_validate(config)
        except ValidationError as error:
            raise InputError("\n".join(map(sentence, error.errors()))) from None

    @cached_property
    def runs(self) -> list[Run]:
        """All runs of the study without duplicates, in the order of the grids."""
        kept = (
            run
            for grid in self.grid
            for run in grid.crossed(self.seeds)
            if grid.keeps(run) and self.keeps(run)
        )
        return list(dict.fromkeys(kept))

    @cached_property
    def used_variants(self) -> dict[str, Variant]:
        """The variants of the runs, by name."""
        names = dict.fromkeys(run.variant for run in self.runs)
        return {name: Variant.of(self.variant(name)) for name in names}

    @cached_property
    def trainings(self) -> list[Run]:
        """The runs that train a model, and the trained models that other runs need."""
        models = []
        for run in self.runs:
            if self.used_variants[run.variant].needs_trained:
                models.append(run._replace(variant="trained"))
            models.append(self.model_behind(run))
        return list(dict.fromkeys(models))

    def model_behind(self, run: Run) -> Run:
        """The run whose model a run runs: itself, or the trained one that its variant borrows."""
        own = self.used_variants[run.variant].trains
        return run if own else run._replace(variant="trained")

    @property
    def groups(self) -> list[str]:
        """The `Run.group` of each cell and variant of the study."""
        return list(dict.fromkeys(run.group for run in self.runs))

    @cached_property
    def used_datasets(self) -> list[str]:
        """The data sets of the runs. The config may describe more data sets than these."""
        return list(dict.fromkeys(run.dataset for run in self.runs))

    @property
    def prepared_datasets(self) -> list[str]:
        """The data sets of the runs and of the audited models."""
        audited = [model.dataset for model in self.models.values()]
        return list(dict.fromkeys([*self.used_datasets, *audited]))

    @cached_property
    def temperatures(self) -> list[float]:
        """The temperatures of the study other than 1, in increasing order."""
        names = {run.normaliser for run in self.runs}
        return sorted({parse_normaliser(name)[1] for name in names} - {1.0})

    def block(self, kind: str, name: str) -> tuple[Block, dict[str, Any]]:
        """Find a building block by its name in the config.

        Args:
            kind: one of `NAMED`.
            name: the name of a registered block, or a name that the config has defined.

        Returns:
            The block and all its options as plain values.

        Raises:
            ValueError: the name is unknown, or an option is unknown, missing or not allowed.
        """
        section = getattr(self, f"{kind}s")
        options = dict(section.get(name, {}))
        registered = options.pop("name", name)
        if registered not in KINDS[kind]:
            raise ValueError(unknown(kind, registered, [*KINDS[kind], *section]))
        block = KINDS[kind][registered]
        if kind == "encoder":  # may also set keys of `model`, which `model_of` checks
            for size in _sizes(block, options):
                del options[size]
        return block, block.complete(kind, options)

    def variant(self, name: str) -> dict[str, Any]:
        """The changes of a variant as plain values, for `Variant.of`."""
        block, options = self.block("variant", name)
        return VARIANTS[block.name].plain(options)

    def model_of(self, dataset: str, encoder: str) -> Model:
        """The section `model` for a data set and an encoder.

        Keys of the data set replace those of the study, and keys of the encoder replace both.
        """
        block, _ = self.block("encoder", encoder)
        sizes = _sizes(block, self.encoders.get(encoder, {}))
        return self.model.changed("model", self.datasets[dataset].model | sizes)

    def training_of(self, dataset: str) -> Training:
        """The section `training` for a data set, whose keys replace those of the study."""
        return self.training.changed("training", self.datasets[dataset].training)

    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of a data set and an encoder that occur in a run."""
        return list(dict.fromkeys((run.dataset, run.encoder) for run in self.runs))

    def encoders_of(self, dataset: str) -> list[str]:
        """The encoders that occur in a run with a data set."""
        return [encoder for name, encoder in self.pairs() if name == dataset]

    def plan(self) -> str:
        """A sentence with the numbers of data sets, cells, variants, seeds, runs and models."""
        count = len(self.models)
        audits = f"{count} model{'s' * (count != 1)} to audit" if count else ""
        if not self.runs:
            return f"study '{self.study}': {audits}"
        cells = {run[:4] for run in self.runs}
        return (
            f"study '{self.study}': {len(self.used_datasets)} data sets, {len(cells)} cells, "
            f"{len({run.variant for run in self.runs})} variants, {len(self.seeds)} seeds: "
            f"{len(self.runs):,} runs, {len(self.trainings):,} models to train"
            + (f", {audits}" if audits else "")
        )


def _sizes(encoder: Block, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an encoder that are keys of `model`, such as `width`."""
    keys = Model.model_fields.keys() - encoder.fields.keys()
    return {key: value for key, value in options.items() if key in keys}
