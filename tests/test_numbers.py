"""Numbers as outputs: trained by squared error, and measured as classes are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import VARIANTS, architecture_of, chosen
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_squared_error, r2_score
import torch

from attinfo.agreement.tables import by_text, read_pointwise
from attinfo.claims.settle import settle
from attinfo.config.inputs import Inputs
from attinfo.config.sections.dataset import Dataset, Split
from attinfo.config.sections.statistics import Statistics
from attinfo.config.sections.training import Training
from attinfo.config.stage_options import StageOptions
from attinfo.config.study import Study
from attinfo.data.batches import pad
from attinfo.data.early_checks import check_files
from attinfo.data.prepare import prepare
from attinfo.data.sources.files import files
from attinfo.data.texts import read_arrow, read_summary, read_texts
from attinfo.explain.erasure import Eraser
from attinfo.explain.importance import importance
from attinfo.information.units import information
from attinfo.keys import RUN
from attinfo.models.classifier import Classifier
from attinfo.runtime.errors import InputError
from attinfo.states.extract import states_of
from attinfo.states.store import States
from attinfo.training.evaluation import evaluate
from attinfo.training.train import train

VALUES = {"awful": -3.0, "bad": -1.0, "fair": 0.5, "good": 2.0, "great": 4.0}
CELL = {"dataset": "own", "encoder": "mlp", "attention": "additive", "normaliser": "softmax"}
ESTIMATORS = {"estimators": ["linear"], "light": ["knn"], "spot_checks": ["stack"]}


def study(dataset: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    source = {"name": "files", "path": "own.csv"}
    own = {"source": source, "label": "rating", "output": "number", **(dataset or {})}
    base = {"study": "own", "seeds": [1], "datasets": {"own": own}, "grid": [CELL]}
    return base | {"information": ESTIMATORS} | more


def prepared(folder: Path, rows: str, **options: Any) -> Path:
    (folder / "own.csv").write_text(rows)
    files(path=str(folder / "own.csv")).to_parquet(folder / "raw.parquet")
    source = {"name": "files", "path": "own.csv"}
    dataset = Dataset(source=source, label="rating", output="number", **options)
    prepare(folder / "raw.parquet", dataset.model_dump(mode="json"), folder / "data")
    return folder / "data"


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts whose number is the value of one word, and a little noise."""
    rng = np.random.default_rng(1)
    lines = ["text,rating"]
    for _ in range(900):
        words = [f"word{i}" for i in rng.integers(20, size=rng.integers(3, 8))]
        word = str(rng.choice(list(VALUES)))
        words.insert(int(rng.integers(len(words) + 1)), word)
        lines.append(f"{' '.join(words)},{VALUES[word] + rng.normal() / 5:.3f}")
    folder = tmp_path_factory.mktemp("rated")
    return prepared(folder, "\n".join(lines), split=Split(train=0.55))


@pytest.fixture(scope="module")
def fitted(rated: Path) -> tuple[Classifier, States, list[dict[str, Any]]]:
    sizes = read_summary(rated)["vocabulary"], 1
    texts = read_texts(rated, "train"), read_texts(rated, "dev")
    training = Training(epochs=20, patience=20, batch_size=32, learning_rate=0.01)
    weights, history = train(
        *texts, *sizes, architecture_of(), training, VARIANTS["trained"], seed=1
    )
    model = Classifier(*sizes, architecture_of())
    model.load_state_dict(weights)
    return model.eval(), States(**states_of(model, read_texts(rated, "test"))), history


# Data


def test_numbers_are_in_units_of_the_training_texts(rated: Path) -> None:
    train_texts, test = (read_texts(rated, split) for split in ("train", "test"))
    assert train_texts.labels.mean() == pytest.approx(0, abs=1e-12)
    assert train_texts.labels.std() == pytest.approx(1)
    scale = read_summary(rated)["output"]
    values = read_arrow(rated, "test")["value"].to_numpy()
    np.testing.assert_allclose(test.labels * scale["std"] + scale["mean"], values)


