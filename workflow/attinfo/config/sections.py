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
from attinfo.config.section import Section, described
from attinfo.config.yaml_values import Column, Keyed, Word, Words

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
    where: Annotated[dict[str, Words], Keyed] = described(
        {}, "Rows to keep: the value, or the values, that a column must have.", {"language": "en"}
    )
    classes: Annotated[dict[str, Word], Keyed] = described(
        {},
        "The name to show for each label of the file; lists all labels. Empty: labels as they are.",
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
        "Largest number of subwords, but for single characters, which are all kept. null: 8,000."
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
    """A lexicon: words with human ratings, in a table with the columns `word` and `value`."""

    source: dict[str, Any] = described(
        ...,
        "Where the table comes from: `name` of a source, and its options.",
        {"name": "files", "path": "lexicon.csv"},
    )
    least: PositiveFloat = described(
        1.0, "A word counts as a sentiment word from this absolute value on.", 0.5
    )

    @field_validator("source")
    @classmethod
    def _registered(cls, source: dict[str, Any]) -> dict[str, Any]:
        return checked_source(source)


class Model(Section):
    """Sizes of the models, shared by all cells, so that cells differ in their blocks only."""

    embedding: PositiveInt = described(100, "Features of a word's embedding.", 300)
    embedding_std: PositiveFloat = described(
        0.4, "Standard deviation of the initial embeddings.", 0.1
    )
    vectors: str | None = described(
        None,
        "File of word vectors (word2vec text, GloVe or fastText `.vec`) with which the "
        "embeddings start; `embedding` must be their size.",
        "wiki.simple.vec",
    )
    width: int = described(
        64, "Features of a hidden state, d in the formulas.", 128, ge=8, multiple_of=2
    )
    dropout: float = described(
        0.4,
        "Share of the embedded features that training sets to zero; the same features for all"
        " tokens of a text.",
        0.2,
        ge=0,
        lt=1,
    )


class Information(Section):
    """Estimates of the information between hidden states and the model's output."""

    output: Literal["predicted", "label"] = described(
        "predicted", "The output: the class that the model predicts, or the gold label.", "label"
    )
    estimators: OneOrMore = described(
        ["linear", "knn"],
        "Estimators for all units. `linear` must be among them: the claims rest on it.",
        ["linear", "knn", "logistic"],
    )
    options: Blocks = described({}, "Options of estimators.", {"knn": {"neighbours": 5}})
    positions: PositiveInt = described(
        10, "Number of positions in the text, from the first, that are units.", 20
    )
    ranks: PositiveInt = described(
        10, "Number of attention ranks, from the largest weight, that are units.", 20
    )
    min_texts: int = described(200, "Units with fewer texts are left out.", 100, ge=50)
    spot_checks: list[str] = described(
        ["stack"], "Estimators that are too slow for all units.", ["stack", "mlp"]
    )
    spot_units: NonNegativeInt = described(
        2, "Number of units of each run, drawn at random, that `spot_checks` estimate.", 1
    )
    permutations: int = described(
        20, "Permutations of the outputs for the permutation null.", 100, ge=19
    )
    seed: int = described(5, "Seed of folds, permutations and draws.", 1)

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
    """Measures of what each token contributes to the prediction."""

    measures: OneOrMore = described(
        ["gradient", "integrated_gradients", "leave_one_out", "attention_norm", "score"],
        "Importance measures that attention is compared with.",
        ["gradient", "leave_one_out"],
    )
    options: Blocks = described(
        {}, "Options of importance measures.", {"integrated_gradients": {"steps": 32}}
    )

    @field_validator("measures")
    @classmethod
    def _registered(cls, names: list[str]) -> list[str]:
        return [block_of("importance measure", name).name for name in dict.fromkeys(names)]


class Faithfulness(Section):
    """How much the prediction changes when tokens are deleted, most important first."""

    texts: PositiveInt = described(500, "Texts of each run, drawn at random.", 300)
    bins: list[Fraction] = described(
        [0.01, 0.05, 0.1, 0.2, 0.5],
        "Shares of the tokens that are deleted, as in ERASER (DeYoung et al. 2020).",
        [0.1, 0.2, 0.5],
        min_length=1,
    )
    random_orders: PositiveInt = described(
        5, "Random orders of deletion; their mean is the baseline.", 3
    )
    normalised_texts: NonNegativeInt = described(
        32,
        "Texts of each run for which the best and the worst order are searched, so that "
        "scores of different models compare.",
        16,
    )
    longest: PositiveInt = described(
        30, "Most tokens of such a text; the cost of the search grows with the cube.", 40
    )
    beam: PositiveInt = described(5, "Width of the beam search for these orders.", 10)
    seed: int = described(19, "Seed of the draws.", 1)


class Calibration(Section):
    """Generated tasks with known information, on which the estimators are measured."""

    ranks: list[Annotated[float, Field(ge=1.1)]] = described(
        [4.0, 16.0], "Effective ranks of the generated states.", [4, 32], min_length=1
    )
    levels: list[Fraction] = described(
        [0.1, 0.3, 0.7],
        "Information of the tasks, as shares of the log of the number of classes.",
        [0.3],
        min_length=1,
    )
    repeats: int = described(3, "Samples drawn from each task.", 5, ge=2)
    seed: int = described(11, "Seed of the samples.", 1)


class Statistics(Section):
    """Intervals and verdicts."""

    bootstrap: int = described(2000, "Resamples of the texts behind each interval.", 10000, ge=200)
    level: Fraction = described(0.95, "Level of all intervals and verdicts.", 0.99)
    seed: int = described(7, "Seed of the resamples.", 1)


class Report(Section):
    """What the report shows besides the tables."""

    texts: PositiveInt = described(10, "Texts that are shown word by word.", 20)
    seed: int = described(3, "Seed of the draw of these texts.", 1)
    published: str | None = described(
        None,
        "A CSV file of published numbers to show beside those of the study.",
        "studies/jain_wallace.csv",
    )
