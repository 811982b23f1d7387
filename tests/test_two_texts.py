"""Two texts: attention over the text depends on the query; later stages run on the text."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
import json
from pathlib import Path
from typing import Any

from conftest import VARIANTS, architecture_of, chosen
import numpy as np
import pandas as pd
import pytest
import torch

from attinfo.agreement.planted import found_by_text
from attinfo.blocks.scorers import SCORERS
from attinfo.config.grid import Run
from attinfo.config.inputs import Inputs
from attinfo.config.sections.dataset import Dataset, Split
from attinfo.config.sections.training import Training
from attinfo.config.stage_options import StageOptions
from attinfo.config.study import Study
from attinfo.data.batches import pad
from attinfo.data.early_checks import check_files
from attinfo.data.prepare import prepare
from attinfo.data.sources.files import files
from attinfo.data.sources.huggingface import huggingface
from attinfo.data.sources.planted_pairs import planted_pairs
from attinfo.data.texts import Queries, Texts, read_arrow, read_summary, read_texts
from attinfo.data.truth import read_truth
from attinfo.explain.erasure import Eraser, shortened
from attinfo.explain.importance import importance
from attinfo.information.units import information
from attinfo.models.classifier import Classifier
from attinfo.report.strips import Files, strips, svg
from attinfo.runtime.errors import InputError
from attinfo.states.extract import states_of
from attinfo.states.store import States, write_states
from attinfo.training.evaluation import evaluate
from attinfo.training.train import train

ROWS = "text,question,label\n" + "it is here,is it,yes\nit was there,was it now,no\n" * 20
CELL = {"dataset": "own", "encoder": "cnn", "attention": "additive", "normaliser": "softmax"}


def prepared(folder: Path, table: pd.DataFrame, **options: Any) -> Path:
    table.to_parquet(folder / "raw.parquet")
    dataset = Dataset(source={"name": "files", "path": "own.csv"}, **options)
    prepare(folder / "raw.parquet", dataset.model_dump(mode="json"), folder / "data")
    return folder / "data"


def of_rows(folder: Path, rows: str = ROWS) -> pd.DataFrame:
    (folder / "own.csv").write_text(rows)
    return files(path=str(folder / "own.csv"))


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stories with one supporting fact, in which every query finds its answer."""
    folder = tmp_path_factory.mktemp("stories")
    table = planted_pairs(probability=1.0, texts=3000, fillers=1, seed=3)
    return prepared(folder, table, query="query", split=Split(train=0.7, dev=0.1))


@pytest.fixture(scope="module")
def model(stories: Path) -> Callable[..., tuple[Classifier, States]]:
    summary = read_summary(stories)

    @cache
    def build(
        attention: str = "additive", query: str = "own", encoder: str = "cnn"
    ) -> tuple[Classifier, States]:
        sizes = summary["vocabulary"], len(summary["classes"])
        architecture = architecture_of(
            encoder, attention, changes={"query": query, "width": 32, "embedding": 32}
        )
        training = Training(epochs=12, patience=12, batch_size=32, learning_rate=0.01)
        texts = read_texts(stories, "train"), read_texts(stories, "dev")
        weights, _ = train(*texts, *sizes, architecture, training, VARIANTS["trained"], seed=1)
        own = Classifier(*sizes, architecture)
        own.load_state_dict(weights)
        return own.eval(), States(**states_of(own, read_texts(stories, "test")))

    return build


def shuffled(texts: Texts) -> Texts:
    assert texts.queries is not None
    order = np.random.default_rng(0).permutation(len(texts))
    return replace(texts, queries=texts.queries.of(order))


# Data


