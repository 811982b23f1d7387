"""Data sets with rationales in the layouts in which ERASER and HateXplain were published."""

from collections import Counter
from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

import pandas as pd

from attinfo.data import json_lines
from attinfo.data.encoding import NotATable, decoded
from attinfo.data.tables import from_columns, joined
from attinfo.runtime.errors import InputError, no_file

ERASER = {"train": "train.jsonl", "dev": "val.jsonl", "test": "test.jsonl"}
ANNOTATION = ("text", "label", "query", "rationale")
DIVISIONS = "post_id_divisions.json"  # of HateXplain, beside the file of posts
PARTS = {"train": "train", "val": "dev", "test": "test"}


def _content(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path}: found {no_file(path)}, expected a file")
    try:
        return decoded(path.read_bytes())
    except NotATable as error:
        raise InputError(f"{path}: {error}") from None


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        return json_lines.parse(_content(path))
    except NotATable as error:
        raise InputError(f"{path}: {error}") from None


def eraser(folder: Path) -> pd.DataFrame:
    """A data set of ERASER: `train.jsonl`, `val.jsonl`, `test.jsonl`, and its documents.

    Documents are files in `docs/`, or lines of `docs.jsonl`; their tokens stand between blanks. A
    text that names several documents is these one after the other. All tokens of all evidence of a
    text are marked.

    Args:
        folder: with these files.

    Returns:
        The columns `text` (list of tokens), `label` (the classification), `query`, `rationale` (a
        mask of the tokens) and `split`.

    Raises:
        InputError: a file is missing or not as published; the message names the line.

    Reference: DeYoung et al. 2020, https://www.eraserbenchmark.com.
    """
    documents: dict[str, list[str]] = {}
    if (folder / "docs.jsonl").is_file():
        documents = {
            str(line["docid"]): str(line["document"]).split()
            for line in _lines(folder / "docs.jsonl")
        }

    def document(name: str, place: str) -> list[str]:
        if name not in documents:
            path = folder / "docs" / name
            docs = (folder / "docs").resolve()
            if not path.resolve().is_relative_to(docs) or not path.is_file():
                raise InputError(f"{place}: there is no document '{name}', expected docs/{name}")
            documents[name] = _content(path).split()
        return documents[name]

    parts = {}
    for split, name in ERASER.items():
        path = folder / name
        if split == "dev" and not path.is_file():
            continue
        rows = [
            _annotation(line, document, f"{path}: line {number}")
            for number, line in enumerate(_lines(path), 1)
        ]
        columns = {key: [row[key] for row in rows] for key in ANNOTATION}
        if not rows:
            raise InputError(f"{path}: the file has no annotation, expected one or more")
        parts[split] = from_columns(columns)
        parts[split].attrs["files"] = [[str(path), 0]]
    return joined(parts)


def _annotation(line: Mapping[str, Any], document: Any, place: str) -> dict[str, Any]:
    for key in ("annotation_id", "classification", "evidences"):
        if key not in line:
            raise InputError(f"{place}: has no '{key}', expected an annotation of ERASER")
    evidence = [one for group in line["evidences"] for one in group]
    for one in evidence:
        if not {"docid", "start_token", "end_token"} <= set(one):
            raise InputError(f"{place}: evidence without 'docid', 'start_token' and 'end_token'")
    names = list(line.get("docids") or dict.fromkeys(one["docid"] for one in evidence))
    names = names or [line["annotation_id"]]
    tokens: list[str] = []
    begins: dict[str, int] = {}
    for name in names:
        begins[name] = len(tokens)
        tokens += document(str(name), place)
    mask = [0] * len(tokens)
    for one in evidence:
        if one["docid"] not in begins:
            raise InputError(f"{place}: evidence in '{one['docid']}', expected one of {names}")
        begin, size = begins[one["docid"]], len(document(str(one["docid"]), place))
        start, end = one["start_token"], one["end_token"]
        if not 0 <= start < end <= size:
            raise InputError(
                f"{place}: evidence from token {start} to {end}, expected 0 <= start < end <= "
                f"{size} in '{one['docid']}'"
            )
        mask[begin + start : begin + end] = [1] * (end - start)
    values = (tokens, line["classification"], line.get("query") or "", json.dumps(mask))
    return dict(zip(ANNOTATION, values, strict=True))


def hatexplain(path: Path) -> pd.DataFrame:
    """HateXplain: `dataset.json`, and `post_id_divisions.json` beside it.

    The label is that of most annotators; posts without such a label are left out, as in the
    publication. The annotators of a rationale are those who marked one.

    Args:
        path: of `dataset.json`.

    Returns:
        The columns `text` (list of tokens), `label`, `rationale` (a mask of each annotator) and
        `split`.

    Raises:
        InputError: a file is missing or not as published; the message names the post.

    Reference: Mathew et al. 2021, https://github.com/hate-alert/HateXplain.
    """
    try:
        posts, divisions = (json.loads(_content(p)) for p in (path, path.with_name(DIVISIONS)))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: a file of HateXplain is not JSON: {error}") from None
    for file, held in ((path, posts), (path.with_name(DIVISIONS), divisions)):
        if not isinstance(held, dict):
            raise InputError(f"{file}: holds a {type(held).__name__}, expected a JSON object")
    parts, left_out = {}, 0
    for name, split in PARTS.items():
        rows = []
        for post in divisions.get(name, []):
            if post not in posts:
                raise InputError(f"{path}: has no post '{post}', which {DIVISIONS} names")
            one = posts[post]
            for key in ("annotators", "rationales", "post_tokens"):
                if key not in one:
                    raise InputError(f"{path}: post '{post}' has no '{key}'")
            (label, votes), *_ = Counter(own["label"] for own in one["annotators"]).most_common()
            if votes * 2 <= len(one["annotators"]):
                left_out += 1
                continue
            rows.append((one["post_tokens"], label, json.dumps(one["rationales"])))
        if not rows:
            raise InputError(f"{path}: the division '{name}' has no post, expected one or more")
        columns = dict(zip(("text", "label", "rationale"), zip(*rows, strict=True), strict=True))
        parts[split] = from_columns(columns)
        parts[split].attrs["files"] = [[f"{path}[{name}]", 0]]
    table = joined(parts)
    if left_out:
        note = f"{left_out:,} of the posts are left out: most annotators did not agree on a label"
        table.attrs["notes"] = [note]
    return table
