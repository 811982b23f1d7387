"""The keys of a config."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, NonNegativeInt, PositiveInt, model_validator

from attinfo.config.grid import Filtered, Grid
from attinfo.config.labels import several_labels
from attinfo.config.sections.audit import Audit
from attinfo.config.sections.audited import AuditedModel
from attinfo.config.sections.base import Blocks, Name, described
from attinfo.config.sections.calibration import Calibration
from attinfo.config.sections.dataset import Dataset, Yardstick
from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.config.sections.importance import Importance
from attinfo.config.sections.information import Information
from attinfo.config.sections.model import Model
from attinfo.config.sections.report import Report
from attinfo.config.sections.statistics import Statistics
from attinfo.config.sections.training import Training
from attinfo.config.sections.word_vectors import EXAMPLE, PackagedVectors


def _in_order(seeds: list[int]) -> list[int]:
    """Seeds in ascending order.

    Raises:
        ValueError: a seed stands there twice.
    """
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"{seeds} names a seed twice")
    return sorted(seeds)


class StudyKeys(Filtered):
    """The keys of a config, each checked by itself."""

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
    vectors: dict[Name, PackagedVectors] = described(
        {},
        "Word vectors in packages by name, for `model.vectors`; added to those of the catalogue.",
        {"glove": EXAMPLE},
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
        "Text classifiers to audit, by names of your own. The study asks whether their attention"
        " explains their predictions.",
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
        Faithfulness(), "How faithfulness is measured.", {"texts": 100}
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
