"""The workflow with files of one's own to start from: word vectors and a pretrained encoder."""

from pathlib import Path

import numpy as np
from project import copy_of_project, snakemake
import pytest
from safetensors.numpy import load_file
from test_pretrained import tiny_bert
import yaml

STATES = "results/own/runs/smoke/{}/additive/softmax/trained/1/states.safetensors"
MODEL = "results/own/runs/smoke/{}/additive/softmax/trained/1/model.safetensors"
TARGETS = [STATES.format(name) for name in ("bilstm", "frozen", "tuned")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the models of a study that reads a .vec file and the folder of a BERT."""
    folder = copy_of_project(tmp_path_factory.mktemp("own"))
    tiny_bert(folder / "bert")
    rows = np.random.default_rng(0).normal(size=(31, 16)).round(3)
    words = ["key0", *(f"word{i}" for i in range(30))]
    lines = [" ".join([word, *map(str, row)]) for word, row in zip(words, rows, strict=True)]
    (folder / "own.vec").write_text("\n".join(["31 16", *lines]) + "\n", "utf-8")
    study = yaml.safe_load((folder / "studies/smoke.yaml").read_text("utf-8"))
    blocks = {"attention": "additive", "normaliser": "softmax"}
    study |= {
        "study": "own",
        "seeds": [1],
        "grid": [{"dataset": "smoke", "encoder": ["bilstm", "frozen", "tuned"], **blocks}],
        "encoders": {
            "bilstm": {"vectors": "own.vec"},
            "frozen": {"name": "pretrained", "model": "bert"},
            "tuned": {"name": "pretrained", "model": "bert", "fine_tune": True},
        },
    }
    (folder / "own.yaml").write_text(yaml.safe_dump(study), "utf-8")
    done = snakemake(folder, *TARGETS, "--configfile", "own.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def rules_after(folder: Path, changed: str) -> set[str]:
    """The rules that run when a file has one more line."""
    path = folder / changed
    before = path.read_bytes()
    path.write_bytes(before + b"\n")
    try:
        done = snakemake(folder, *TARGETS, "--configfile", "own.yaml", "--dry-run")
    finally:
        path.write_bytes(before)
    names = ("vectors", "features", "preflight", "train", "states")
    return {name for name in names if f"rule {name}:" in done.stdout + done.stderr}


def test_embeddings_start_from_the_vectors(folder: Path) -> None:
    (vectors,) = (folder / "results/data/vectors").glob("*.safetensors")
    held = load_file(vectors)
    assert held["matrix"].shape == (31, 16)
    trained = load_file(folder / MODEL.format("bilstm"))["embedding.weight"]
    near = np.corrcoef(trained[held["token_id"]].ravel(), held["matrix"].ravel())[0, 1]
    assert near > 0.8


def test_a_frozen_encoder_reads_features_that_are_made_once(folder: Path) -> None:
    (features,) = (folder / "results/data/features").glob("smoke-*")
    states = load_file(folder / STATES.format("frozen"))
    found = np.load(features / "test.npy", mmap_mode="r")
    assert found.shape == (len(states["token_id"]), 24)
    weights = load_file(folder / MODEL.format("frozen"))
    projection = weights["encoder.projection.weight"], weights["encoder.projection.bias"]
    np.testing.assert_allclose(states["hidden"], found @ projection[0].T + projection[1], atol=1e-4)
    assert not any("subwords" in name for name in weights)
    assert any("subwords" in name for name in load_file(folder / MODEL.format("tuned")))


def test_another_file_of_vectors_trains_the_cells_that_start_from_it(folder: Path) -> None:
    assert rules_after(folder, "own.vec") == {"vectors", "preflight", "train", "states"}


def test_vectors_in_a_package_are_brought_by_a_job_of_their_own(folder: Path) -> None:
    study = yaml.safe_load((folder / "own.yaml").read_text("utf-8"))
    study["encoders"]["bilstm"] = {"vectors": "glove_50d", "embedding": 50}
    (folder / "packed.yaml").write_text(yaml.safe_dump(study | {"study": "packed"}), "utf-8")
    done = snakemake(folder, "--configfile", "packed.yaml", "--dry-run")
    assert done.returncode == 0, done.stderr[-3000:]
    shown = done.stdout + done.stderr
    assert shown.count("rule vector_package:") == shown.count("rule vectors:") == 1
    assert "results/data/word_vectors/glove_50d-" in shown


def test_another_pretrained_model_is_read_again_and_its_cells_trained(folder: Path) -> None:
    assert rules_after(folder, "bert/config.json") == {"features", "train", "states"}


def test_vectors_of_another_size_stop_the_study_before_any_training(folder: Path) -> None:
    study = yaml.safe_load((folder / "own.yaml").read_text("utf-8"))
    study |= {"study": "sized", "model": study["model"] | {"embedding": 17}}
    (folder / "sized.yaml").write_text(yaml.safe_dump(study), "utf-8")
    done = snakemake(folder, "--configfile", "sized.yaml", "--until", "train")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    line = "model.embedding is 17, expected 16: the numbers of a vector in model.vectors (own.vec)"
    assert line in done.stderr
    assert not (folder / "results/sized").exists()  # before any job


def test_a_missing_pretrained_model_ends_before_anything_runs(folder: Path) -> None:
    study = yaml.safe_load((folder / "own.yaml").read_text("utf-8"))
    study["encoders"]["frozen"]["model"] = "nobody/nothing"
    (folder / "absent.yaml").write_text(yaml.safe_dump(study), "utf-8")
    done = snakemake(folder, "--configfile", "absent.yaml", "--dry-run")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert "'nobody/nothing' is no folder here" in done.stderr
