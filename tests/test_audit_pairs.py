"""Audits of models that read a text and a query: what the model itself says of each pair."""

from functools import cache
from pathlib import Path
import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from test_audit_views import ALL_VIEWS, WORDS
from tokenizers import processors
import torch
from transformers_small import (
    DECODERS,
    FAMILIES,
    balanced,
    random_texts,
    saved,
    small,
    tokenizer_of,
)

from attinfo.audit.anatomy import anatomy_of
from attinfo.audit.api import audit
from attinfo.audit.attend import Attended, attend, probe_rows, read_attended, write_attended
from attinfo.audit.columns import columns_of
from attinfo.audit.encoded import Encoded, encode
from attinfo.audit.erasure import WordEraser
from attinfo.audit.fine_tune import fine_tune
import attinfo.audit.information
from attinfo.audit.measures.gradient import gradient
from attinfo.audit.measures.integrated_gradients import from_baseline, integrated_gradients
from attinfo.audit.measures.leave_one_out import leave_one_out
from attinfo.audit.model import TransformerClassifier, read_model
from attinfo.audit.pairs import First, check_room, queries_of
from attinfo.audit.stages import information
from attinfo.audit.texts import AuditedTexts, audited_texts, given_texts
from attinfo.config.sections.audit import Audit
from attinfo.config.sections.audited import FineTune
from attinfo.config.sections.dataset import Dataset
from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.config.study import Study
from attinfo.data.prepare import prepare
from attinfo.data.sources.files import files
from attinfo.data.tokenization import WORD
from attinfo.information.summary import Estimate
from attinfo.runtime.errors import InputError

TEXTS = random_texts(WORDS, 12)
QUERIES = [" ".join(text.split()[:4]) for text in random_texts(WORDS, 12, seed=1)]
LONG = {"max_position_embeddings": 64}
SEGMENTED = ("bert", "electra", "albert")  # the others have no embeddings of segments
every_family = pytest.mark.parametrize("family", FAMILIES)
in_both_orders = pytest.mark.parametrize("first", ["text", "query"])


@cache
def model_of(family: str) -> TransformerClassifier:
    """A small model. BERT's tokeniser gives segments, RoBERTa's none and two separators.

    Llama's tokeniser puts a subword before each of the two, that of GPT-2 puts nothing anywhere.
    """
    model = small(family, WORDS, ("a", "b", "c"), **({} if family == "gpt2" else LONG))
    if family == "roberta":
        joined(model, "[CLS] $A [SEP]", "[CLS] $A [SEP] [SEP] $B [SEP]")
    if family not in (*DECODERS, "roberta"):
        model.tokenizer = tokenizer_of(WORDS, segmented=True)
    if family == "llama":
        joined(model, "[CLS] $A", "[CLS] $A [CLS] $B")
    return model


def joined(model: TransformerClassifier, single: str, pair: str) -> None:
    """Set the templates of a tokeniser."""
    places = model.tokenizer.get_vocab()
    special = [(name, places[name]) for name in ("[CLS]", "[SEP]")]
    own = processors.TemplateProcessing(single=single, pair=pair, special_tokens=special)
    model.tokenizer.backend_tokenizer.post_processor = own


def spans_of(texts: list[str]) -> list[np.ndarray]:
    return [np.array([m.span() for m in re.finditer(WORD, text)]) for text in texts]


def encoded(
    model: TransformerClassifier,
    first: First = "text",
    texts: list[str] = TEXTS,
    asked: list[str] = QUERIES,
    units: Any = "words",
) -> Encoded:
    own = queries_of(asked, first, model.tokenizer, "here")
    spans = spans_of(texts)
    check_room(texts, spans, own, model.tokenizer, model.limit, "here", range(len(texts)))
    found = encode(texts, spans, model.tokenizer, model.limit, units, own, model.segmented)
    model.pad_with_unused(found.ids)
    return found


@cache
def attended(family: str, first: First = "text") -> tuple[Encoded, Attended]:
    texts = encoded(model_of(family), first)
    return texts, attend(model_of(family), texts, ALL_VIEWS, np.ones(len(texts), bool), 10_000)


def given_to(model: TransformerClassifier, text: str, query: str, first: First) -> Any:
    """What the tokeniser makes of a pair."""
    both = (text, query) if first == "text" else (query, text)
    return model.tokenizer(*both, return_tensors="pt", return_offsets_mapping=True)


