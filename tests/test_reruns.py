"""The rerun matrix: which jobs run again after each kind of edit, by dry runs of a finished study.

Any edit of a library file, even of a comment, reruns the jobs that import the file, because the
text of the file does not show whether results change.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
import re
import shutil
from typing import Any

from project import jobs_of_dry_run, small_project, small_study, snakemake, write_study
import pytest

Study = dict[str, Any]
Jobs = dict[str, int]

PAGE = {"report": 1, "all": 1}
DRAWN = {"figures": 1} | PAGE
JUDGED = {"claims": 1, "across": 1} | DRAWN


def agreed(cells: int) -> Jobs:
    return {"agreement": cells, "collect": 1, "distributions": 1} | JUDGED


def read(cells: int) -> Jobs:
    """What follows from new states."""
    own = {"information": 2 * cells, "importance": cells, "faithfulness": cells, "trust": 1}
    return own | agreed(cells)


def trained(cells: int) -> Jobs:
    return {"train": cells, "learning": 1, "states": cells} | read(cells)


RUNS = ("train", "states", "information", "importance", "faithfulness")


def of_batch(first: int, jobs: Jobs) -> Jobs:
    """Jobs with those of runs in the batch of seeds that begins with `first`."""
    return {f"{rule}_from_{first}" if rule in RUNS else rule: n for rule, n in jobs.items()}


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
    "the model around its blocks": (f"{LIBRARY}models/classifier.py", "X = 1", trained(3)),
    "a scorer of one cell": (f"{LIBRARY}models/scorers/scaled_dot.py", "X = 1", trained(1)),
    "an encoder of one cell": (f"{LIBRARY}models/encoders/cnn.py", "X = 1", trained(1)),
    "a scorer that no cell has": (f"{LIBRARY}models/scorers/deep.py", "X = 1", {}),
    "the list of scorers": (f"{LIBRARY}blocks/scorers.py", "X = 1", JUDGED),
    "a measure that is not computed": (
        f"{LIBRARY}explain/measures/integrated_gradients.py",
        "X = 1",
        {},
    ),
    "the training": (f"{LIBRARY}training/train.py", "X = 1", trained(3)),
    "what is dumped": (f"{LIBRARY}states/extract.py", "X = 1", {"states": 3} | read(3)),
    # Not the estimates by `linear`, and not what is made from those.
    "one of two estimators": (
        f"{LIBRARY}information/estimators/knn.py",
        "X = 1",
        {"information": 3, "calibrate": 1, "trust": 1} | agreed(3),
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
    "the states of a run": (
        f"{RUN}2/states.safetensors",
        of_batch(2, {"states": 1} | read(1)),
    ),
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
        trained(1) | {"agreement": 4},  # which computes the skew at every temperature of the study
    ),
    "another estimator": (
        put("information", "estimators", ["linear", "knn", "gaussian"]),
        {"information": 3, "calibrate": 1, "trust": 1} | agreed(3),
    ),
    "a cell less": (
        put("grid", [small_study()["grid"][0]]),
        {"learning": 1, "trust": 1, "collect": 1, "distributions": 1} | JUDGED,
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
    "the texts of costly measures": (
        put("importance", "texts", 30),
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
    "an estimator less": (
        put("information", "estimators", ["linear"]),
        {"trust": 1} | agreed(3),
    ),
    "one seed a job": (put("batch", 1), {}),
    "three seeds a job": (put("batch", 3), {}),
    "seeds in another order": (put("seeds", [2, 1]), {}),
    "the first seed alone": (put("seeds", [1]), {"learning": 1, "trust": 1} | agreed(3)),
    "the last seed alone": (put("seeds", [2]), {"learning": 1, "trust": 1} | agreed(3)),
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


@pytest.mark.parametrize("batch", [1, 2, 3, 10])
@pytest.mark.parametrize("seeds", [[1, 2, 3], [3, 2, 1], [2, 3]])
def test_another_seed_runs_alone_whatever_the_batch_up_to_what_compares_seeds(
    small: Path, batch: int, seeds: list[int]
) -> None:
    write_study(small / "changed.yaml", small_study() | {"seeds": seeds, "batch": batch})
    jobs = of_batch(3, trained(3))
    assert jobs_of_dry_run(small, "--configfile", "changed.yaml") == jobs


@pytest.mark.parametrize("batch", [1, 2, 3, 10])
def test_new_seeds_share_jobs_with_one_another_only(small: Path, batch: int) -> None:
    write_study(small / "changed.yaml", small_study() | {"seeds": [1, 2, 3, 4, 5], "batch": batch})
    found = jobs_of_dry_run(small, "--configfile", "changed.yaml")
    firsts = {int(rule.split("_")[-1]) for rule in found if "_from_" in rule}
    assert firsts == set(range(3, 6, batch))
    assert found == {rule: n for first in firsts for rule, n in of_batch(first, trained(3)).items()}


def test_a_new_cell_and_a_new_seed_at_once_share_jobs_where_nothing_is_finished(
    small: Path,
) -> None:
    study = small_study() | {"seeds": [1, 2, 3], "batch": 3}
    put("grid", 1, "attention", ["scaled_dot", "deep"])(study)
    write_study(small / "changed.yaml", study)
    # Of the new cell all seeds; of the others the new seed.
    jobs = trained(1) | of_batch(3, trained(4))
    assert jobs_of_dry_run(small, "--configfile", "changed.yaml") == jobs


def test_a_reason_names_the_folder_that_was_edited_and_no_job_lists_library_files(
    small: Path,
) -> None:
    with appended(small / f"{LIBRARY}training/train.py", "\nX = 1\n"):
        done = snakemake(small, "--configfile", "small.yaml", "--dry-run", "--quiet", "host")
    text = done.stdout + done.stderr
    assert ".py" not in "".join(re.findall(r"^    input: .*$", text, re.MULTILINE))
    before, after = re.findall(r"(?:before|now): .*?\{('.*?)\}", text)[:2]
    changed_folders = {
        a.split(":")[0]
        for a, b in zip(before.split(", "), after.split(", "), strict=True)
        if a != b
    }
    assert changed_folders == {"'training'"}


@pytest.mark.slow
def test_a_study_that_grows_and_shrinks_trains_each_seed_once(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "grown"
    shutil.copytree(small, folder, symlinks=True)

    def run(seeds: list[int], batch: int) -> Jobs:
        write_study(folder / "grown.yaml", small_study() | {"seeds": seeds, "batch": batch})
        jobs = jobs_of_dry_run(folder, "--configfile", "grown.yaml")
        done = snakemake(folder, "--configfile", "grown.yaml")
        assert done.returncode == 0, done.stderr[-3000:]
        assert jobs_of_dry_run(folder, "--configfile", "grown.yaml") == {}
        return {rule: n for rule, n in jobs.items() if rule.startswith(RUNS)}

    new = {rule: trained(3)[rule] for rule in RUNS}
    assert run([1, 2, 3], batch=3) == of_batch(3, new)
    assert run([1, 2, 3, 4, 5], batch=2) == of_batch(4, new)
    for batch in (1, 2, 3, 5):
        write_study(folder / "all.yaml", small_study() | {"seeds": [5, 4, 3, 2, 1], "batch": batch})
        assert jobs_of_dry_run(folder, "--configfile", "all.yaml") == {}
    assert run([1, 4], batch=3) == {}