def test_splits_are_stratified_by_tenths_of_the_numbers(rated: Path) -> None:
    parts = [read_arrow(rated, split)["value"].to_numpy() for split in ("train", "dev", "test")]
    edges = np.quantile(np.concatenate(parts), np.linspace(0, 1, 11))[1:-1]
    for part in parts:
        shares = np.bincount(np.searchsorted(edges, part), minlength=10) / len(part)
        np.testing.assert_allclose(shares, 0.1, atol=0.04)


ROWS = "text,rating\n" + "".join(f"a film {i},{i % 7}\n" for i in range(120))
BAD = {
    "a word": (
        ROWS + "a film,good\n",
        "column 'rating' holds 'good' in row 121, expected a number",
    ),
    "not a number": (ROWS + "a film,nan\n", "column 'rating' holds 'nan' in row 121"),
    "infinite": (ROWS + "a film,inf\n", "column 'rating' holds 'inf' in row 121"),
    "constant": (
        "text,rating\n" + "a film,3\n" * 120,
        "column 'rating' holds 3 alone, expected numbers that differ",
    ),
    "few": ("text,rating\na film,3\na film,4\n", "2 texts have a number, expected 100 or more"),
}


@pytest.mark.parametrize("wrong", BAD)
def test_numbers_that_cannot_be_learnt_are_refused(wrong: str, tmp_path: Path) -> None:
    rows, message = BAD[wrong]
    with pytest.raises(InputError, match=message) as error:
        prepared(tmp_path, rows)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (study({"bands": {"low": [0, 1], "high": [2, 3]}}), "'number' and 'bands' are given"),
        (study({"classes": {"0": "low"}}), "'number' and 'classes' are given"),
        (study({"output": "numbers"}), "output: found 'numbers'"),
        (
            study(information=ESTIMATORS | {"estimators": ["linear", "output_layer"]}),
            "information.estimators has 'output_layer', which is for classes; expected stack, "
            "linear, knn alone",
        ),
        (study(information=ESTIMATORS | {"light": ["logistic"]}), "light has 'logistic'"),
        (study(training={"select": "accuracy"}), "training.select is 'accuracy', expected 'loss'"),
        (study(training={"class_weights": True}), "training.class_weights is true"),
        (study(grid=[CELL | {"variant": "adversarial"}]), "the variant 'adversarial' compares"),
    ],
)
def test_what_is_for_classes_alone_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Study.checked(config)


