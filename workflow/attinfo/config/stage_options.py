"""The options of each stage, as plain values, from the config of a study.

A job receives only the options that its stage uses. So a change of the config reruns only the
stages whose options have changed.
"""

from collections.abc import Iterable
from typing import Any

from attinfo.blocks.audit_measures import AUDIT_MEASURES
from attinfo.blocks.block import Block
from attinfo.blocks.catalogue import block_of
from attinfo.blocks.estimators import CLAIMED, CONTINUOUS, ESTIMATORS
from attinfo.blocks.measures import MEASURES
from attinfo.blocks.normalisers import parse_normaliser
from attinfo.blocks.tasks import TASKS
from attinfo.blocks.variant import IMPOSED, Variant
from attinfo.blocks.views import VIEWS
from attinfo.config.inputs import Inputs
from attinfo.config.study import Study


def chosen(block: Block, options: dict[str, Any]) -> dict[str, Any]:
    """A block and its options as plain values, for `Chosen.of`."""
    return {"name": block.name, "path": block.path, "options": options}


class StageOptions:
    """The options of each stage, and the modules of the blocks that the jobs of the stage load.

    Args:
        study: the study.
    """

    def __init__(self, study: Study):
        self.study = study
        self.inputs = Inputs(study)

    def model(self, dataset: str, encoder: str, attention: str, normaliser: str) -> dict[str, Any]:
        """The architecture of a cell, for `Architecture.of`."""
        name, temperature = parse_normaliser(normaliser)
        own = self.study.datasets[dataset]
        return {
            "encoder": chosen(*self.study.block("encoder", encoder)),
            "attention": chosen(*self.study.block("attention", attention)),
            "normaliser": chosen(*self.study.block("normaliser", name)),
            "temperature": temperature,
            **self.study.model_of(dataset, encoder).model_dump(exclude={"vectors"}),
            **({"query": own.query_encoder} if own.query else {}),
            **({"query_output": True} if own.query_output else {}),
        }

    def model_modules(
        self, encoder: str, attention: str, normaliser: str, variant: str
    ) -> tuple[str, ...]:
        """The modules of the blocks of a model. The classifier itself is not among them."""
        names = {
            "encoder": encoder,
            "attention": attention,
            "normaliser": parse_normaliser(normaliser)[0],
        }
        modules = [self.study.block(kind, name)[0].module for kind, name in names.items()]
        if Variant.of(self.study.variant(variant)).imposed:
            modules.append(IMPOSED.partition(":")[0])
        return tuple(modules)

    def names(self) -> dict[str, dict[str, str]]:
        """The blocks of the study: kind -> name in the config -> name of the registered block.

        A normaliser is named with its temperature, and has no versions.
        """
        return {
            kind: {
                name: self.study.block(kind, name)[0].name
                for name in dict.fromkeys(getattr(run, kind) for run in self.study.runs)
            }
            for kind in ("encoder", "attention")
        }

    def training(self, dataset: str) -> dict[str, Any]:
        """The section `training` for the models of a data set."""
        return self.study.training_of(dataset).model_dump()

    @property
    def estimators(self) -> list[str]:
        """The names of all estimators of the study."""
        section = self.study.information
        return list(dict.fromkeys([*section.estimators, *self._light, *section.spot_checks]))

    @property
    def _light(self) -> list[str]:
        """The names of the light estimators that are not among the others."""
        section = self.study.information
        return [name for name in section.light if name not in section.estimators]

    @property
    def calibrated(self) -> list[str]:
        """The names of the estimators to calibrate: generated states have no output layer."""
        return [name for name in self.estimators if not ESTIMATORS[name].needs_output_layer]

    def _estimators(self, names: Iterable[str], numbers: bool = False) -> list[dict[str, Any]]:
        """Estimators with all their options; of numbers, those that stand in for them."""
        given = self.study.information.options
        if numbers:
            return [
                chosen(block, block.complete("continuous estimator", {})) | {"name": name}
                for name in names
                for block in [CONTINUOUS[str(ESTIMATORS[name].of_numbers)]]
            ]
        blocks = [block_of("estimator", name) for name in names]
        return [
            chosen(block, block.complete("estimator", given.get(block.name, {})))
            for block in blocks
        ]

    def information(self, estimator: str, dataset: str | None = None) -> dict[str, Any]:
        """The options of the stage `information` for one estimator.

        Args:
            estimator: its name.
            dataset: whose outputs are classes or numbers; None for classes.

        The estimator of the claims also has the light estimators and the spot checks, so that they
        need no jobs of their own, computes the information in the word alone, and estimates halves
        of the texts. All are off for other estimators.
        """
        section = self.study.information
        numbers = dataset is not None and self.study.datasets[dataset].output == "number"
        checks = estimator == CLAIMED
        half_probes = None if numbers else ESTIMATORS[estimator].half_probes
        own = {"estimators", "light", "options", "spot_checks", "spot_units"}
        return section.model_dump(exclude=own) | {
            "estimators": self._estimators([estimator], numbers),
            "light": self._estimators(self._light if checks else [], numbers),
            "spot_checks": self._estimators(section.spot_checks if checks else [], numbers),
            "spot_units": section.spot_units if checks else 0,
            "words": checks and not numbers,
            "halves": checks,
            "half_probes": {estimator: half_probes} if half_probes else {},
        }

    def estimator_modules(self, estimator: str, dataset: str | None = None) -> tuple[str, ...]:
        """The modules of an estimator, and of those that its job computes beside it."""
        checks = self.study.information.spot_checks
        beside = [*self._light, *checks] if estimator == CLAIMED else []
        if dataset is not None and self.study.datasets[dataset].output == "number":
            names = [str(ESTIMATORS[name].of_numbers) for name in [estimator, *beside]]
            return tuple(CONTINUOUS[name].module for name in names)
        return tuple(block_of("estimator", name).module for name in [estimator, *beside])

    def importance(self) -> dict[str, Any]:
        """The options of the stage `importance`.

        `measures`, with their options, for `Chosen.of`; `costly`, the names of those that are
        computed for drawn texts only; `texts` and `seed` of the draw, all texts if none is costly;
        `totals`, for the measures that have one, the path of the function that says what they sum
        to.
        """
        section, kind = self.study.importance, "importance measure"
        blocks = [block_of(kind, name) for name in section.measures]
        options = (block.complete(kind, section.options.get(block.name, {})) for block in blocks)
        return {
            "measures": [chosen(*one) for one in zip(blocks, options, strict=True)],
            "costly": section.costly,
            "texts": section.texts if section.costly else None,
            "seed": section.seed,
            "totals": {
                name: MEASURES[name].total for name in section.measures if MEASURES[name].total
            },
        }

    def importance_modules(self) -> tuple[str, ...]:
        """The modules of the importance measures and of their totals."""
        blocks = [MEASURES[name] for name in self.study.importance.measures]
        totals = [block.total.partition(":")[0] for block in blocks if block.total]
        return tuple(dict.fromkeys([block.module for block in blocks] + totals))

    def calibration(self, dataset: str, estimator: str) -> dict[str, Any]:
        """The options of the stage `calibrate`, for the widest states of a data set."""
        encoders = self.study.encoders_of(dataset)
        widths = (self.study.model_of(dataset, encoder).width for encoder in encoders)
        return {
            **self.study.calibration.model_dump(),
            "estimators": self._estimators([estimator]),
            "tasks": [chosen(task, {}) for task in TASKS.values()],
            "fewest": self.study.information.min_texts,
            "width": max(widths),
        }

    def source(self, key: str) -> dict[str, Any]:
        """A source and its options, for `Chosen.of`.

        Args:
            key: a key of `Inputs.sources`.
        """
        options = dict(self.inputs.sources[key])
        return chosen(block_of("source", options.pop("name")), options)

    def audit(self, model: str, checkpoint: int) -> dict[str, Any]:
        """The options by which the stages of an audit read a model and its texts.

        `model` and `revision` name a model that no job makes; `place` is the key that names it.
        """
        own = self.study.models[model]
        made = own.fine_tune is not None or own.model is None
        return {
            "place": f"models.{model}",
            "model": None if made else own.folder(checkpoint),
            "revision": own.revision,
            "texts": own.texts,
            "labels": own.labels,
            "first": own.first or "text",
            "device": self.study.device,
            "audit": self.study.audit.model_dump(),
        }

    def fine_tune(self, model: str, checkpoint: int) -> dict[str, Any]:
        """The options of the stage `fine_tune`; the base model where no job brings it."""
        own = self.study.models[model]
        training = own.fine_tune
        return {
            "place": f"models.{model}",
            "model": None if own.model is None else own.folder(checkpoint),
            "revision": own.revision,
            "fine_tune": None if training is None else training.model_dump(),
            "seed": checkpoint,
            "device": self.study.device,
            "first": own.first or "text",
        }

    def audit_files(self, model: str) -> list[str]:
        """The files of a checkpoint that an audit makes before the answer, without their folder."""
        files = ["history.csv"] if self.study.models[model].fine_tune else []
        for weights in ("trained", "untrained"):
            files += [f"{weights}/views.parquet", f"{weights}/states.safetensors"]
        for name in self.study.audit.measures:
            files += [f"importance/{name}.parquet", f"importance/totals/{name}.parquet"]
        files += ["information.csv", "gains.parquet", "texts.parquet"]
        return [*files, "removal.parquet", "head_removal.parquet"]

    def _of_audit(self, kind: str, name: str) -> dict[str, Any]:
        """A block of an audit with all its options."""
        block = block_of(kind, name)
        return chosen(block, block.complete(kind, self.study.audit.options.get(name, {})))

    def views(self) -> list[dict[str, Any]]:
        """The attention views of an audit, for `Chosen.of`."""
        return [self._of_audit("attention view", name) for name in self.study.audit.views]

    def view_modules(self) -> tuple[str, ...]:
        """The modules of the attention views."""
        return tuple(VIEWS[name].module for name in self.study.audit.views)

    def audit_measure(self, name: str) -> dict[str, Any]:
        """An importance measure of an audit, for `Chosen.of`."""
        return self._of_audit("audit measure", name)

    def measure_module(self, name: str) -> str:
        """The module of an importance measure of an audit."""
        return AUDIT_MEASURES[name].module

    def preflight(self) -> dict[str, Any]:
        """The options of the stage `preflight`, which checks the data before training."""
        needs = {
            f"{kind}s.{name}": self.study.block(kind, name)[0].requires
            for kind in ("encoder", "attention")
            for name in dict.fromkeys(getattr(run, kind) for run in self.study.runs)
        }
        sizes = [size for _, _, size in self.inputs.embeddings_from_vectors]
        return {
            "datasets": self.study.used_datasets,
            "min_texts": self.study.information.min_texts,
            "counts": {
                "position": self.study.information.positions,
                "rank": self.study.information.ranks,
            },
            "packages": {place: package for place, package in needs.items() if package},
            "embeddings": sizes,
            **self._scores(),
        }

    def _scores(self) -> dict[str, Any]:
        """The tables of scores, and the runs that these may name; empty without any."""
        used = self.study.used_datasets
        paths = {name: path for name in used for path in self.inputs.scores(name)}
        runs = [run.path for run in self.study.runs if run.dataset in paths]
        return {"scores": {"paths": paths, "runs": runs}} if paths else {}