def alone(model: TransformerClassifier, text: str, query: str, first: First) -> Any:
    """What the model of transformers makes of a pair, as its users call it."""
    given = given_to(model, text, query, first)
    names = ["input_ids", "attention_mask"]
    if "token_type_ids" in given and model.config.model_type != "distilbert":
        names.append("token_type_ids")  # DistilBERT takes none
    with torch.no_grad():
        return model.network(
            **{name: given[name] for name in names},
            output_attentions=True,
            output_hidden_states=True,
        )


def sides(model: TransformerClassifier, i: int, first: First) -> tuple[np.ndarray, np.ndarray]:
    """[P, words] whether a subword shares a letter with a word of the text, [P] of the query."""
    given = given_to(model, TEXTS[i], QUERIES[i], first)
    side = given.sequence_ids(0)
    words = np.zeros((len(side), len(spans_of(TEXTS)[i])))
    for piece, (a, b) in enumerate(given["offset_mapping"][0].tolist()):
        for word, (start, end) in enumerate(spans_of(TEXTS)[i]):
            words[piece, word] = side[piece] == (first != "text") and a < end and start < b
    return words, np.array([own == (first == "text") for own in side])


@in_both_orders
@every_family
def test_logits_are_those_of_the_tokeniser_and_the_model(family: str, first: First) -> None:
    model, (texts, found) = model_of(family), attended(family, first)
    expected = [
        alone(model, *pair, first).logits[0].numpy() for pair in zip(TEXTS, QUERIES, strict=True)
    ]
    np.testing.assert_allclose(found.logits, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        model.logits(texts.rows(np.arange(len(texts)))), expected, rtol=1e-4, atol=1e-4
    )
    assert (texts.segments is not None) == (family in SEGMENTED)


def test_segments_decide_what_bert_predicts() -> None:
    """Without them the logits are others, so that the test above sees whether they are passed."""
    model, (texts, found) = model_of("bert"), attended("bert")
    batch = model.padded(texts.rows(np.arange(len(texts))))
    assert batch.segments is not None and batch.segments.max() == 1
    with torch.no_grad():
        bare = model.network(input_ids=batch.ids, attention_mask=batch.real).logits
    assert np.abs(bare.numpy() - found.logits).max(1).min() > 1e-3


@in_both_orders
@every_family
def test_weights_are_summed_over_words_of_the_text_and_the_rest_is_separate(
    family: str, first: First
) -> None:
    model, (texts, found) = model_of(family), attended(family, first)
    read = anatomy_of(model, probe_rows(texts)).read
    assert read == ("last" if family in DECODERS else "first")
    names = columns_of("cls_head", 3, 4)
    for i in (0, 5):
        attention = torch.stack(alone(model, TEXTS[i], QUERIES[i], first).attentions)[:, 0]
        rows = attention[:, :, -1 if read == "last" else 0].flatten(0, 1).double().numpy()
        words, query = sides(model, i, first)
        own = slice(*texts.offsets[i : i + 2])
        mine = np.stack([found.views[name][own] for name in names])
        np.testing.assert_allclose(mine, rows @ words, atol=2e-6)
        on_query = [found.asked[name][i] for name in names]
        np.testing.assert_allclose(on_query, rows[:, query].sum(1), atol=2e-6)
        special = [found.special[name][i] for name in names]
        rest = rows[:, ~query & ~words.any(1)].sum(1)
        np.testing.assert_allclose(special, rest, atol=2e-6)


@in_both_orders
@pytest.mark.parametrize("family", ["bert", "roberta", "llama", "gpt2"])
def test_leave_one_out_is_what_the_model_says_of_the_pair_without_the_word(
    family: str, first: First
) -> None:
    model, (texts, _) = model_of(family), attended(family, first)
    values = leave_one_out(model, texts, np.arange(len(texts)))
    plain = [i for i, text in enumerate(TEXTS) if texts.lengths[i] == len(text.split())]
    for i in plain[:3]:
        words = TEXTS[i].split()
        whole = alone(model, TEXTS[i], QUERIES[i], first).logits[0].softmax(0)
        for place in range(len(words)):
            left = " ".join(words[:place] + words[place + 1 :])
            rest = alone(model, left, QUERIES[i], first).logits[0].softmax(0)
            fall = float(whole.max() - rest[whole.argmax()])
            assert values[texts.offsets[i] + place] == pytest.approx(fall, abs=1e-5)


