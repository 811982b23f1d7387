"""The config of a study: its keys, its building blocks, and its runs."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, NonNegativeInt, PositiveInt, ValidationError, model_validator

from attinfo.blocks.block import Block
from attinfo.blocks.catalogue import KINDS, with_defaults
from attinfo.blocks.encoders import ENCODERS
from attinfo.blocks.estimators import ESTIMATORS
from attinfo.blocks.normalisers import parse_normaliser
from attinfo.blocks.scorers import SCORERS, Scorer
from attinfo.blocks.variant import Variant
from attinfo.blocks.variants import VARIANTS
from attinfo.config.grid import Filtered, Grid, Run
from attinfo.config.labels import several_labels
from attinfo.config.messages import naming, sentence
from attinfo.config.sections.audit import Audit
from attinfo.config.sections.audited import AuditedModel
from attinfo.config.sections.base import Blocks, Name, Section, described
from attinfo.config.sections.calibration import Calibration
from attinfo.config.sections.dataset import Dataset, Yardstick
from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.config.sections.importance import Importance
from attinfo.config.sections.information import Information
from attinfo.config.sections.model import Model
from attinfo.config.sections.report import Report
from attinfo.config.sections.statistics import Statistics
from attinfo.config.sections.training import Training
from attinfo.runtime.errors import InputError, unknown

SectionT = TypeVar("SectionT", bound=Section)
NAMED = ("encoder", "attention", "normaliser", "variant")  # kinds with a section, as `encoders`


def _in_order(seeds: list[int]) -> list[int]:
    """Seeds in ascending order.

    Raises:
        ValueError: a seed stands there twice.
    """
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"{seeds} names a seed twice")
    return sorted(seeds)


class Study(Filtered):
    """The keys of a config, checked, and the runs that the keys describe."""

    study: Name = described(..., "Name of the study; results go to `results/<study>/`.", "mine")
    # Sorted: their order in the config means nothing.
    seeds: Annotated[list[NonNegativeInt], AfterValidator(_in_order)] = described(
        ...,
        "One model is trained for each seed. Intervals and tests count seeds as replicates.",
        [1, 2, 3, 4, 5],
        min_length=1,
    )
    batch: PositiveInt = described(
        3, "Most seeds of a cell that one job runs, one after the other.", 5
    )
    device: Literal["auto", "cpu", "cuda"] = described(
        "cpu",
        "Device of the models; `auto` is a GPU where there is one. Only `cpu` gives the same "
        "bytes on every run.",
        "cuda",
    )
    datasets: dict[Name, Dataset] = described(
        {},
        "Data sets by name, added to those of the catalogue `workflow/datasets.yaml`.",
        {"mine": {"source": {"name": "files", "path": "data/mine.csv"}}},
    )
    yardsticks: dict[Name, Yardstick] = described(
        {},
        "Lexicons by name, added to those of the catalogue.",
        {"mine": {"source": {"name": "files", "path": "lexicon.csv"}}},
    )
    grid: list[Grid] = described(
        ...,
        "Grids of building blocks; the study is their union. A study of `models` alone has none.",
        [
            {
                "dataset": "rotten_tomatoes",
                "encoder": "bilstm",
                "attention": "additive",
                "normaliser": "softmax",
            }
        ],
    )
    models: dict[Name, AuditedModel] = described(
        {},
        "Text classifiers that exist already, by names of your own. The study asks whether their"
        " attention explains them.",
        {"mine": {"model": "models/mine", "dataset": "rotten_tomatoes"}},
    )
    encoders: Blocks = described(
        {},
        "Options of encoders by name; also any key of `model`, for this encoder only. With the "
        "option `name`, a name of your own is a further version of that block.",
        {"cnn": {"width": 128}, "wide": {"name": "cnn", "kernel_sizes": [3, 9]}},
    )
    attentions: Blocks = described(
        {},
        "Options of scorers by name, or by a name of your own.",
        {"deeper": {"name": "deep", "layers": 5}},
    )
    normalisers: Blocks = described(
        {},
        "Options of normalisers by name, or by a name of your own.",
        {"hard": {"name": "gumbel_softmax", "hard": True}},
    )
    variants: Blocks = described(
        {},
        "Options of variants by name, or by a name of your own.",
        {"permuted": {"permutations": 20}},
    )
    model: Model = described(Model(), "Sizes of the models.", {"width": 128})
    training: Training = described(Training(), "How models are trained.", {"patience": 8})
    information: Information = described(
        Information(), "Which information is estimated.", {"positions": 20}
    )
    importance: Importance = described(
        Importance(), "Which importance measures are computed.", {"measures": ["gradient"]}
    )
    faithfulness: Faithfulness = described(
        Faithfulness(), "How faithfulness is measured.", {"texts": 300}
    )
    calibration: Calibration = described(
        Calibration(), "How estimators are calibrated.", {"ranks": [4]}
    )
    statistics: Statistics = described(
        Statistics(), "How intervals and verdicts are made.", {"level": 0.99}
    )
    audit: Audit = described(
        Audit(), "How `models` are audited.", {"views": ["cls_layer", "rollout"]}
    )
    report: Report = described(Report(), "What the report shows.", {"texts": 20})

    @model_validator(mode="before")
    @classmethod
    def _a_data_set_a_label(cls, data: Any) -> Any:
        return several_labels(data)

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
        self._check_drawn_texts()
        for place, named in self._named():
            for kind, names in named:
                for name in names:
                    with naming(f"{place}.{kind}"):
                        self._check_name(kind, name)
        self._check_filters()
        for name, audited in self.models.items():
            with naming(f"models.{name}.dataset"):
                self._check_name("dataset", audited.dataset)
                own = self.datasets[audited.dataset]
                if own.query is not None or own.output != "class":
                    found = "two texts" if own.query is not None else "numbers"
                    raise ValueError(
                        f"'{audited.dataset}' has {found}, expected one text and classes: audits "
                        "read no others yet"
                    )
        for name in self.prepared_datasets:
            with naming(f"datasets.{name}"):
                yardstick = self.datasets[name].yardstick
                if yardstick is not None and yardstick not in self.yardsticks:
                    raise ValueError(unknown("yardstick", yardstick, self.yardsticks))
                self._check_query(name)
                self._check_numbers(name)
                self.training_of(name)
                for encoder in self.encoders_of(name):
                    self.model_of(name, encoder)
        return self

    def _check_drawn_texts(self) -> None:
        """Check that orders of deletion exist for all texts of faithfulness; raises ValueError."""
        drawn = self.importance.texts
        if drawn is not None and self.importance.costly and self.faithfulness.texts > drawn:
            raise ValueError(
                f"faithfulness.texts: found {self.faithfulness.texts}, expected at most {drawn}: "
                "other texts have no importance by costly measures (importance.texts)"
            )

    def _check_numbers(self, dataset: str) -> None:
        """Check that all stages can work on a data set of numbers; raises ValueError."""
        if self.datasets[dataset].output == "class":
            return
        section = self.information
        for key in ("estimators", "light", "spot_checks"):
            for name in getattr(section, key):
                if ESTIMATORS[name].of_numbers is None:
                    able = [known for known, own in ESTIMATORS.items() if own.of_numbers]
                    raise ValueError(
                        f"output is 'number', but information.{key} has '{name}', which is for "
                        f"classes; expected {', '.join(able)} alone"
                    )
        training = self.training_of(dataset)
        if training.select != "loss":
            raise ValueError(
                f"output is 'number', but training.select is '{training.select}', expected 'loss'"
            )
        if training.class_weights:
            raise ValueError("output is 'number', but training.class_weights is true")
        for name in dict.fromkeys(r.variant for r in self.runs if r.dataset == dataset):
            if Variant.of(self.variant(name)).adversarial:
                raise ValueError(
                    f"output is 'number', but the variant '{name}' compares probabilities of "
                    "classes, expected others"
                )

    def _check_query(self, dataset: str) -> None:
        """Check that the blocks of a data set with queries can read them; raises ValueError."""
        if self.datasets[dataset].query is None:
            return
        for encoder in self.encoders_of(dataset):
            if ENCODERS[self.block("encoder", encoder)[0].name].pretrained:
                raise ValueError(
                    f"query: the encoder '{encoder}' is pretrained and reads one text, expected "
                    "another encoder"
                )
        for attention in dict.fromkeys(r.attention for r in self.runs if r.dataset == dataset):
            block, options = self.block("attention", attention)
            if not (isinstance(block, Scorer) and block.takes_query):
                able = [name for name, b in SCORERS.items() if isinstance(b, Scorer)]
                raise ValueError(
                    f"query: the attention '{attention}' takes no query, expected one of "
                    f"{', '.join(able)}"
                )
            if options.get("query") == "last":
                raise ValueError(
                    f"query: the attention '{attention}' has the option 'query: last', expected it "
                    "without: the query is the second text"
                )

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
    def trainings(self) -> list[Run]:
        """The runs that train a model, and the trained models that other runs need."""
        models = []
        for run in self.runs:
            if Variant.of(self.variant(run.variant)).needs_trained:
                models.append(run._replace(variant="trained"))
            models.append(self.model_behind(run))
        return list(dict.fromkeys(models))

    def model_behind(self, run: Run) -> Run:
        """The run whose model a run runs: itself, or the trained one that its variant borrows."""
        own = Variant.of(self.variant(run.variant)).trains
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

    @property
    def temperatures(self) -> list[float]:
        """The temperatures of the study other than 1, in increasing order."""
        temperatures = {parse_normaliser(run.normaliser)[1] for run in self.runs}
        return sorted(temperatures - {1.0})

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
        return _replaced(self.model, "model", self.datasets[dataset].model | sizes)

    def training_of(self, dataset: str) -> Training:
        """The section `training` for a data set, whose keys replace those of the study."""
        return _replaced(self.training, "training", self.datasets[dataset].training)

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


def _replaced(section: SectionT, name: str, changes: Mapping[str, Any]) -> SectionT:
    """A copy of a section with changed keys, checked again.

    Args:
        section: the section.
        name: the name of the section, for messages.
        changes: key -> new value.

    Raises:
        ValueError: a key is unknown, or a value is not allowed.
    """
    try:
        return type(section).model_validate({**section.model_dump(), **changes})
    except ValidationError as error:
        first = sentence(error.errors()[0]).removeprefix("config: ")
        raise ValueError(f"{name}.{first}") from None
