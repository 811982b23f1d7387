"""The rerun matrix: what each kind of edit makes run again, by dry runs on a finished study.

Any edit of a library file, be it a comment, reruns what imports it: what it changes in the results
cannot be told from its text.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
import shutil
from typing import Any

from project import jobs_of_dry_run, small_project, small_study, snakemake, write_study
import pytest

Study = dict[str, Any]
Jobs = dict[str, int]

PAGE = {"report": 1, "all": 1}
DRAWN = {"figures": 1} | PAGE
JUDGED = {"claims": 1} | DRAWN


def agreed(cells: int) -> Jobs:
    return {"agreement": cells, "collect": 1, "distributions": 1} | JUDGED


def read(cells: int) -> Jobs:
    """What follows from new states."""
    own = {"information": 2 * cells, "importance": cells, "faithfulness": cells, "trust": 1}
    return own | agreed(cells)


def trained(cells: int) -> Jobs:
    return {"train": cells, "states": cells} | read(cells)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study: three cells and variants, two seeds, two estimators."""
    folder = small_project(tmp_path_factory.mktemp("small"))
    done = snakemake(folder, "--configfile", "small.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


# Edits of files: each is undone after its dry run.


@contextmanager
def changed(path: Path, content: str | None) -> Iterator[None]:
    """A file with other content, or away; then as it was."""
    kept = path.with_name(f"{path.name}.kept")
    shutil.copy2(path, kept)
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    try:
        yield
    finally:
        kept.replace(path)


def appended(path: Path, text: str) -> Any:
    return changed(path, path.read_text() + text)


LIBRARY = "workflow/attinfo/"
EDITS: dict[str, tuple[str, str, Jobs]] = {
    # what is edited: the file, what is appended, what runs again
    "an agreement statistic": (f"{LIBRARY}agreement/ranks.py", "X = 1", agreed(3)),
    "a comment alone": (f"{LIBRARY}agreement/skew.py", "# a word", agreed(3)),
    "a scorer": (f"{LIBRARY}models/attention.py", "X = 1", trained(3)),
    "the training": (f"{LIBRARY}training/train.py", "X = 1", trained(3)),
    "what is dumped": (f"{LIBRARY}states/extract.py", "X = 1", {"states": 3} | read(3)),
    "an estimator": (
        f"{LIBRARY}information/estimators/knn.py",
        "X = 1",
        {"information": 6, "calibrate": 2, "trust": 1, "faithfulness": 3} | agreed(3),
    ),
    "an importance measure": (
        f"{LIBRARY}explain/importance.py",
        "X = 1",
        {"importance": 3, "faithfulness": 3} | agreed(3),
    ),
    "faithfulness": (
        f"{LIBRARY}explain/faithfulness.py",
        "X = 1",
        {"faithfulness": 3, "collect": 1, "distributions": 1} | DRAWN,
    ),
    "a flag of trust": (f"{LIBRARY}information/trust.py", "X = 1", {"trust": 1} | DRAWN),
    "a verdict": (f"{LIBRARY}claims/verdicts.py", "X = 1", JUDGED),
    "the style of figures": (f"{LIBRARY}figures/style.py", "X = 1", DRAWN),
    "the page": (f"{LIBRARY}report/templates/report.html.j2", "<!-- x -->", PAGE),
    "a script": ("workflow/scripts/claims.py", "# a word", JUDGED),
    "an environment, without --sdm conda": ("envs/train.yaml", "# a word", {}),
    "the README": ("README.md", "A word.", {}),
    "another study": ("studies/quick.yaml", "# a word", {}),
    "a test": ("tests/conftest.py", "# a word", {}),
    "a profile": ("profiles/slurm/profile.yaml", "# a word", {}),
    "the data": (
        "small.csv",
        "good word1 word2,1",
        {"download": 1, "prepare": 1, "preflight": 1, "calibrate": 2} | trained(3),
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_reruns_what_depends_on_the_file_and_nothing_else(small: Path, edit: str) -> None:
    name, text, jobs = EDITS[edit]
    with appended(small / name, f"\n{text}\n"):
        assert jobs_of_dry_run(small, "--configfile", "small.yaml") == jobs


def test_touching_or_checking_out_every_file_reruns_nothing(small: Path) -> None:
    for path in small.glob("**/*"):
        if path.is_file() and not {"results", ".snakemake", ".cache"} & set(path.parts):
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)
    assert jobs_of_dry_run(small, "--configfile", "small.yaml") == {}


RUN = "results/small/runs/small/mlp/additive/softmax/trained/"
DELETED: dict[str, tuple[str, Jobs]] = {
    "the page": ("results/small/report.html", PAGE),
    "the claims": ("results/small/claims.csv", JUDGED),
    "the states of a run": (f"{RUN}2/states.safetensors", {"states": 1} | read(1)),
    "the estimates of a run": (
        f"{RUN}1/information/knn.parquet",
        {"information": 1, "trust": 1} | agreed(1),
    ),
    "a calibration": (
        "results/small/calibration/small/knn.csv",
        {"calibrate": 1, "trust": 1} | DRAWN,
    ),
}


@pytest.mark.parametrize("what", DELETED)
def test_deleting_an_output_remakes_it_and_its_descendants(small: Path, what: str) -> None:
    name, jobs = DELETED[what]
    with changed(small / name, None):
        assert jobs_of_dry_run(small, "--configfile", "small.yaml") == jobs


# Changes of the config.


def put(*path: Any) -> Callable[[Study], None]:
    *keys, last, value = path

    def change(study: Study) -> None:
        for key in keys:
            study = study.setdefault(key, {}) if isinstance(study, dict) else study[key]
        study[last] = value

    return change


def more_data(study: Study) -> None:
    study["datasets"]["more"] = study["datasets"]["small"] | {"min_count": 3}
    study["grid"].append({**study["grid"][1], "dataset": "more"})


def swapped(study: Study) -> None:
    training = study["training"]
    rate, decay = training["learning_rate"], training["weight_decay"]
    training |= {"learning_rate": decay, "weight_decay": rate}


CHANGES: dict[str, tuple[Callable[[Study], None], Jobs]] = {
    "another data set": (
        more_data,
        {"prepare": 1, "preflight": 1, "calibrate": 2} | trained(1),
    ),
    "another cell": (put("grid", 1, "attention", ["scaled_dot", "deep"]), trained(1)),
    "another variant": (put("grid", 1, "variant", ["trained", "uniform"]), trained(1)),
    "another temperature": (
        put("grid", 1, "normaliser", ["softmax", "softmax@0.5"]),
        trained(1) | {"agreement": 4},  # which tells the skew at every temperature of the study
    ),
    "another estimator": (
        put("information", "estimators", ["linear", "knn", "gaussian"]),
        {"information": 3, "calibrate": 1, "trust": 1} | agreed(3),
    ),
    "a cell less": (
        put("grid", [small_study()["grid"][0]]),
        {"trust": 1, "collect": 1, "distributions": 1} | JUDGED,
    ),
    "the width of one encoder": (put("encoders", {"cnn": {"width": 8}}), trained(1)),
    "an option of one scorer": (
        put("attentions", {"scaled_dot": {"query": "last"}}),
        trained(1),
    ),
    "an option of a block that is not used": (  # but for the page, which shows the config
        put("encoders", {"gru": {"width": 8}}),
        PAGE,
    ),
    "the learning rate": (put("training", "learning_rate", 0.02), trained(3)),
    "a value of the training swapped with another": (swapped, trained(3)),
    "the permutations": (
        put("information", "permutations", 25),
        {"information": 6, "trust": 1, "faithfulness": 3} | agreed(3),
    ),
    "an option of one estimator": (
        put("information", "options", {"knn": {"neighbours": 5}}),
        {"information": 3, "calibrate": 1, "trust": 1} | agreed(3),
    ),
    "the importance measures": (
        put("importance", "measures", ["gradient"]),
        {"importance": 3, "faithfulness": 3} | agreed(3),
    ),
    "the texts of faithfulness": (
        put("faithfulness", "texts", 25),
        {"faithfulness": 3, "collect": 1, "distributions": 1} | DRAWN,
    ),
    "the calibration": (
        put("calibration", "repeats", 3),
        {"calibrate": 2, "trust": 1} | DRAWN,
    ),
    "the resamples": (put("statistics", "bootstrap", 250), JUDGED),
    "the texts of the page": (put("report", "texts", 3), PAGE),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_config_reruns_what_it_concerns_and_nothing_else(
    small: Path, change: str
) -> None:
    edit, jobs = CHANGES[change]
    study = small_study()
    edit(study)
    write_study(small / "changed.yaml", study)
    assert jobs_of_dry_run(small, "--configfile", "changed.yaml") == jobs


def test_another_seed_runs_alone_up_to_what_compares_seeds(small: Path) -> None:
    study = small_study() | {"seeds": [1, 2, 3]}
    write_study(small / "changed.yaml", study)
    stages = ("train", "states", "information", "importance", "faithfulness")
    new = {f"{stage}_from_3": trained(3)[stage] for stage in stages}
    jobs = new | {"trust": 1} | agreed(3)
    assert jobs_of_dry_run(small, "--configfile", "changed.yaml") == jobs
