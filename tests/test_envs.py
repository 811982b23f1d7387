"""The conda environments hold what their jobs import, at the versions that pip installs."""

import ast
import asyncio
from collections.abc import Iterator
from importlib.metadata import distribution, distributions
import json
import os
from pathlib import Path
import platform
import re
from shutil import which
import sys

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from project import ROOT, copy_of_project, snakemake
import pytest
from rattler import Channel, MatchSpec, Subdir, solve
from rattler.exceptions import SolverError
import yaml

from attinfo.blocks.catalogue import KINDS
from attinfo.runtime.provenance import sources

CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base", "seaborn": "seaborn-base"}
PIP = {conda: pip for pip, conda in CONDA.items()}
ENVS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "envs").glob("*.yaml"))
RULES = {  # script -> environment, as the rules have them
    script: f"envs/{env}.yaml"
    for path in (ROOT / "workflow/rules").glob("*.smk")
    for env, script in re.findall(
        r'conda:\s+env\("(\w+)"\).*?script:\s+"\.\./(scripts/\w+\.py)"',
        path.read_text("utf-8"),
        re.DOTALL,
    )
}


MODELS = ("encoder", "attention", "normaliser")
BLOCKS = {
    "download.py": ("source",),
    "train.py": MODELS,
    "states.py": MODELS,
    "importance.py": (*MODELS, "importance measure"),
    "faithfulness.py": MODELS,
    "information.py": ("estimator",),
    "calibrate.py": ("estimator",),
    "audit_views.py": ("attention view",),
    "audit_importance.py": ("audit measure",),
    "audit_information.py": ("estimator",),
}


def specs(path: Path) -> list[str]:
    return yaml.safe_load(path.read_text("utf-8"))["dependencies"]


def versions(path: Path) -> dict[str, str]:
    return dict(line.split(" ==") for line in specs(path) if " ==" in line)


def imported(file: str) -> set[str]:
    """Packages that are neither ours nor Python's."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(Path(file).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"attinfo", "huggingface_hub"}


def test_every_script_has_an_environment() -> None:
    scripts = {f"scripts/{path.name}" for path in (ROOT / "workflow/scripts").glob("*.py")}
    assert set(RULES) == scripts


def test_every_rule_has_an_environment_and_every_environment_a_rule() -> None:
    text = "".join(p.read_text("utf-8") for p in (ROOT / "workflow/rules").glob("*.smk"))
    rules = re.split(r"^ *rule\b", text, flags=re.MULTILINE)[1:]
    assert rules and all(re.search(r"^ +conda:$", rule, re.MULTILINE) for rule in rules)
    assert sorted(set(RULES.values())) == ENVS


@pytest.mark.parametrize("script", RULES)
def test_an_environment_holds_what_its_job_imports(script: str) -> None:
    # What a job loads by name is among the blocks of these kinds.
    kinds = BLOCKS.get(script.removeprefix("scripts/"), ())
    modules = [block.module for kind in kinds for block in KINDS[kind].values()]
    files = sources(ROOT / "workflow" / script, modules)
    needed = set().union(*(imported(file) for file in files if not file.endswith("/job.py")))
    if "be_deterministic()" in (ROOT / "workflow" / script).read_text("utf-8"):
        needed.add("torch")  # which job.py imports for that
    names = {CONDA.get(name, name).replace("_", "-") for name in needed}
    assert names <= versions(ROOT / RULES[script]).keys()


@pytest.mark.parametrize("env", ENVS)
def test_the_versions_are_those_that_are_tested(env: str) -> None:
    pinned = dict(
        line.lower().split("==")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if "==" in line
    )
    for name, version in versions(ROOT / env).items():
        assert pinned[PIP.get(name, name).lower()] == version


@pytest.mark.parametrize("env", ENVS)
def test_every_spec_is_one_that_conda_understands_without_guessing(env: str) -> None:
    for spec in specs(ROOT / env):
        assert MatchSpec(spec, strict=True).name


def requirements(name: str, extra: str = "") -> Iterator[str]:
    """What an installed package needs here, in conda's words; with what an extra adds to it."""
    for line in distribution(name).requires or []:
        needed = Requirement(line)
        if needed.marker is None or needed.marker.evaluate({"extra": extra}):
            known = canonicalize_name(needed.name)
            yield f"{CONDA.get(known, known)} {needed.specifier}".strip()
            for more in needed.extras:
                yield from requirements(needed.name, more)


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Channel:
    """A conda channel that offers just what is installed here: the tested versions."""
    packages = {"python": (platform.python_version(), [])}
    for found in distributions():
        name = canonicalize_name(found.name)
        version = Version(found.version).public
        packages[CONDA.get(name, name)] = version, list(requirements(found.name))
    folder = tmp_path_factory.mktemp("channel")
    records = {
        f"{name}-{version}-0.conda": {
            **{"name": name, "version": version, "build": "0", "build_number": 0},
            **{"depends": depends, "subdir": str(Subdir.current()), "sha256": "0" * 64},
        }
        for name, (version, depends) in packages.items()
    }
    for subdir, offered in ((str(Subdir.current()), records), ("noarch", {})):
        repodata = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": offered}
        (folder / subdir).mkdir()
        (folder / subdir / "repodata.json").write_text(json.dumps(repodata), "utf-8")
    return Channel(folder.as_uri())