def test_queries_are_tokens_of_the_same_vocabulary(tmp_path: Path) -> None:
    data = prepared(tmp_path, of_rows(tmp_path), query="question", min_count=1)
    texts = read_texts(data, "test")
    assert texts.queries is not None
    lengths = np.diff(texts.queries.offsets)
    for row, length in zip(read_arrow(data, "test").to_pylist(), lengths, strict=True):
        assert len(row["query"].split()) == length
        same = row["text"].split().index("it"), row["query"].split().index("it")
        assert row["token_ids"][same[0]] == row["query_token_ids"][same[1]]
    assert read_summary(data)["queries"]["test"]["median_tokens"] in (2, 2.5, 3)


def test_a_data_set_without_queries_has_none(tmp_path: Path) -> None:
    data = prepared(tmp_path, of_rows(tmp_path), min_count=1)
    assert read_texts(data, "test").queries is None
    assert pad(read_texts(data, "test"), np.arange(2)).queries is None


def test_chosen_queries_are_those_of_the_texts() -> None:
    queries = Queries(np.array([5, 6, 7, 8, 9]), np.array([0, 2, 3, 5]))
    own = queries.of(np.array([2, 0, 2]))
    assert own.token_ids.tolist() == [8, 9, 5, 6, 8, 9]
    assert own.offsets.tolist() == [0, 2, 4, 6]


BAD = {
    "no column": ("text,label\n" + "a b,1\nc d,0\n" * 20, "query: unknown column 'question'"),
    "empty query": (ROWS + "it is,,yes\n", "column 'question' is empty in 1 of 41 rows .*row 41"),
}


@pytest.mark.parametrize("wrong", BAD)
def test_a_query_that_is_missing_is_refused_before_any_job(wrong: str, tmp_path: Path) -> None:
    rows, message = BAD[wrong]
    table = of_rows(tmp_path, rows)
    with pytest.raises(InputError, match=message):
        prepared(tmp_path, table, query="question")
    source = {"name": "files", "path": str(tmp_path / "own.csv")}
    own = {"own": {"source": source, "query": "question"}}
    study = Study.checked({"study": "own", "seeds": [1], "datasets": own, "grid": [CELL]})
    with pytest.raises(InputError, match=message.partition(" in 1")[0]):
        check_files(Inputs(study))


def test_a_query_without_a_word_is_refused(tmp_path: Path) -> None:
    table = of_rows(tmp_path, ROWS + "it is,<br>,yes\n")
    with pytest.raises(InputError, match="the query of row 41 has no word, expected one or more"):
        prepared(tmp_path, table, query="question")


@pytest.mark.parametrize(
    ("dataset", "cell", "message"),
    [
        ({"query": "text"}, {}, "query is 'text', the column of 'text', expected another column"),
        ({"query": "label"}, {}, "query is 'label', the column of 'label'"),
        ({"query_encoder": "shared"}, {}, "expected it beside 'query' alone"),
        ({"query_output": True}, {}, "query_output is 'True', expected it beside 'query' alone"),
        ({"query": "q", "query_encoder": "none"}, {}, "query_encoder: found 'none'"),
        ({"query": "q"}, {"attention": "own"}, "has the option 'query: last', expected it without"),
        ({"query": "q"}, {"encoder": "pretrained"}, "is pretrained and reads one text"),
    ],
)
def test_options_that_do_not_go_with_queries_are_refused(
    dataset: dict[str, Any], cell: dict[str, Any], message: str
) -> None:
    source = {"name": "planted_pairs"}
    config = {
        "study": "own",
        "seeds": [1],
        "attentions": {"own": {"name": "additive", "query": "last"}},
        "encoders": {"pretrained": {"model": "a/b", "revision": "c"}},
        "datasets": {"own": {"source": source, **dataset}},
        "grid": [CELL | cell],
    }
    with pytest.raises(InputError, match=message):
        Study.checked(config)


def test_a_study_of_single_texts_has_the_options_that_it_had() -> None:
    """Else every model of an older study would be trained again."""
    own = {"own": {"source": {"name": "planted"}}}
    study = Study.checked({"study": "own", "seeds": [1], "datasets": own, "grid": [CELL]})
    assert "query" not in StageOptions(study).model("own", "cnn", "additive", "softmax")
    pairs = {"own": {"source": {"name": "planted_pairs"}, "query": "query"}}
    study = Study.checked({"study": "own", "seeds": [1], "datasets": pairs, "grid": [CELL]})
    assert StageOptions(study).model("own", "cnn", "additive", "softmax")["query"] == "own"