@in_both_orders
@pytest.mark.parametrize("family", ["bert", "roberta", "llama"])
@pytest.mark.parametrize("mask", [None, 4])
def test_no_query_is_ever_removed(family: str, first: First, mask: int | None) -> None:
    texts, _ = attended(family, first)
    every = np.arange(len(texts))
    whole = texts.rows(every)
    none = texts.erased(every, np.zeros((len(texts), int(texts.lengths.max())), bool), mask)
    for i, (row, left) in enumerate(zip(whole, none, strict=True)):
        words, query = sides(model_of(family), i, first)
        of_words = words.any(1)
        kept = ~of_words if mask is None else np.ones(len(row), bool)
        expected = row.ids if mask is None else np.where(of_words, mask, row.ids)
        assert left.ids.tolist() == expected[kept].tolist()
        assert query.any() and kept[query].all() and not of_words[query].any()
        if row.segments is None:
            assert left.segments is None
        else:  # each subword keeps its own
            assert left.segments is not None
            assert left.segments.tolist() == row.segments[kept].tolist()


@pytest.mark.parametrize("family", ["bert", "roberta", "llama"])
def test_gradients_leave_the_query_as_it_is(family: str) -> None:
    """Values of words sum to the change of the log-odds as these words alone are scaled to zero."""
    model, (texts, _) = model_of(family), attended(family)
    some, kind = np.array([1, 4]), "mean" if family == "llama" else "zero"
    values = integrated_gradients(model, texts, some, steps=96, baseline=kind)
    totals = from_baseline(model, texts, some, baseline=kind)
    for i in some:
        own = values[slice(*texts.offsets[i : i + 2])]
        assert own.sum() == pytest.approx(totals[i], abs=0.02 + 0.02 * abs(totals[i]))
    assert np.isfinite(gradient(model, texts, np.arange(len(texts)))).all()


@pytest.mark.parametrize("family", ["bert", "roberta", "llama"])
def test_padding_batch_size_and_order_of_pairs_change_nothing(family: str) -> None:
    texts, found = attended(family)
    model = model_of(family)
    order = np.random.default_rng(1).permutation(len(TEXTS))
    one_by_one = TransformerClassifier(model.network, model.tokenizer, model.limit, batch=1)
    again_texts = encoded(
        one_by_one, "text", [TEXTS[i] for i in order], [QUERIES[i] for i in order]
    )
    again = attend(one_by_one, again_texts, ALL_VIEWS, np.ones(len(TEXTS), bool), 10_000)
    for place, i in enumerate(order):
        own, other = (
            slice(*texts.offsets[i : i + 2]),
            slice(*again_texts.offsets[place : place + 2]),
        )
        np.testing.assert_allclose(found.logits[i], again.logits[place], atol=1e-5)
        for name, weights in found.views.items():
            np.testing.assert_allclose(weights[own], again.views[name][other], rtol=2e-3, atol=2e-5)
            np.testing.assert_allclose(found.asked[name][i], again.asked[name][place], atol=2e-5)
        for mine, theirs in zip(found.states, again.states, strict=True):
            np.testing.assert_allclose(mine[own], theirs[other], rtol=1e-3, atol=1e-4)
    whole = WordEraser(model, texts).whole(np.arange(len(texts)))
    np.testing.assert_allclose(
        WordEraser(one_by_one, again_texts).whole(np.argsort(order)), whole, atol=1e-5
    )


@in_both_orders
@pytest.mark.parametrize("family", ["bert", "roberta", "llama"])
def test_the_text_is_cut_to_the_window_and_the_query_never(family: str, first: First) -> None:
    model = model_of(family)
    texts = encoded(model, first, [" ".join(["word1"] * 60)], ["word2 zebra word3"])
    both = ("word1 " * 60, "word2 zebra word3")
    cut = "only_first" if first == "text" else "only_second"
    given = model.tokenizer(
        *(both if first == "text" else both[::-1]), truncation=cut, max_length=model.limit
    )
    assert texts.ids.tolist() == given["input_ids"] and len(texts.ids) == model.limit
    assert texts.asked is not None and texts.asked.sum() == 7  # "zebra" has five subwords
    special = model.tokenizer.num_special_tokens_to_add(pair=True)
    assert texts.lengths[0] == model.limit - special - 7 == 60 - texts.lost[0]


