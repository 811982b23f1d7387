"""Every key of a config says what it means, and shows an example that a study may have."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from project import ROOT
import pytest
import yaml

from attinfo.blocks.catalogue import KINDS
from attinfo.config.study import Study


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """As Snakemake merges configs."""
    both = {
        key: merged(base[key], value)
        for key, value in more.items()
        if isinstance(value, Mapping) and isinstance(base.get(key), Mapping)
    }
    return {**base, **more, **both}


@cache
def default_config() -> dict[str, Any]:
    parts = [ROOT / "workflow/datasets.yaml", ROOT / "config.yaml"]
    catalogue, config = (yaml.safe_load(path.read_text("utf-8")) for path in parts)
    return merged(catalogue, config)


def keys(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(section, key, its schema) of everything that a config may set."""
    for section, own in {"": schema, **schema["$defs"]}.items():
        for key, value in own.get("properties", {}).items():
            yield section, key, value


AUDITED = {"dataset": "rotten_tomatoes"}
PACKAGE = {"name": "model", "version": "1", "sha256": "0" * 64, "folder": "model"}
MODEL = {  # section of an audited model -> such a model with some keys of the section
    "AuditedModel": lambda own: AUDITED | ({} if "package" in own else {"model": "folder"}) | own,
    "Package": lambda own: AUDITED | {"package": PACKAGE | own},
    "FineTune": lambda own: AUDITED | {"model": "folder", "fine_tune": own},
}
KEYS = list(keys(Study.model_json_schema()))


@pytest.mark.parametrize(("section", "key", "schema"), KEYS, ids=lambda value: str(value)[:20])
def test_every_key_has_a_description_and_an_example(
    section: str, key: str, schema: Mapping[str, Any]
) -> None:
    assert schema.get("description", "").endswith("."), f"{section}.{key} has no description"
    assert schema.get("examples"), f"{section}.{key} has no example"


def place_of(section: str, key: str, example: Any) -> dict[str, Any]:
    """A config that differs from the default one by the example of a key."""
    own = {key: example}
    if key == "vocabulary_size":  # of subwords alone
        own["tokenizer"] = "subwords"
    if section == "":
        return own
    if section == "Grid":
        return {"grid": [{**default_config()["grid"][0], **own}]}
    if section == "Filter":
        return {"include": [own]}
    source = {"source": {"name": "files", "path": "mine.csv"}}
    used = {"grid": [{**default_config()["grid"][0], "dataset": "mine"}]}
    if section == "Dataset" and key in ("query_encoder", "query_output"):  # beside a query alone
        own["query"] = "question"
    if (section, key) == ("Dataset", "output"):  # without estimators for classes alone
        used["information"] = {"estimators": ["linear", "knn"], "light": []}
    if section == "Rationale":
        marked = {"rationale": {"column": "marks", **own}}
        return {"datasets": {"mine": source | marked}, **used}
    if section == "Dataset":
        return {"datasets": {"mine": source | own}, **used}
    if section == "Yardstick":
        return {"yardsticks": {"mine": source | own}}
    if section == "PackagedVectors":
        pin = {"package": "a", "version": "1", "sha256": "0" * 64, "size": 2}
        return {"vectors": {"mine": pin | {"matrix": "a.npy", "words": "a.csv"} | own}}
    if section in ("Split", "Caps"):
        return {"datasets": {"mine": {**source, section.lower(): own}}, **used}
    if (section, key) == ("AuditedModel", "first"):  # of two texts alone
        asked = {"datasets": {"mine": source | {"query": "question"}}}
        return asked | {"models": {"mine": MODEL[section](own | {"dataset": "mine"})}}
    if section in MODEL:
        return {"models": {"mine": MODEL[section](own)}}
    return {section.lower(): own}


@pytest.mark.parametrize(("section", "key", "schema"), KEYS, ids=lambda value: str(value)[:20])
def test_every_example_of_a_key_is_a_valid_config(
    section: str, key: str, schema: Mapping[str, Any]
) -> None:
    Study.checked(merged(default_config(), place_of(section, key, schema["examples"][0])))


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_of_a_block_has_a_description(kind: str) -> None:
    for name, block in KINDS[kind].items():
        for option, field in block.fields.items():
            assert (field.description or "").endswith("."), f"{kind} {name}: {option}"
