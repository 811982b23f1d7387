"""The sections of a config: their keys, what each may be, and the defaults."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from attinfo.blocks.catalogue import KINDS, block_of, with_defaults
from attinfo.config.section import Section

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]  # becomes a folder's name
Fraction = Annotated[float, Field(gt=0, lt=1)]
Blocks = dict[Name, dict[str, Any]]  # name of a building block -> its options
OneOrMore = Annotated[
    list[str],
    BeforeValidator(
        lambda value: [value] if isinstance(value, str) else value,
        json_schema_input_type=str | list[str],
    ),
    Field(min_length=1),
]


class Split(Section):
    """Shares of the texts, drawn stratified by class; the rest is the test split.

    Where the source has splits of its own, or `column` names them, those are used; a dev or test
    split that is not among them is drawn from the training split by its share.
    """

    column: str | None = None  # holds train, dev or test
    train: Fraction = 0.7
    dev: Fraction = 0.1
    seed: int = 13

    @model_validator(mode="after")
    def _leaves_a_test_split(self) -> Self:
        if self.train + self.dev >= 1:
            raise ValueError(
                f"train + dev is {self.train + self.dev:g}, expected less than 1: "
                "the rest is the test split"
            )
        return self


class Caps(Section):
    """The largest numbers of texts, drawn stratified by class; null for all of them."""

    train: PositiveInt | None = None
    dev: PositiveInt | None = None
    test: PositiveInt | None = None  # the texts that are analysed
    seed: int = 17


def checked_source(source: dict[str, Any]) -> dict[str, Any]:
    """A source with all its options.

    Raises:
        ValueError: its name or an option is unknown, or one is missing or of another type.
    """
    if not isinstance(source.get("name"), str):
        known = ", ".join(KINDS["source"])
        raise ValueError(f"'name' is {source.get('name')!r}, expected one of {known}")
    name = block_of("source", source["name"]).name
    options = {key: value for key, value in source.items() if key != "name"}
    known = KINDS["source"]
    for key in options:
        for other in known:
            # Snakemake merges the keys of a study with those of the catalogue.
            if key in known[other].fields and key not in known[name].fields:
                raise ValueError(
                    f"found '{key}', an option of source '{other}', beside name '{name}': a "
                    "study can change a data set of the catalogue, not give it another "
                    "source; expected a data set of another name"
                )
    return {"name": name, **with_defaults("source", name, options)}


class Dataset(Section):
    """Labelled texts: where they come from, and how they become token ids."""

    source: dict[str, Any]
    text: str = "text"  # the column that holds the text
    label: str = "label"  # the column that holds the class
    where: dict[str, OneOrMore] = {}  # rows kept: column -> value, or values
    classes: dict[str, str] = {}  # label in the file -> name to show; empty: as in the file
    bands: dict[str, tuple[FiniteFloat, FiniteFloat]] = {}  # class -> ratings from, to
    split: Split = Split()
    caps: Caps = Caps()
    min_count: PositiveInt = 2  # words seen less often in training are unknown words
    max_tokens: PositiveInt = 400  # longer texts are cut
    yardstick: str | None = None  # one of `yardsticks`: words that people find telling
    model: dict[str, Any] = {}  # what differs from `model` on this data set
    training: dict[str, Any] = {}  # what differs from `training`

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


class Yardstick(Section):
    """Words as people rate them: a table with the columns `word` and `value`."""

    source: dict[str, Any]
    least: PositiveFloat = 1.0  # size of a value from which on a word is a telling one

    @field_validator("source")
    @classmethod
    def _registered(cls, source: dict[str, Any]) -> dict[str, Any]:
        return checked_source(source)


class Model(Section):
    """Sizes shared by every cell, so that cells differ in their blocks alone."""

    embedding: PositiveInt = 100
    embedding_std: PositiveFloat = 0.4  # of the initial embeddings
    vectors: str | None = None  # a file of word vectors that embeddings start from
    width: Annotated[int, Field(ge=8, multiple_of=2)] = 64  # of a hidden state: d
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.4  # of embedded features, one mask a text


class Information(Section):
    """Which estimates of I(state; predicted class) are made, on how many units."""

    output: Literal["predicted", "label"] = "predicted"  # the model's class, or the gold one
    estimators: OneOrMore = ["linear", "knn"]
    options: Blocks = {}  # estimator -> its options
    positions: PositiveInt = 10
    ranks: PositiveInt = 10
    min_texts: Annotated[int, Field(ge=50)] = 200  # units with fewer texts are left out
    spot_checks: list[str] = ["stack"]  # estimators too dear for every unit
    spot_units: NonNegativeInt = 2  # drawn at random in each run, and checked by those
    permutations: Annotated[int, Field(ge=19)] = 20
    seed: int = 5

    @field_validator("estimators", "spot_checks")
    @classmethod
    def _registered(cls, names: list[str], info: Any) -> list[str]:
        names = [block_of("estimator", name).name for name in names]
        if info.field_name == "estimators" and "linear" not in names:
            raise ValueError(f"found {names}, expected 'linear' among them: the claims rest on it")
        return names

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        for name in self.spot_checks:
            if name in self.estimators:
                raise ValueError(f"spot_checks: '{name}' is among the estimators already")
        return self


class Importance(Section):
    """What each token contributes to the prediction, by which measures."""

    measures: OneOrMore = [
        "gradient",
        "integrated_gradients",
        "leave_one_out",
        "attention_norm",
        "score",
    ]
    options: Blocks = {}  # measure -> its options

    @field_validator("measures")
    @classmethod
    def _registered(cls, names: list[str]) -> list[str]:
        return [block_of("importance measure", name).name for name in dict.fromkeys(names)]


class Faithfulness(Section):
    """Deleting tokens in the order of attention, information, importance and at random."""

    texts: PositiveInt = 500  # a run, drawn
    bins: Annotated[list[Fraction], Field(min_length=1)] = [0.01, 0.05, 0.1, 0.2, 0.5]
    random_orders: PositiveInt = 5  # whose mean is the random one
    normalised_texts: NonNegativeInt = 32  # of them: bounds over all orders are sought
    longest: PositiveInt = 30  # tokens of such a text; the cost grows with its cube
    beam: PositiveInt = 5  # width of the search
    seed: int = 19


class Calibration(Section):
    """Tasks of known information on which the estimators are measured."""

    ranks: Annotated[list[Annotated[float, Field(ge=1.1)]], Field(min_length=1)] = [4.0, 16.0]
    levels: Annotated[list[Fraction], Field(min_length=1)] = [0.1, 0.3, 0.7]  # of H(output)
    repeats: Annotated[int, Field(ge=2)] = 3
    seed: int = 11


class Statistics(Section):
    """Intervals over seeds and resampled texts, and the level of the verdicts."""

    bootstrap: Annotated[int, Field(ge=200)] = 2000
    level: Fraction = 0.95
    seed: int = 7


class Report(Section):
    """What the report shows beside the tables."""

    texts: PositiveInt = 10
    seed: int = 3
    published: str | None = None  # a table of others' numbers, see `attinfo.claims.published`