@pytest.mark.parametrize("env", ENVS)
def test_a_solver_finds_an_environment_in_the_tested_stack(env: str, channel: Channel) -> None:
    found = asyncio.run(solve([channel], specs(ROOT / env)))
    versions_found = {record.name.normalized: str(record.version) for record in found}
    assert versions(ROOT / env).items() <= versions_found.items()
    assert versions_found["python"] == platform.python_version()


def test_the_solver_refuses_what_does_not_go_together(channel: Channel) -> None:
    with pytest.raises(SolverError, match="numpy"):
        asyncio.run(solve([channel], ["pandas ==3.1.1", "numpy <1.20"]))


WRAPPER = f'''#!/bin/sh
echo "$@" >> "$(dirname "$0")/../ran"
exec "{sys.executable}" "$@"
'''
STAND_IN = """#!{python}
import json, os, shutil, sys
command, *arguments = sys.argv[1:]
here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if command == "info":
    print(json.dumps({{"conda_prefix": here, "platform": "linux-64"}}))
elif command == "--version":
    print("conda 24.7.1")
elif command == "config":
    print(json.dumps({{"get": {{"channel_priority": "strict"}}}}))
elif command == "env":
    prefix = arguments[arguments.index("--prefix") + 1]
    os.makedirs(prefix + "/bin")
    shutil.copy(arguments[arguments.index("--file") + 1], prefix + "/created_from.yaml")
    with open(prefix + "/bin/python", "w") as file:
        file.write({wrapper!r})
    os.chmod(prefix + "/bin/python", 0o755)
"""


@pytest.fixture
def conda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for conda: its environments are this Python, but keep a list of what ran."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/conda").write_text(
        STAND_IN.format(python=sys.executable, wrapper=WRAPPER), "utf-8"
    )
    (tmp_path / "bin/conda").chmod(0o755)
    (tmp_path / "bin/activate").write_text('PATH="$1/bin:$PATH"\n', "utf-8")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")


def test_with_conda_each_job_runs_in_the_environment_of_its_rule(conda: None, tmp_path: Path):
    folder = copy_of_project(tmp_path / "project")
    smoke = ("--sdm", "conda", "--configfile", "studies/smoke.yaml", "--config", "seeds=[1]")
    done = snakemake(folder, *smoke, "--until", "preflight")
    assert done.returncode == 0, done.stderr[-3000:]
    envs = {(ROOT / env).read_text("utf-8"): env for env in ENVS}
    ran = {}
    for made in folder.rglob("created_from.yaml"):
        commands = made.with_name("ran")
        text = commands.read_text("utf-8") if commands.exists() else ""
        ran[envs[made.read_text("utf-8")]] = set(re.findall(r"\.(\w+\.py)\b", text))
    assert {env: scripts for env, scripts in ran.items() if scripts} == {
        "envs/data.yaml": {"download.py", "prepare.py"},
        "envs/importance.yaml": {"preflight.py"},
    }


@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_without_conda_asking_for_it_ends_in_one_line(arguments, tmp_path, monkeypatch):
    folder = copy_of_project(tmp_path / "project")
    for command in ("bash", "which"):  # without them there is no Snakemake
        (tmp_path / command).symlink_to(which(command))
    monkeypatch.setenv("PATH", str(tmp_path))
    done = snakemake(folder, "--sdm", "conda", *arguments)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "--sdm conda needs the command conda (24.7.1 or newer), which is not on PATH here"
    )
    assert "Traceback" not in done.stderr
