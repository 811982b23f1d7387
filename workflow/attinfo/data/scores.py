"""Scores of tokens that another tool has computed, read from a table and aligned with the texts.

The table is Parquet, CSV or JSON lines, with a row for each score:

- `text`: number of the text in the test split, from 0. Texts without rows have no scores.
- `token`: position of the token in the text, from 0; or `start` and `end`: characters of the text.
- `name`: the measure, such as `shap`. In the tables of a study it is called `scores:shap`.
- `value`: the score.
- `run` (optional): the run whose prediction the score explains, as in the folder `runs`:
  `<data set>/<encoder>/<attention>/<normaliser>/<variant>/<seed>`, or the same without the seed for
  all seeds. Empty or absent: the score is of the text alone, and counts for all runs.
- `word` (optional): the text of the token, which must be the one that the data set has there.
- `seconds` (optional): seconds to compute the measure for all texts of the run.

With `token`, all tokens of a text need a score. With `start` and `end`, a score goes to each token
that has one of these characters. Scores of parts of a token are added up. Tokens without a score
have the score 0.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
import re
from typing import NoReturn

import numpy as np
import pandas as pd

from attinfo.data.names import shown
from attinfo.data.tables import read_table
from attinfo.data.texts import read_arrow
from attinfo.keys import GIVEN
from attinfo.runtime.errors import InputError, no_file, unknown

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
NEEDED = ("text", "name", "value")
OPTIONAL = ("token", "start", "end", "run", "word", "seconds")
WHOLE = ("text", "token", "start", "end")  # columns of whole numbers


@dataclass(frozen=True)
class Places:
    """Where the tokens of a split are.

    Attributes:
        texts: [texts] the texts.
        starts, ends: [tokens] characters of each token in its text.
        offsets: [texts + 1] first token of each text.
    """

    texts: list[str]
    starts: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, folder: str | Path, split: str = "test") -> "Places":
        """Read the places of a split of a prepared data set."""
        table = read_arrow(folder, split)
        starts, ends = (table[name].combine_chunks() for name in ("starts", "ends"))
        offsets = starts.offsets.to_numpy().astype(np.int64) - starts.offsets[0].as_py()
        spans = [column.flatten().to_numpy() for column in (starts, ends)]
        return cls(table["text"].to_pylist(), spans[0], spans[1], offsets)

    @cached_property
    def words(self) -> np.ndarray:
        """[tokens] the text of each token."""
        texts = np.repeat(np.array(self.texts, object), np.diff(self.offsets))
        spans = zip(texts, self.starts, self.ends, strict=True)
        return np.array([text[start:end] for text, start, end in spans], object)


class Scores:
    """The scores of a table, aligned with the tokens of a split.

    Args:
        path: the file, as messages name it.
        places: of the split that the scores are of.
        runs: the runs of the study on the data set; None to take any name of a run.

    Raises:
        InputError: the file cannot be read, or a row does not fit; the message names the row.
    """

    def __init__(self, path: str | Path, places: Places, runs: Collection[str] | None = None):
        self.path, self.places = str(path), places
        self.table = self._read(Path(path))
        self._check_columns()
        self._check_values(runs)
        self._spans = "token" not in self.table
        self._check_spans() if self._spans else self._check_tokens()

    @property
    def names(self) -> list[str]:
        """The measures, in the order in which the table has them."""
        return list(dict.fromkeys(self.table["name"]))

    def of(self, run: str) -> dict[str, np.ndarray]:
        """The scores of a run by column: `scores:<name>` -> [tokens] float64, NaN where none is.

        Args:
            run: the path of the run, `<data set>/…/<seed>`.
        """
        own = self.table[self.table["run"].isin(["", run, run.rpartition("/")[0]])]
        return {GIVEN + name: self._aligned(rows) for name, rows in own.groupby("name", sort=False)}

    def seconds(self, run: str) -> dict[str, float]:
        """The seconds of a run's scores by column, where the table has them."""
        own = self.table[self.table["run"].isin(["", run, run.rpartition("/")[0]])]
        found = own.dropna(subset=["seconds"]).groupby("name", sort=False)["seconds"].first()
        return {f"{GIVEN}{name}": float(value) for name, value in found.items()}

    def _aligned(self, rows: pd.DataFrame) -> np.ndarray:
        values = np.full(self.places.offsets[-1], np.nan)
        text, value = rows["text"].to_numpy(), rows["value"].to_numpy()
        first = self.places.offsets[:-1]
        if not self._spans:
            values[first[text] + rows["token"].to_numpy()] = value
            return values
        for number in np.unique(text):
            values[first[number] : self.places.offsets[number + 1]] = 0.0
        for i, start, end, score in zip(text, rows["start"], rows["end"], value, strict=True):
            values[self._tokens_of(i, start, end)] += score
        return values

    def _tokens_of(self, text: int, start: int, end: int) -> np.ndarray:
        own = np.arange(self.places.offsets[text], self.places.offsets[text + 1])
        return own[(self.places.starts[own] < end) & (self.places.ends[own] > start)]

    def _read(self, path: Path) -> pd.DataFrame:
        if not path.is_file():
            raise InputError(f"{path}: found {no_file(path)}, expected a table of scores")
        if path.suffix == ".parquet":  # not by way of texts, as `read_table` does: it may be large
            try:
                table = pd.read_parquet(path)
            except (OSError, ValueError) as error:
                raise InputError(f"{path}: {error}") from None
        else:
            table = read_table(path.read_bytes(), str(path))
        if table.empty:
            raise InputError(f"{path}: the table has no row, expected a score in each")
        return table.reset_index(drop=True)

    def _refuse(self, row: int, found: str, expected: str) -> NoReturn:
        raise InputError(f"{self.path}: row {row + 1}: {found}, expected {expected}")

    def _check_columns(self) -> None:
        for name in NEEDED:
            if name not in self.table:
                raise InputError(f"{self.path}: {unknown('column', name, list(self.table))}")
        spans = {"start", "end"} & set(self.table)
        if ("token" in self.table) == bool(spans) or len(spans) == 1:
            raise InputError(
                f"{self.path}: has the columns {', '.join(map(str, self.table))}, expected either "
                "'token', or 'start' and 'end'"
            )
        held = [name for name in (*NEEDED, *OPTIONAL) if name in self.table]
        self.table = self.table[held]

    def _numbers(self, name: str) -> pd.Series:
        given = self.table[name]
        if pd.api.types.is_numeric_dtype(given):
            return given.astype(np.float64)
        texts = given.astype("str").str.strip()
        # `float` reads every digit; pandas' own parser may be off by one in the last place.
        return texts.map(_number).astype(np.float64)

    def _check_values(self, runs: Collection[str] | None) -> None:
        given = self.table.copy()
        for name in (*WHOLE, "value"):
            if name not in given:
                continue
            numbers = self._numbers(name)
            bad = ~np.isfinite(numbers)
            expected = "a number" if name == "value" else "a whole number, 0 or more"
            if name != "value":
                bad |= (numbers < 0) | (numbers % 1 != 0)
            for row in np.flatnonzero(bad)[:1]:
                self._refuse(int(row), f"{name} is '{shown(str(given[name][row]))}'", expected)
            self.table = self.table.assign(
                **{name: numbers if name == "value" else numbers.astype(np.int64)}
            )
        names = given["name"].astype("str").str.strip()
        for row in np.flatnonzero(~names.str.fullmatch(NAME.pattern))[:1]:
            self._refuse(
                int(row),
                f"name is '{shown(str(names[row]))}'",
                "a letter, then letters, digits, '_', '.' and '-'",
            )
        run = given["run"].fillna("").astype("str").str.strip() if "run" in given else ""
        seconds = np.nan
        if "seconds" in given:
            missing = given["seconds"].isna() | (given["seconds"].astype("str").str.strip() == "")
            seconds = self._numbers("seconds").mask(missing)
            for row in np.flatnonzero(~missing & ~(np.isfinite(seconds) & (seconds >= 0)))[:1]:
                found = shown(str(given["seconds"][row]))
                self._refuse(int(row), f"seconds is '{found}'", "0 or more")
        self.table = self.table.assign(name=names, run=run, seconds=seconds)
        if runs is not None:
            known = {*runs, *(name.rpartition("/")[0] for name in runs), ""}
            for row in np.flatnonzero(~self.table["run"].isin(known))[:1]:
                line = unknown("run", self.table["run"][row], known - {""})
                raise InputError(f"{self.path}: row {row + 1}: {line}")
        count, text = len(self.places.texts), self.table["text"].to_numpy()
        for row in np.flatnonzero(text >= count)[:1]:
            self._refuse(int(row), f"text is {text[row]}", f"0 to {count - 1}: the test split")

    def _check_tokens(self) -> None:
        text, token = self.table["text"].to_numpy(), self.table["token"].to_numpy()
        lengths = np.diff(self.places.offsets)[text]
        for row in np.flatnonzero(token >= lengths)[:1]:
            self._refuse(
                int(row),
                f"token is {token[row]}",
                f"0 to {lengths[row] - 1}, the tokens of text {text[row]}",
            )
        key = ["run", "name", "text", "token"]
        for row in np.flatnonzero(self.table.duplicated(key))[:1]:
            self._refuse(
                int(row),
                f"a second value of '{self.table['name'][row]}' for token {token[row]} of text "
                f"{text[row]}",
                "one",
            )
        if "word" in self.table:
            words, own = self.table["word"].astype("str"), self.places.words
            expected = own[self.places.offsets[text] + token]
            for row in np.flatnonzero(words.to_numpy(object) != expected)[:1]:
                self._refuse(
                    int(row),
                    f"word is '{shown(words[row])}'",
                    f"'{shown(expected[row])}', token {token[row]} of text {text[row]}",
                )
        counts = self.table.groupby(["run", "name", "text"], sort=False)["token"].transform("size")
        for row in np.flatnonzero(counts.to_numpy() < lengths)[:1]:
            name = self.table["name"][row]
            self._refuse(
                int(row),
                f"'{name}' has values for {counts[row]} tokens of text {text[row]}",
                f"one for each of its {lengths[row]} tokens",
            )

    def _check_spans(self) -> None:
        table = self.table
        for row, (text, start, end) in enumerate(
            zip(table["text"], table["start"], table["end"], strict=True)
        ):
            size = len(self.places.texts[text])
            if not start < end <= size:
                self._refuse(
                    row, f"the span is {start} to {end}", f"start < end <= {size}, in text {text}"
                )
            if not len(self._tokens_of(text, start, end)):
                self._refuse(
                    row,
                    f"the span {start} to {end} of text {text} holds no token",
                    "one or more (long texts are cut at max_tokens)",
                )
        ordered = table.sort_values(["run", "name", "text", "start"], kind="stable")
        key = ordered[["run", "name", "text"]]
        same = (key == key.shift()).all(axis=1)
        for row in ordered.index[same & (ordered["start"] < ordered["end"].shift())][:1]:
            self._refuse(
                int(row),
                f"the span {table['start'][row]} to {table['end'][row]} of text "
                f"{table['text'][row]} overlaps another of '{table['name'][row]}'",
                "spans apart from each other",
            )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def read_each(
    folders: Mapping[str, str], paths: Mapping[str, str], runs: Collection[str]
) -> dict[str, list[str]]:
    """Check the tables of scores of a study and return the names of each data set's measures.

    Args:
        folders: data set -> folder of the prepared data set.
        paths: data set -> its table of scores.
        runs: the runs of the study.

    Raises:
        InputError: see `Scores`.
    """
    found = {}
    for name, path in paths.items():
        own = [run for run in runs if run.startswith(f"{name}/")]
        found[name] = Scores(path, Places.of(folders[name]), own).names
    return found