def test_a_column_of_numbers_passes_the_early_check(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(ROWS.replace(",1\n", ",1.0\n"))
    config = study({"source": {"name": "files", "path": str(tmp_path / "own.csv")}})
    check_files(Inputs(Study.checked(config)))


def test_a_study_of_classes_has_the_options_that_it_had() -> None:
    config = study({"output": "class", "label": "label"})
    options = StageOptions(Study.checked(config))
    assert options.information("linear", "own") == options.information("linear")
    numbers = StageOptions(Study.checked(study())).information("linear", "own")
    assert [e["path"] for e in numbers["estimators"]] == [chosen_path("ridge")]
    assert [e["name"] for e in numbers["estimators"]] == ["linear"]
    assert not numbers["words"]


def chosen_path(name: str) -> str:
    return chosen("continuous estimator", name).path


# Models


def test_a_model_learns_numbers(
    rated: Path, fitted: tuple[Classifier, States, list[dict[str, Any]]]
) -> None:
    model, states, history = fitted
    found = evaluate(model, read_texts(rated, "test"))
    assert found["r_squared"] > 0.9
    outputs = states.logits[:, 0]
    assert found["r_squared"] == pytest.approx(r2_score(states.label, outputs), abs=1e-5)
    assert found["loss"] == pytest.approx(mean_squared_error(states.label, outputs), abs=1e-5)
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert "dev_accuracy" not in history[0]


def test_gradients_are_those_of_the_output_itself(
    rated: Path, fitted: tuple[Classifier, States, list[dict[str, Any]]]
) -> None:
    model, states, _ = fitted
    texts = read_texts(rated, "test")
    table = importance(model, texts, states, 1, [chosen("importance measure", "gradient")])
    batch = pad(texts, np.array([0]))
    embedded = model.embed(batch).detach().requires_grad_()
    model(batch, None, embedded).logits[0, 0].backward()
    expected = (embedded.grad * embedded).sum(-1)[0].detach()  # type: ignore[operator]
    own = table["gradient"].to_numpy()[: len(expected)]
    torch.testing.assert_close(torch.tensor(own), expected, atol=1e-5, rtol=1e-4)


def test_contributions_add_up_to_the_output(
    rated: Path, fitted: tuple[Classifier, States, list[dict[str, Any]]]
) -> None:
    model, states, _ = fitted
    texts, measure = read_texts(rated, "test"), chosen("importance measure", "contribution")
    table = importance(model, texts, states, 1, [measure])
    sums = np.add.reduceat(table["contribution"].to_numpy("f8"), states.offsets[:-1])
    assert states.output_bias is not None
    np.testing.assert_allclose(sums + states.output_bias[0], states.logits[:, 0], atol=1e-4)


def test_deletion_moves_the_output_towards_the_mean(
    rated: Path, fitted: tuple[Classifier, States, list[dict[str, Any]]]
) -> None:
    model, states, _ = fitted
    texts = read_texts(rated, "test")
    table = importance(model, texts, states, 1, [chosen("importance measure", "leave_one_out")])
    eraser = Eraser(model, texts)
    np.testing.assert_allclose(eraser.whole[:, 0], states.logits[:, 0], atol=1e-4)
    # Without its word a text says nothing: an output far from the mean falls most of the way.
    decided = np.abs(eraser.whole[:, 0]) > 1
    largest = np.maximum.reduceat(table["leave_one_out"].to_numpy(), states.offsets[:-1])
    assert (largest[decided] > 0.4 * np.abs(eraser.whole[decided, 0])).mean() > 0.9


# Tables


def test_numbers_go_through_information_agreement_and_claims(
    fitted: tuple[Classifier, States, list[dict[str, Any]]], tmp_path: Path
) -> None:
    _, states, _ = fitted
    options = StageOptions(
        Study.checked(study(information=ESTIMATORS | {"positions": 2, "ranks": 2, "min_texts": 50}))
    )
    for name in ("linear", "knn"):
        units, tokens = information(states, options.information(name, "own"), name)
        tokens.to_parquet(tmp_path / f"{name}.parquet")
        if name == "linear":
            assert units["h_output"].isna().all()
            rank = units[(units["index"] == "rank") & ~units["spot_check"]].set_index("unit")
            # The most attended word is the one that says the number.
            assert rank.loc[0, "mi_nats"] > 0.5 > rank.loc[1, "mi_nats"]
            assert rank.loc[0, "mi_nats"] > rank.loc[0, "floor_upper"]
    pointwise = read_pointwise([tmp_path / "linear.parquet", tmp_path / "knn.parquet"])
    assert {"linear_gain", "linear_pvi", "knn_pvi"} <= set(pointwise)
    texts, rows = by_text(states, pointwise)
    tau = rows[(rows["pair"] == "attention~linear_gain") & (rows["statistic"] == "kendall_b")]
    assert np.isfinite(tau["value"]).all()
    run = dict(zip(RUN, ("own", "mlp", "additive", "softmax", "trained", 1), strict=True))
    tables = settle([texts.assign(**run)], Statistics(level=0.95, bootstrap=200, seed=1))
    runs = tables["runs"].iloc[0]
    assert runs["r_squared"] == pytest.approx(r2_score(states.label, states.logits[:, 0]), abs=1e-5)
    assert np.isnan(runs["accuracy"])
    assert runs["information_instance"] == pytest.approx(pointwise["linear_pvi"].mean(), abs=1e-5)


def test_r_squared_is_no_statistic_of_classes(trained: Callable[..., Any]) -> None:
    table = pd.DataFrame({"linear_gain": np.zeros(len(trained().states.text))})
    place = {"text": trained().states.text, "token": trained().states.position}
    pointwise = pd.DataFrame(place).assign(attention=trained().states.attention, **table)
    texts, _ = by_text(trained().states, pointwise)
    assert "squared_error" not in texts
