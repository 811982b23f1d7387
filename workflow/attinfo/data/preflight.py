"""Checks of the data sets and packages of a study before any model is trained."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from attinfo.data.groups import FOLDS
from attinfo.runtime.errors import InputError


def preflight(
    summaries: Mapping[str, Mapping[str, Any]],
    min_texts: int,
    packages: Mapping[str, str],
    embeddings: Sequence[tuple[int, Mapping[str, Any]]] = (),
    groups: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, Any]:
    """Check that the study can be made from its data sets in this environment.

    Args:
        summaries: data set -> its `summary.json`.
        min_texts: texts that a unit of information must have.
        packages: place in the config -> package that the block named there needs.
        embeddings: sizes of embeddings, each with the summary of the vectors that they start from.
        groups: data set -> index -> groups that its analysed texts are of, see `groups_of_units`;
            only data sets that name a column of groups.

    Returns:
        What was found, as plain values.

    Raises:
        InputError: a line for each thing that does not fit.
    """
    wrong = [
        f"{place} needs the package '{package}', which is not installed: pip install '.[{package}]'"
        for place, package in packages.items()
        if find_spec(package) is None
    ]
    tests = {name: summary["splits"]["test"]["texts"] for name, summary in summaries.items()}
    wrong += [
        f"information.min_texts is {min_texts}, but the test split of '{name}' has {texts} texts: "
        "expected no more than that"
        for name, texts in tests.items()
        if texts < min_texts
    ]
    wrong += [
        f"model.embedding is {size}, expected {vectors['size']}: the numbers of a vector in "
        f"model.vectors ({vectors['file']})"
        for size, vectors in embeddings
        if size != vectors["size"]
    ]
    wrong += [
        f"datasets.{name}.group: the texts of the index '{index}' in the test split are of {count} "
        f"groups, expected {FOLDS} or more, one for each fold (texts of the same tokens are of one "
        "group)"
        for name, counts in (groups or {}).items()
        for count, index in [min((count, index) for index, count in counts.items())]
        if count < FOLDS
    ]
    if wrong:
        raise InputError("\n".join(dict.fromkeys(wrong)))
    return {"test_texts": tests, "packages": sorted(set(packages.values()))}
