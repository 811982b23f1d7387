"""Data sets with several labels for each text: replaced by one data set for each label."""

from collections.abc import Mapping
import re
from typing import Any

FILTERS = ("include", "exclude")


def several_labels(config: Any) -> Any:
    """A config in which each data set with `labels` is replaced by one for each of its labels.

    A grid or a filter that names the data set names them all. So every label has models, estimates
    and verdicts of its own, and what the page says of all data sets pools them. The data sets share
    the raw table; each draws its own splits, stratified by its label.

    Args:
        config: as it is read, not yet checked. What is not of the right type is left as it is, for
            the checks that follow.

    Raises:
        ValueError: a data set has both `label` and `labels`, `labels` is no list of names, names a
            label twice, or two labels would give one name.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("datasets"), Mapping):
        return config
    datasets: dict[Any, Any] = {}
    parts: dict[str, list[str]] = {}
    for name, dataset in config["datasets"].items():
        if not isinstance(dataset, Mapping) or not dataset.get("labels"):
            datasets[name] = dataset
            continue
        parts[name] = _names(name, dataset)
        shared = {key: value for key, value in dataset.items() if key != "labels"}
        for part, label in zip(parts[name], dataset["labels"], strict=True):
            if part in config["datasets"]:
                raise ValueError(f"datasets.{name}.labels: there is a data set '{part}' already")
            datasets[part] = {**shared, "label": label}
    if not parts:
        return config
    found = {**config, "datasets": datasets}
    for key in ("grid", *FILTERS):
        if isinstance(config.get(key), list):
            found[key] = [_replaced(one, parts) for one in config[key]]
    return found


def _names(name: str, dataset: Mapping[str, Any]) -> list[str]:
    labels = dataset["labels"]
    place = f"datasets.{name}.labels"
    if "label" in dataset:
        raise ValueError(
            f"{place}: 'label' is '{dataset['label']}' and 'labels' are given, expected one of them"
        )
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError(f"{place}: found {labels!r}, expected a list of columns")
    parts = [f"{name}.{re.sub('[^A-Za-z0-9_.-]', '_', label)}" for label in labels]
    for part, label in zip(parts, labels, strict=True):
        if parts.count(part) > 1:
            raise ValueError(f"{place}: '{label}' stands there twice, expected different labels")
    return parts


def _replaced(grid: Any, parts: Mapping[str, list[str]]) -> Any:
    """A grid or a filter that names the data sets of the labels, filters inside it too."""
    if not isinstance(grid, Mapping):
        return grid
    found = dict(grid)
    if "dataset" in grid:
        named = grid["dataset"] if isinstance(grid["dataset"], list) else [grid["dataset"]]
        if all(isinstance(name, str) for name in named):
            found["dataset"] = [part for name in named for part in parts.get(name, [name])]
    for key in FILTERS:
        if isinstance(grid.get(key), list):
            found[key] = [_replaced(one, parts) for one in grid[key]]
    return found
