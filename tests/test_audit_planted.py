"""A transformer trained on texts whose one decisive word is known, and audited."""

from collections.abc import Iterator
from pathlib import Path

from conftest import FILLER, KEYWORDS, Planted
import numpy as np
import pytest
import torch
from transformers_small import saved, small

from attinfo.audit.agreement import parts_of
from attinfo.audit.api import Audited, audit
from attinfo.audit.fine_tune import fine_tune
from attinfo.audit.measures.gradient import gradient
from attinfo.audit.measures.integrated_gradients import integrated_gradients
from attinfo.audit.measures.leave_one_out import leave_one_out
from attinfo.audit.model import TransformerClassifier, read_model
from attinfo.audit.texts import AuditedTexts, audited_texts
from attinfo.config.sections.audit import Audit
from attinfo.config.sections.audited import FineTune
from attinfo.config.sections.faithfulness import Faithfulness
from attinfo.data.texts import read_arrow
from attinfo.runtime.errors import InputError
from attinfo.runtime.job import be_deterministic

OPTIONS = FineTune(epochs=4, learning_rate=3e-3, batch_size=16)  # until it is right, not longer
SECTION = Audit(texts=200, costly_texts=60, head_texts=10, state_words=1000)


@pytest.fixture(scope="module")
def folder(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fine-tuned small BERT."""
    be_deterministic()
    own = tmp_path_factory.mktemp("planted_bert")
    saved(small("bert", [*KEYWORDS, *FILLER], scale=1.0), own / "base")
    history = fine_tune(planted.folder, own / "base", None, OPTIONS, 1, own / "tuned", "model")
    assert history["test_accuracy"].iloc[-1] == 1.0
    yield own / "tuned"


@pytest.fixture(scope="module")
def model(folder: Path) -> TransformerClassifier:
    return read_model(folder)


@pytest.fixture(scope="module")
def texts(planted: Planted, model: TransformerClassifier) -> AuditedTexts:
    options = {"texts": "test", "labels": {}}
    return audited_texts(planted.folder, model, options, SECTION, "models.planted")


@pytest.fixture(scope="module")
def audited(planted: Planted, folder: Path) -> Audited:
    table = read_arrow(planted.folder, "test")
    strings, labels = table["text"].to_pylist(), table["label"].to_pylist()
    names = [("0", "1")[label] for label in labels]
    return audit(
        folder,
        strings,
        names,
        faithfulness=Faithfulness(normalised_texts=6, longest=12, beam=2),
        settings=SECTION.model_dump(),
    )


def first_words(values: np.ndarray, texts: AuditedTexts, drawn: np.ndarray) -> float:
    """Share of texts in which the word with the largest size is the keyword."""
    offsets, hits = texts.encoded.offsets, []
    for text in drawn:
        own = np.abs(values[offsets[text] : offsets[text + 1]])
        hits.append(texts.words(text)[int(own.argmax())] in KEYWORDS)
    return float(np.mean(hits))


@pytest.mark.parametrize("measure", [gradient, integrated_gradients, leave_one_out])
def test_measures_put_the_keyword_first(
    measure, model: TransformerClassifier, texts: AuditedTexts
) -> None:
    drawn = np.flatnonzero(texts.drawn)
    assert first_words(measure(model, texts.encoded, drawn), texts, drawn) >= 0.95


def test_removing_the_keyword_undoes_the_prediction(audited: Audited) -> None:
    own = audited.removal[audited.removal["kind"] == "comprehensiveness"]
    fall = own[own["of_texts"] == "searched"].set_index("ordering")["estimate"]
    assert fall["leave_one_out"] > fall["random"] + 0.1
    assert fall["best"] >= fall["leave_one_out"] - 1e-9 >= fall["random"]


def test_chosen_columns_are_the_best_of_the_choosing_half(audited: Audited) -> None:
    columns = audited.columns
    names = [f"{measure}:choosing" for measure in ("leave_one_out", "integrated_gradients")]
    score = columns[names].mean(axis=1)
    chosen = set(audited.agreement.loc[audited.agreement["kind"] == "view", "ordering"])
    for view, own in columns.groupby("view"):
        best = columns.loc[score[own.index].idxmax(), "column"]
        assert parts_of(best)[0] == view and best in chosen
    assert audited.answers.loc[audited.answers["quoted"], "column"].nunique() == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_fine_tuning_on_a_gpu_that_is_not_there_writes_nothing(
    planted: Planted, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="device is 'cuda', but torch finds no GPU"):
        fine_tune(planted.folder, folder, None, OPTIONS, 1, tmp_path / "own", "model", "cuda")
    assert not (tmp_path / "own").exists()


def test_the_learning_rate_of_the_last_step_is_that_of_the_schedule(
    planted: Planted, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step of all epochs has a rate of its own, and their number is known beforehand."""
    asked: list[tuple[int, int]] = []

    def rate(step: int, steps: int, warmup: float) -> float:
        asked.append((step, steps))
        return 0.0

    monkeypatch.setattr("attinfo.audit.fine_tune._rate", rate)
    options = OPTIONS.model_copy(update={"epochs": 2})
    fine_tune(planted.folder, folder, None, options, 1, tmp_path / "own", "model")
    assert asked == [(step, len(asked)) for step in range(len(asked))]


def test_the_halves_share_no_text(texts: AuditedTexts) -> None:
    counts = np.bincount(texts.half + 1)
    assert counts[1] == counts[2] == 30


def test_controls_that_know_nothing_agree_with_nothing(audited: Audited) -> None:
    own = audited.agreement[audited.agreement["measure"] == "leave_one_out"]
    permuted = own[own["ordering"] == "permuted"].iloc[0]
    assert permuted["ci_low"] < 0.1 and permuted["ci_high"] > -0.1
    assert abs(permuted["estimate"]) < 0.15


def test_information_about_the_prediction_is_in_the_last_layer(audited: Audited) -> None:
    own = audited.information[audited.information["estimator"] == "linear"]
    share = own.set_index("layer")["mi_over_h"]
    assert share[3] > 0.9 > share[0]  # every state has seen the keyword, one embedding is it
    head = audited.information[audited.information["estimator"] == "output_layer"]
    assert len(head) == 1


def test_the_answer_is_in_words_and_by_rules(audited: Audited) -> None:
    assert audited.answer.startswith("For this model, on these texts, ")
    quoted = audited.answers[audited.answers["quoted"]]
    assert len(quoted) == 5
    outcomes = set(quoted["rule_outcome"])
    expected = (
        "would" if outcomes == {"met"} else "would not" if "failed" in outcomes else "not settled"
    )
    assert set(quoted["verdict"]) == {expected}


def test_the_same_texts_in_another_order_have_the_same_answer(
    planted: Planted, folder: Path, audited: Audited
) -> None:
    table = read_arrow(planted.folder, "test")
    strings, labels = table["text"].to_pylist(), table["label"].to_pylist()
    again = audit(
        folder,
        strings[::-1],
        [("0", "1")[label] for label in labels[::-1]],
        faithfulness=Faithfulness(normalised_texts=6, longest=12, beam=2),
        settings=SECTION.model_dump(),
    )
    assert again.answer == audited.answer
