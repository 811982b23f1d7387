"""Checks that the settings of a study fit its data sets: numeric outputs, queries, drawn texts."""

from typing import TYPE_CHECKING

from attinfo.blocks.encoders import ENCODERS
from attinfo.blocks.estimators import ESTIMATORS
from attinfo.blocks.scorers import SCORERS, Scorer
from attinfo.blocks.variant import Variant
from attinfo.config.sections.dataset import Dataset

if TYPE_CHECKING:
    from attinfo.config.study import Study


def check_audited(name: str, dataset: Dataset) -> None:
    """Check that an audit can read a data set; raises ValueError."""
    if dataset.output != "class":
        raise ValueError(f"'{name}' has numbers, expected classes: audits read no others yet")


def check_first(first: str | None, name: str, dataset: Dataset) -> None:
    """Check that a model has the order of two texts only if there are two; raises ValueError."""
    if first is not None and dataset.query is None:
        raise ValueError(f"found '{first}', but '{name}' has no 'query', expected none")


def check_drawn_texts(study: "Study") -> None:
    """Check that orders of deletion exist for all texts of faithfulness; raises ValueError."""
    drawn = study.importance.texts
    if drawn is not None and study.importance.costly and study.faithfulness.texts > drawn:
        raise ValueError(
            f"faithfulness.texts: found {study.faithfulness.texts}, expected at most {drawn}: "
            "other texts have no importance by costly measures (importance.texts)"
        )


def check_numbers(study: "Study", dataset: str) -> None:
    """Check that all stages can work on a data set of numbers; raises ValueError."""
    if study.datasets[dataset].output == "class":
        return
    section = study.information
    for key in ("estimators", "light", "spot_checks"):
        for name in getattr(section, key):
            if ESTIMATORS[name].of_numbers is None:
                able = [known for known, own in ESTIMATORS.items() if own.of_numbers]
                raise ValueError(
                    f"output is 'number', but information.{key} has '{name}', which is for "
                    f"classes; expected {', '.join(able)} alone"
                )
    training = study.training_of(dataset)
    if training.select != "loss":
        raise ValueError(
            f"output is 'number', but training.select is '{training.select}', expected 'loss'"
        )
    if training.class_weights:
        raise ValueError("output is 'number', but training.class_weights is true")
    for name in dict.fromkeys(r.variant for r in study.runs if r.dataset == dataset):
        if Variant.of(study.variant(name)).adversarial:
            raise ValueError(
                f"output is 'number', but the variant '{name}' compares probabilities of "
                "classes, expected others"
            )


def check_query(study: "Study", dataset: str) -> None:
    """Check that the blocks of a data set with queries can read them; raises ValueError."""
    if study.datasets[dataset].query is None:
        return
    for encoder in study.encoders_of(dataset):
        if ENCODERS[study.block("encoder", encoder)[0].name].pretrained:
            raise ValueError(
                f"query: the encoder '{encoder}' is pretrained and reads one text, expected "
                "another encoder"
            )
    for attention in dict.fromkeys(r.attention for r in study.runs if r.dataset == dataset):
        block, options = study.block("attention", attention)
        if not (isinstance(block, Scorer) and block.takes_query):
            able = [n for n, b in SCORERS.items() if isinstance(b, Scorer) and b.takes_query]
            raise ValueError(
                f"query: the attention '{attention}' takes no query, expected one of "
                f"{', '.join(able)}"
            )
        if options.get("query") == "last":
            raise ValueError(
                f"query: the attention '{attention}' has the option 'query: last', expected it "
                "without: the query is the second text"
            )