def test_subwords_of_the_query_are_not_ranked() -> None:
    texts = encoded(model_of("bert"), "query", ["a zebra word1"], ["word1 a"], "subwords")
    assert texts.piece.tolist() == [4, 5, 6, 7, 8, 9, 10] and texts.lengths.tolist() == [7]
    assert (texts.ends - texts.starts).tolist() == [1, 1, 1, 1, 1, 1, 5]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    _, own = attended("bert")
    write_attended(own, tmp_path / "views", tmp_path / "states")
    again = read_attended(tmp_path / "views", tmp_path / "states")
    for name, share in own.asked.items():
        assert np.array_equal(again.asked[name], share)
        assert np.array_equal(again.special[name], own.special[name])
    assert own.asked.keys() == again.asked.keys() == own.views.keys()


def test_pairs_are_copies_if_text_and_query_are() -> None:
    model, strings, asked = small("bert", WORDS), random_texts(WORDS, 40), random_texts(WORDS, 3)
    texts = strings * 4
    queries = [*asked[:1] * 40, *asked[1:2] * 40, *asked[:1] * 40, *asked[2:] * 40]
    labels = ["no", "yes"] * 80
    found = given_texts(texts, labels, model, Audit(texts=160), queries)
    assert found.queries is not None
    pairs = list(zip(found.strings, found.queries.strings, strict=True))
    assert sorted(pairs) == sorted(set(zip(texts, queries, strict=True))) and len(pairs) == 120
    # The draw of a pair depends on its query, and not on its place.
    order = np.random.default_rng(0).permutation(160)
    shuffled = [[own[i] for i in order] for own in (texts, labels, queries)]
    again = given_texts(shuffled[0], shuffled[1], model, Audit(texts=60), shuffled[2])
    assert again.queries is not None
    drawn = given_texts(texts, labels, model, Audit(texts=60), queries)
    assert drawn.queries is not None
    assert (again.strings, again.queries.strings) == (drawn.strings, drawn.queries.strings)
    assert len(set(drawn.strings)) > 20


def test_pairs_of_one_text_are_in_one_half_and_count_as_one_text() -> None:
    model, strings = small("bert", WORDS), random_texts(WORDS, 40)
    queries = [f"word{i % 7}" for i in range(120)]
    found = given_texts(strings * 3, ["no", "yes"] * 60, model, Audit(texts=120), queries)
    halves = [set(np.array(found.strings)[found.half == half]) for half in (0, 1)]
    assert not halves[0] & halves[1] and [len(half) for half in halves] == [20, 20]
    assert len(np.unique(found.sources)) == 40 < len(found)
    with pytest.raises(InputError, match=r"texts: 120 texts were given .*; 8 of these have two"):
        given_texts(strings[:8] * 15, ["no", "yes"] * 60, model, Audit(texts=120), queries)