HUB = {  # columns as the data sets of the hub have them
    "snli": ("premise", "hypothesis", "label", {}),
    "mnli": ("premise", "hypothesis", "label", {}),
    "babi": ("passage", "question", "answer", {"where": {"task": "1"}}),
}


@pytest.mark.parametrize("name", HUB)
def test_pairs_load_from_a_folder_in_the_layout_of_the_hub(name: str, tmp_path: Path) -> None:
    text, query, label, more = HUB[name]
    for split in ("train", "test"):
        rows = [
            {text: f"a man is {w} .", query: f"is he {w} ?", label: own, "task": 1, "idx": i}
            for i, (w, own) in enumerate([("out", "yes"), ("in", "no")] * 15)
        ]
        rows += [{text: "a man", query: "who ?", label: "yes", "task": 2, "idx": 99}] * bool(more)
        (tmp_path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    table = huggingface(path=str(tmp_path))
    data = prepared(tmp_path, table, text=text, query=query, label=label, **more)
    texts = read_texts(data, "test")
    assert len(texts) == 30
    assert texts.queries is not None


# Models


@pytest.mark.parametrize("attention", SCORERS)
def test_scores_depend_on_the_query_and_states_do_not(attention: str) -> None:
    architecture = architecture_of("bilstm", attention, changes={"query": "own"})
    own = Classifier(50, 2, architecture, seed=1).eval()
    texts = Texts(
        np.arange(2, 14), np.array([0, 5, 12]), np.array([0, 1]),
        queries=Queries(np.array([3, 4, 20, 21, 22]), np.array([0, 2, 5])),
    )  # fmt: skip
    swapped = replace(texts, queries=texts.queries.of(np.array([1, 0])))  # type: ignore[union-attr]
    first, second = (own(pad(t, np.arange(2))) for t in (texts, swapped))
    assert torch.equal(first.hidden, second.hidden)
    assert not torch.allclose(first.score[0, :5], second.score[0, :5])
    # Neither the batch nor the padding of either text changes anything.
    for extra in (0, 3):
        alone = own(pad(texts, np.array([0]), extra))
        torch.testing.assert_close(alone.score[0, :5], first.score[0, :5])


@pytest.mark.parametrize("attention", SCORERS)
def test_first_scores_have_deviation_one_given_a_query_too(attention: str) -> None:
    if attention in ("dot", "scaled_dot", "multiplicative"):
        pytest.skip("the query of a product is the encoded one, which has no scale to set")
    torch.manual_seed(0)
    scorer = chosen("attention", attention).load()(32, conditioned=True)
    states, query = torch.randn(64, 64, 32), torch.randn(64, 32)
    scores = scorer(states, torch.full((64,), 64), query)
    assert scores.std(dim=1).mean().item() == pytest.approx(1, abs=0.1)


def test_a_shared_query_encoder_has_no_parameters_of_its_own() -> None:
    own, shared = (
        Classifier(50, 2, architecture_of("bilstm", changes={"query": encoder}))
        for encoder in ("own", "shared")
    )
    assert any(name.startswith("query_encoder") for name, _ in own.named_parameters())
    assert not any(name.startswith("query_encoder") for name, _ in shared.named_parameters())


def test_weights_of_models_without_queries_are_as_before() -> None:
    """The other parts start from the same weights with a query, so none of them was drawn twice."""
    plain = Classifier(50, 2, architecture_of("bilstm"), seed=4).state_dict()
    given = Classifier(50, 2, architecture_of("bilstm", changes={"query": "own"}), seed=4)
    for name, values in given.state_dict().items():
        if not name.startswith(("query_encoder", "scorer")):
            assert torch.equal(values, plain[name]), name


@pytest.mark.parametrize("attention", ["additive", "scaled_dot", "multiplicative"])
def test_a_model_learns_to_look_where_the_query_points(
    attention: str, model: Callable[..., Any], stories: Path
) -> None:
    """Without the query, what most of three values name is right in three stories of four."""
    own, _ = model(attention)
    texts = read_texts(stories, "test")
    assert evaluate(own, texts)["accuracy"] > 0.95
    assert evaluate(own, shuffled(texts))["accuracy"] < 0.75


def test_a_shared_encoder_learns_it_too(model: Callable[..., Any], stories: Path) -> None:
    own, _ = model("additive", "shared")
    assert evaluate(own, read_texts(stories, "test"))["accuracy"] > 0.95


# Later stages


def test_supporting_tokens_carry_attention_and_importance(
    model: Callable[..., Any], stories: Path
) -> None:
    """With shuffled queries neither finds them."""
    own, states = model()
    truth, texts = read_truth(stories, "test"), read_texts(stories, "test")
    assert truth is not None
    measures = [chosen("importance measure", n) for n in ("gradient", "leave_one_out")]
    table = importance(own, texts, states, 1, measures)
    wrong = States(**states_of(own, shuffled(texts)))
    # A supporting sentence: its value, and the name before it, without which no model can know it.
    supporting = truth.decisive | np.roll(truth.decisive, -1)
    for name in ("gradient", "leave_one_out"):
        values = table[name].abs().to_numpy()
        found = found_by_text(states, values, supporting)
        assert np.nanmean(found["hit_gain"]) > 0.8, name
    assert np.nanmean(found["decisive_attention"]) > 0.6
    assert np.nanmean(found_by_text(wrong, values, supporting)["decisive_attention"]) < 0.45


def test_the_information_of_a_supporting_value_is_that_of_the_closed_form(
    model: Callable[..., Any], stories: Path
) -> None:
    """A state does not know the query: pvi finds the supporting value, gain does not."""
    _, states = model()
    truth = read_truth(stories, "test")
    assert truth is not None
    assert truth.alone == truth.text == pytest.approx(np.log(2))
    options = {
        "output": "predicted", "positions": 2, "ranks": 2, "min_texts": 50, "permutations": 19,
        "seed": 3, "estimators": [{"name": "linear", "path": LINEAR, "options": {}}],
        "light": [], "spot_checks": [], "spot_units": 0, "spot_share": 1.0, "words": False,
        "halves": True, "half_probes": {},
    }  # fmt: skip
    units, tokens = information(states, options, truth=truth)
    planted = units[units["index"] == "planted"]
    assert planted["mi_nats"].iloc[0] == pytest.approx(np.log(2), abs=0.03)
    pvi = tokens["linear_pvi"].to_numpy()
    assert pvi[truth.decisive].mean() > pvi[~truth.decisive].mean() + 0.05


LINEAR = chosen("estimator", "linear").path


def test_an_output_that_reads_the_query_keeps_the_shares_of_tokens_exact() -> None:
    changes = {"query": "own", "query_output": True}
    own = Classifier(50, 2, architecture_of("bilstm", changes=changes), seed=1).eval()
    queries = Queries(np.array([3, 4, 20, 21, 22]), np.array([0, 2, 5]))
    texts = Texts(np.arange(2, 14), np.array([0, 5, 12]), np.array([0, 1]), queries=queries)
    states = States(**states_of(own, texts, permutations=3))
    measure = [chosen("importance measure", "contribution")]
    shares = importance(own, texts, states, 1, measure)["contribution"].to_numpy()
    batch, y = pad(texts, np.arange(2)), states.predicted
    assert own.query_output_layer is not None
    rest = own.query_output_layer(own.query_of(batch)).detach().numpy() + states.output_bias
    for i in range(2):
        total = shares[states.offsets[i] : states.offsets[i + 1]].sum()
        margin = states.logits[i, y[i]] - states.logits[i, 1 - y[i]]
        assert total + rest[i, y[i]] - rest[i, 1 - y[i]] == pytest.approx(margin, abs=1e-5)
    # Weights that are all alike change nothing when they are permuted.
    alone = Texts(np.array([5]), np.array([0, 1]), np.array([0]), queries=queries.of(np.array([0])))
    assert states_of(own, alone, permutations=3)["output_change"] == pytest.approx(0, abs=1e-6)


def test_deleting_tokens_leaves_the_query(model: Callable[..., Any], stories: Path) -> None:
    own, _ = model()
    texts = read_texts(stories, "test")
    source = np.array([3, 3, 1])
    keep = Eraser.real(texts.lengths[source])
    keep[:, 0] = False
    short = shortened(texts, source, keep)
    assert texts.queries is not None
    assert short.queries is not None
    expected = texts.queries.of(source)
    np.testing.assert_array_equal(short.queries.token_ids, expected.token_ids)
    whole = Eraser(own, texts).whole
    logits = np.stack([own(pad(texts, np.array([i]))).logits[0].detach() for i in range(4)])
    np.testing.assert_allclose(whole[:4], torch.from_numpy(logits).double().softmax(-1), atol=1e-5)


def test_strips_show_the_query(model: Callable[..., Any], stories: Path, tmp_path: Path) -> None:
    _, states = model()
    arrays = {name: value for name, value in vars(states).items() if value is not None}
    write_states(tmp_path / "states.safetensors", arrays)
    place = {"text": states.text.astype("i4"), "token": states.position.astype("i4")}
    rng = np.random.default_rng(0)
    gain = rng.random(len(states.text))
    pd.DataFrame(place | {"attention": states.attention, "linear_gain": gain}).to_parquet(
        tmp_path / "linear.parquet"
    )
    pd.DataFrame(place | {"drawn": True, "gradient": gain}).to_parquet(tmp_path / "i.parquet")
    run = Run("own", "cnn", "additive", "softmax", "trained", 1)
    names = ("states.safetensors", "linear.parquet", "i.parquet")
    shown = strips([Files(run, *(tmp_path / name for name in names))], stories, 2, 1)
    assert shown[0].query.startswith("what of name")
    assert f"Query: {shown[0].query}" in svg(shown[0])


# Generated stories


@pytest.mark.parametrize("order", ["name", "value"])
@pytest.mark.parametrize("facts", [1, 2])
def test_the_information_of_stories_is_in_closed_form(facts: int, order: str) -> None:
    """Counted over all stories: the supporting values have it, one of two alone has none."""
    table = planted_pairs(facts=facts, order=order, texts=4000, classes=3, probability=0.8)
    values = np.array(
        [
            [int(text[a:b][-1]) for a, b in spans]
            for text, spans in zip(table["text"], table["decisive"], strict=True)
        ]
    )
    label = table["label"].str[-1].astype(int).to_numpy()
    truth = table.attrs["truth"]
    together = values @ 3 ** np.arange(facts)

    def counted(code: np.ndarray) -> float:
        joint = np.zeros((code.max() + 1, 3))
        np.add.at(joint, (code, label), 1 / len(label))
        product = joint.sum(1, keepdims=True) * joint.sum(0)
        known = joint > 0
        return float((joint[known] * np.log(joint[known] / product[known])).sum())

    assert counted(together) == pytest.approx(truth["text"], abs=0.01)
    assert counted(values[:, 0]) == pytest.approx(truth["alone"], abs=0.01)
    for text, query, spans in zip(table["text"], table["query"], table["decisive"], strict=True):
        name = query.split()[-1]
        sentences = [s for s in text.split(" .") if name in s.split()]
        assert len(sentences) == facts == len(spans)


def test_too_few_stories_are_refused() -> None:
    with pytest.raises(InputError, match="texts is 3, expected 4 or more"):
        planted_pairs(facts=2, texts=3)
