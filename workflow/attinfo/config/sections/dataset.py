"""Data sets: the section `datasets`, and word lists: the section `yardsticks`."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    FiniteFloat,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from attinfo.blocks.catalogue import KINDS, block_of, with_defaults
from attinfo.config.sections.base import Fraction, Section, described
from attinfo.config.yaml_values import Column, Keyed, Word, Words
from attinfo.option_types import Text


class Split(Section):
    """Shares of the texts in each split, drawn stratified by class; the rest is the test split.

    Splits that the source has, or that `column` names, are used as they are. A dev or test split
    that is missing there is drawn from the training split, by its share.
    """

    column: Column | Literal[False] | None = described(
        None,
        "Column that holds the split of each text: train (or training), dev (devel, development,"
        " val, valid, validation) or test (testing). null: the column `split`, if there is one."
        " false: no column, even if one looks like it.",
        "fold",
    )
    train: Fraction = described(0.7, "Share of the texts in the training split.", 0.8)
    dev: Fraction = described(0.1, "Share in the dev split, on which training stops early.", 0.05)
    seed: int = described(13, "Seed of the draw.", 1)

    @model_validator(mode="after")
    def _leaves_a_test_split(self) -> Self:
        if self.train + self.dev >= 1:
            raise ValueError(
                f"train + dev is {self.train + self.dev:g}, expected less than 1: "
                "the rest is the test split"
            )
        return self


class Caps(Section):
    """The largest number of texts of each split, drawn stratified by class; null for all."""

    train: PositiveInt | None = described(None, "Most texts to train on.", 20000)
    dev: PositiveInt | None = described(None, "Most texts of the dev split.", 2000)
    test: PositiveInt | None = described(
        None, "Most texts of the test split: the texts that are analysed.", 2000
    )
    seed: int = described(17, "Seed of the draw.", 1)


def checked_source(source: dict[str, Any]) -> dict[str, Any]:
    """A source with all its options.

    Raises:
        ValueError: its name or an option is unknown, or one is missing or of another type.
    """
    if not isinstance(source.get("name"), str):
        names = ", ".join(KINDS["source"])
        raise ValueError(f"'name' is {source.get('name')!r}, expected one of {names}")
    name = block_of("source", source["name"]).name
    options = {option: value for option, value in source.items() if option != "name"}
    known = KINDS["source"]
    for option in options:
        for other in known:
            # Snakemake merges the keys of a study with those of the catalogue.
            if option in known[other].fields and option not in known[name].fields:
                raise ValueError(
                    f"found '{option}', an option of source '{other}', beside name '{name}': a "
                    "study can change a data set of the catalogue, not give it another "
                    "source; expected a data set of another name"
                )
    return {"name": name, **with_defaults("source", name, options)}


class Rationale(Section):
    """What people marked in each text as the reason for its class."""

    column: Column = described(..., "Column that holds the marks.", "rationale")
    form: Literal["spans", "tokens", "mask", "marked"] = described(
        "spans",
        "What a cell holds. spans: [start, end) characters; tokens: places of tokens, from 0; mask:"
        " 0 or 1 for each token; each of one annotator or a list of several. marked: the text with"
        " marks around the chosen parts.",
        "mask",
    )
    marks: tuple[Text, Text] = described(
        ("*", "*"), "The opening and the closing mark of the form `marked`.", ["[[", "]]"]
    )


def _as_section(value: Any) -> Any:
    """The section of a rationale of which only the column is named."""
    return {"column": value} if isinstance(value, str) else value


class Dataset(Section):
    """A data set: where its labelled texts come from, and how they become token ids."""

    source: dict[str, Any] = described(
        ...,
        "Where the texts come from: `name` of a source, and its options.",
        {"name": "files", "path": "data/mine.csv"},
    )
    text: Column = described(
        "text", "Column that holds the text, or the list of its tokens.", "review"
    )
    label: Column = described("label", "Column that holds the class.", "sentiment")
    labels: list[Column] = described(
        [],
        "Columns to use instead of `label`, if each text has several labels. Each label becomes a"
        " data set `<name>.<label>`. A grid that names the data set has runs for all labels.",
        ["toxic", "insult"],
    )
    output: Literal["class", "number"] = described(
        "class",
        "What a model predicts: the class in the column `label`, or the number in this column, by"
        " squared error.",
        "number",
    )
    query: Column | None = described(
        None,
        "Column of a second text, such as the question about a passage. Attention over the text"
        " then depends on the query.",
        "question",
    )
    query_encoder: Literal["own", "shared"] = described(
        "own",
        "Encoder of the query. own: a further encoder of the same kind. shared: the encoder of the"
        " text. Word embeddings are always shared.",
        "shared",
    )
    query_output: bool = described(
        False,
        "Whether the output layer reads the query, in addition to the weighted mean of the states"
        " of the text.",
        True,
    )
    group: Column | None = described(
        None,
        "Column that names the group of each text, such as its author or film. Random splits, and"
        " the folds and permutations of estimates of information, keep each group whole. With a"
        " `query`, the column of the text may be the group. null: each text is its own group.",
        "author",
    )
    rationale: Annotated[Rationale | None, BeforeValidator(_as_section)] = described(
        None,
        "What people marked in each text: the name of a column of character spans, or a section."
        " The marks of several annotators are averaged.",
        {"column": "rationale", "form": "mask"},
    )
    where: Annotated[dict[str, Words], Keyed] = described(
        {}, "Rows to keep: the value, or the values, that a column must have.", {"language": "en"}
    )
    classes: Annotated[dict[str, Word], Keyed] = described(
        {},
        "Display name of each label in the file; all labels must be listed. Empty: the labels.",
        {"0": "negative", "1": "positive"},
    )
    bands: Annotated[dict[str, tuple[FiniteFloat, FiniteFloat]], Keyed] = described(
        {},
        "Classes made from a numeric label: the lowest and highest value of each class. Texts"
        " outside all bands are left out.",
        {"negative": [1, 2], "positive": [4, 5]},
    )
    split: Split = described(Split(), "Training, dev and test split.", {"train": 0.6})
    caps: Caps = described(Caps(), "Limits on the number of texts.", {"test": 2000})
    drop_repeats: bool = described(
        False,
        "Whether a text that repeats another one, case and outer blanks aside, is left out before"
        " the splits are drawn. The first one is kept; of given splits, that of the test split, or"
        " else of the dev split. With a `query`, text and query must both repeat.",
        True,
    )
    least_texts: PositiveInt | None = described(
        None,
        "Classes with fewer texts are left out, before the splits are drawn. null: all classes must"
        " have ten texts.",
        30,
    )
    min_count: PositiveInt = described(
        2, "Words seen less often in the training split are unknown words.", 5
    )
    max_tokens: PositiveInt = described(400, "Longer texts are cut after this token.", 256)
    tokenizer: Literal["words", "subwords"] = described(
        "words",
        "What a token is. `words`: runs of letters and digits, and punctuation marks. `subwords`:"
        " byte-pair encoding, trained on the training split; for languages that are written"
        " without blanks, such as Chinese and Thai.",
        "subwords",
    )
    vocabulary_size: PositiveInt | None = described(
        None,
        "Largest size of the vocabulary of subwords. Every single character is kept, even if that"
        " makes the vocabulary larger. null: 8,000."
        " Only with `tokenizer: subwords`.",
        4000,
    )
    most_unknown: float = described(
        0.5,
        "Largest share of unknown words among the words of the test split (punctuation marks do"
        " not count). Above it, nothing is trained.",
        0.2,
        ge=0,
        le=1,
    )
    yardstick: str | None = described(
        None,
        "The lexicon (a name under `yardsticks`) that the words of this data set are compared"
        " with.",
        "vader",
    )
    scores: Text | None = described(
        None,
        "A table of scores of the test texts' tokens by another tool: columns `text`, `token` (or"
        " `start` and `end`), `name`, `value`, and where needed `run`, `word` and `seconds`.",
        "scores/shap.parquet",
    )
    model: dict[str, Any] = described(
        {}, "Keys of `model` that differ on this data set.", {"width": 128}
    )
    training: dict[str, Any] = described(
        {}, "Keys of `training` that differ on this data set.", {"batch_size": 64}
    )

    @field_validator("source")
    @classmethod
    def _registered(cls, source: dict[str, Any]) -> dict[str, Any]:
        return checked_source(source)

    @model_validator(mode="after")
    def _one_way_to_a_class(self) -> Self:
        if self.classes and self.bands:
            raise ValueError("both 'classes' and 'bands' are given, expected one of them")
        for name, (low, high) in self.bands.items():
            if low > high:
                raise ValueError(f"bands: '{name}' is [{low:g}, {high:g}], expected low <= high")
        return self

    @model_validator(mode="after")
    def _group_is_another_column(self) -> Self:
        # With queries, texts that are asked several questions may be kept together.
        others = (self.label,) if self.query is not None else (self.text, self.label)
        if self.group is not None and self.group in others:
            role = "text" if self.group == self.text else "label"
            raise ValueError(
                f"group is '{self.group}', the column of '{role}', expected another column"
            )
        return self

    @model_validator(mode="after")
    def _numbers_have_no_classes(self) -> Self:
        if self.output == "number":
            for key in ("classes", "bands"):
                if getattr(self, key):
                    raise ValueError(
                        f"output is 'number' and '{key}' are given, expected one of them"
                    )
        return self

    @model_validator(mode="after")
    def _query_is_another_column(self) -> Self:
        if self.query is not None and self.query in (self.text, self.label):
            role = "text" if self.query == self.text else "label"
            raise ValueError(
                f"query is '{self.query}', the column of '{role}', expected another column"
            )
        for key, default in (("query_encoder", "own"), ("query_output", False)):
            if self.query is None and getattr(self, key) != default:
                raise ValueError(
                    f"{key} is '{getattr(self, key)}', expected it beside 'query' alone"
                )
        return self

    @model_validator(mode="after")
    def _rationale_is_another_column(self) -> Self:
        if self.rationale is not None and self.rationale.column in (self.text, self.label):
            role = "text" if self.rationale.column == self.text else "label"
            raise ValueError(
                f"rationale is '{self.rationale.column}', the column of '{role}', expected another "
                "column"
            )
        return self

    @model_validator(mode="after")
    def _tokens_fit(self) -> Self:
        if self.tokenizer == "words" and self.vocabulary_size is not None:
            raise ValueError(
                f"vocabulary_size is {self.vocabulary_size}, expected it with 'tokenizer: "
                "subwords' alone: the vocabulary of words is set by min_count"
            )
        if self.tokenizer == "subwords" and self.yardstick is not None:
            raise ValueError(
                f"yardstick is '{self.yardstick}' and tokenizer 'subwords', expected 'words': a "
                "lexicon rates whole words"
            )
        return self


class Yardstick(Section):
    """A lexicon: a table of words with human ratings."""

    source: dict[str, Any] = described(
        ...,
        "Where the table comes from: `name` of a source, and its options.",
        {"name": "files", "path": "lexicon.csv"},
    )
    least: PositiveFloat = described(
        1.0, "Words with a smaller distance from the neutral rating are left out.", 0.5
    )
    word: Column = described("word", "Column that holds the words.", "Word")
    value: Column = described("value", "Column that holds the ratings.", "V.Mean.Sum")
    middle: FiniteFloat = described(
        0.0, "Rating of a neutral word, which is subtracted from all ratings.", 5.0
    )

    @field_validator("source")
    @classmethod
    def _registered(cls, source: dict[str, Any]) -> dict[str, Any]:
        return checked_source(source)