def test_folds_of_the_probes_have_all_pairs_of_a_text_on_one_side(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[np.ndarray] = []

    def estimate(states: np.ndarray, predicted: np.ndarray, *_: Any, **options: Any) -> Estimate:
        given.append(options["groups"])
        assert len(states) == len(predicted) == len(options["groups"])
        return own(states, predicted, *_, **options)

    own = attinfo.audit.information.estimate
    monkeypatch.setattr("attinfo.audit.information.estimate", estimate)
    model, strings = small("bert", WORDS), random_texts(WORDS, 40)
    queries = [f"word{i % 7}" for i in range(120)]
    balanced(model, strings * 3, queries)
    found = given_texts(strings * 3, ["no", "yes"] * 60, model, Audit(texts=120), queries)
    seen = attend(model, found.encoded, ALL_VIEWS[:1], found.drawn, 10_000)
    table, _ = information(model, found, seen, 0, 1)
    assert set(table["texts"]) == {40}
    words = np.repeat(np.array(found.strings), found.encoded.lengths)
    for groups in given:
        assert len(set(zip(groups, words, strict=True))) == 40


def test_pairs_with_the_same_subwords_in_a_row_are_two_if_they_are_split_elsewhere() -> None:
    """GPT-2 reads "a b" beside "c" and "a" beside "b c" as the same row."""
    model = small("gpt2", WORDS)
    texts = ["word1 word2 word3", "word1 word2", *random_texts(WORDS, 30)]
    queries = ["word4", "word3 word4", *["word5"] * 30]
    found = given_texts(texts, ["no", "yes"] * 16, model, Audit(texts=50), queries)
    assert len(found) == 32
    rows = found.encoded.rows(np.array([found.strings.index(text) for text in texts[:2]]))
    assert rows[0].key == rows[1].key


# Refusals


def long_query(model: TransformerClassifier, size: int) -> AuditedTexts:
    texts = random_texts(WORDS, 40)
    queries = ["word1"] * 40
    texts[7], queries[7] = "word1 zebra", " ".join(["word2"] * size)
    return given_texts(texts, ["no", "yes"] * 20, model, Audit(texts=60), queries)


def test_a_query_that_leaves_no_room_for_two_words_is_refused() -> None:
    model = small("bert", WORDS)  # a window of 48, three special subwords, "zebra" has five
    assert len(long_query(model, 39)) == 40
    for size in (40, 44, 45, 60):
        message = (
            rf"texts: the query of text 7 \('word2 .*…'\) has {size} subwords, .* window of 48"
        )
        with pytest.raises(InputError, match=message) as error:
            long_query(model, size)
        assert "\n" not in str(error.value)


def test_a_text_whose_first_word_fills_the_window_is_not_the_query_s_fault() -> None:
    model, texts = small("bert", WORDS), random_texts(WORDS, 40)
    texts[3] = "x" * 60 + " word1"
    found = given_texts(texts, ["no", "yes"] * 20, model, Audit(texts=60), ["word2 word3"] * 40)
    place = found.strings.index(texts[3])
    assert found.encoded.lengths[place] == 1 and not found.drawn[place]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"queries": ["a"] * 29}, "texts has 30 entries, queries 29: expected as many"),
        ({"queries": ["a"] * 29 + [" "]}, "queries: entry 29 is ' ', expected a text"),
        ({"queries": ["a"] * 29 + [None]}, "queries: entry 29 is None, expected a text"),
        ({"first": "query"}, "first: found 'query' without queries"),
        ({"first": "both", "queries": ["a"] * 30}, "found 'both', expected 'text' or 'query'"),
    ],
)
def test_texts_and_queries_that_do_not_fit_are_refused(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        given_texts(
            random_texts(WORDS, 30), ["no", "yes"] * 15, small("bert", WORDS), Audit(), **change
        )


def test_a_tokeniser_without_a_template_for_pairs_is_refused() -> None:
    model = small("bert", WORDS)
    special = [(name, model.tokenizer.get_vocab()[name]) for name in ("[CLS]", "[SEP]")]
    model.tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=special
    )
    with pytest.raises(InputError, match=r"models\.mine: its tokeniser adds 2 special subwords"):
        queries_of(["a"], "text", model.tokenizer, "models.mine")


def test_pairs_that_nothing_separates_are_read_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert not queries_of(["a"], "text", model_of("gpt2").tokenizer, "models.mine").separated
    assert "models.mine: its tokeniser puts nothing between" in caplog.text
    assert queries_of(["a"], "text", model_of("llama").tokenizer, "models.mine").separated


def test_segments_that_are_embedded_as_subwords_are_refused() -> None:
    model = small("gpt2", WORDS)
    model.tokenizer = tokenizer_of(WORDS, decoder=True, segmented=True)  # the real one is not
    assert model.segmented
    with pytest.raises(InputError, match=r"this model \(gpt2\) embeds the segments"):
        anatomy_of(model, probe_rows(encoded(model)))


def study(dataset: dict[str, str], model: dict[str, str]) -> Study:
    own = {"source": {"name": "files", "path": "x.csv"}, **dataset}
    return Study.checked(
        {
            "study": "own",
            "seeds": [1],
            "grid": [],
            "datasets": {"own": own},
            "models": {"mine": {"model": "folder", "dataset": "own", **model}},
        }
    )


def test_an_order_of_one_text_is_refused() -> None:
    assert study({"query": "question"}, {"first": "query"}).models["mine"].first == "query"
    with pytest.raises(InputError, match=r"models\.mine\.first: found 'text', but 'own' has no"):
        study({}, {"first": "text"})
    with pytest.raises(InputError, match=r"models\.mine\.first: found 'both'|'text' or 'query'"):
        study({"query": "question"}, {"first": "both"})


