"""The config of a study: validated before anything runs, and what it means for every stage."""

from collections.abc import Iterable
import json
from pathlib import Path
from typing import Any

from attinfo.config.inputs import Inputs
from attinfo.config.registry import entries, parse_normaliser, with_defaults

CLAIMED = "linear"  # the estimator that the claims rest on, which is checked


class Study(Inputs):
    """One study: one config file, one results tree."""

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
    def calibrated(self) -> list[str]:
        """The estimators that are measured where the information is known: all of the study."""
        return [*self.information.estimators, *self.information.spot_checks]

    def _estimators(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Estimators with all their options."""
        given = self.information.options
        return {name: with_defaults("estimator", name, given.get(name, {})) for name in names}

    def information_options(self, estimator: str) -> dict[str, Any]:
        """The settings of one estimator, and nothing of the others.

        That which the claims rest on comes with the spot checks, and with the words alone.
        """
        section = self.information
        checks = estimator == CLAIMED
        common = section.model_dump(exclude={"estimators", "options", "spot_checks", "spot_units"})
        return common | {
            "estimators": self._estimators([estimator]),
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


def write_schema(path: str | Path) -> None:
    """Write the JSON schema of the config, for editors."""
    schema = json.dumps(Study.model_json_schema(), indent=2, sort_keys=True)
    Path(path).write_text(schema + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_schema("workflow/schemas/config.schema.json")