# A transformer that looks for the word that the query names

NAMES = [f"name{i}" for i in range(6)]


def asked_texts(count: int, seed: int = 0) -> pd.DataFrame:
    """Texts of names; the label says whether a text holds the name of the query, which is once."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        query = str(rng.choice(NAMES))
        others = [name for name in NAMES if name != query]
        words = rng.choice(others, rng.integers(4, 8)).tolist()
        if i % 2:
            words[rng.integers(len(words))] = query
        rows.append((" ".join(words), query, ("absent", "there")[i % 2]))
    return pd.DataFrame(rows, columns=["text", "query", "label"])


class Finder(NamedTuple):
    """The folder of the model, the model, and texts of its audit."""

    folder: Path
    model: TransformerClassifier
    texts: AuditedTexts


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> Finder:
    """A small BERT that is fine-tuned on such texts, the query first, and texts to audit."""
    folder = tmp_path_factory.mktemp("finder")
    asked_texts(7000).to_csv(folder / "texts.csv", index=False)
    files(path=str(folder / "texts.csv")).to_parquet(folder / "raw.parquet")
    own = Dataset.model_validate(
        {
            "source": {"name": "files", "path": str(folder / "texts.csv")},
            "query": "query",
            "split": {"train": 0.9, "dev": 0.04},
        }
    )
    prepare(folder / "raw.parquet", own.model_dump(), folder / "data")
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    base = small(
        "bert", NAMES, scale=6.0, hidden_size=32, intermediate_size=64, num_hidden_layers=2, **none
    )
    base.tokenizer = tokenizer_of(NAMES, segmented=True)
    saved(base, folder / "base")
    options = FineTune(epochs=10, learning_rate=2e-3)
    history = fine_tune(
        folder / "data", folder / "base", None, options, 1, folder / "tuned", "mine", first="query"
    )
    assert history["test_accuracy"].iloc[-1] > 0.98
    model = read_model(folder / "tuned")
    assert model.segmented
    section = Audit(texts=200, costly_texts=120)
    given = {"texts": "test", "labels": {}, "first": "query"}
    texts = audited_texts(folder / "data", model, given, section, "models.mine")
    return Finder(folder / "tuned", model, texts)


def test_leave_one_out_finds_the_word_that_the_query_names(finder: Finder) -> None:
    _, model, texts = finder
    assert texts.queries is not None and texts.queries.first == "query"
    values = leave_one_out(model, texts.encoded, np.flatnonzero(texts.drawn))
    hits = []
    for i in np.flatnonzero(texts.drawn & (texts.labels == model.classes.index("there"))):
        own = values[slice(*texts.encoded.offsets[i : i + 2])]
        hits.append(texts.words(i)[int(own.argmax())] == texts.queries.strings[i])
    assert len(hits) > 40 and np.mean(hits) >= 0.95


def test_the_same_text_beside_another_query_has_another_prediction(finder: Finder) -> None:
    _, model, texts = finder
    assert texts.queries is not None
    classes = []
    for query in NAMES:
        asked = encoded(model, "query", texts.strings, [query] * len(texts))
        found = model.logits(asked.rows(np.arange(len(texts)))).argmax(1)
        holds = np.array([query in text.split() for text in texts.strings])
        classes.append((found == model.classes.index("there")) == holds)
    assert np.mean(classes) > 0.95


def test_an_audit_in_one_call_reads_pairs(finder: Finder) -> None:
    table = asked_texts(160, seed=3)
    settings = {"views": ["cls_layer"], "texts": 160, "costly_texts": 80, "state_words": 400}
    one = ["leave_one_out"]
    found = audit(
        finder.folder,
        table["text"].tolist(),
        table["label"].tolist(),
        queries=table["query"].tolist(),
        first="query",
        faithfulness=Faithfulness(normalised_texts=4, longest=8, beam=1, random_orders=4),
        permutations=19,
        settings=settings | {"measures": one, "references": one},
    )
    assert found.texts["right"].mean() > 0.95
    assert (found.columns["query"] > 0).all()
    fall = found.removal[found.removal["of_texts"] == "all"].set_index(["ordering", "kind"])
    fall = fall["estimate"].xs("comprehensiveness", level="kind")
    assert fall["leave_one_out"] > fall["random"] + 0.05
    assert "For this model, on these texts, " in found.answer
