"""The conda environments hold what their jobs import, at the versions that pip installs."""

import ast
from pathlib import Path
import re
import sys

from project import ROOT
import pytest
import yaml

from attinfo.provenance import sources

CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base", "seaborn": "seaborn-base"}
PIP = {conda: pip for pip, conda in CONDA.items()}
RULES = {  # script -> environment, as the rules have them
    script: env
    for path in (ROOT / "workflow/rules").glob("*.smk")
    for env, script in re.findall(
        r'conda:\s+"\.\./\.\./(envs/\w+\.yaml)".*?script:\s+"\.\./(scripts/\w+\.py)"',
        path.read_text("utf-8"),
        re.DOTALL,
    )
}


def versions(path: Path) -> dict[str, str]:
    dependencies = yaml.safe_load(path.read_text("utf-8"))["dependencies"]
    return dict(line.split(" ==") for line in dependencies if " ==" in line)


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


@pytest.mark.parametrize("script", RULES)
def test_an_environment_holds_what_its_job_imports(script: str) -> None:
    needed = set().union(*(imported(file) for file in sources(ROOT / "workflow" / script)))
    names = {CONDA.get(name, name).replace("_", "-") for name in needed}
    assert names <= versions(ROOT / RULES[script]).keys()


@pytest.mark.parametrize("env", sorted(set(RULES.values())))
def test_the_versions_are_those_that_are_tested(env: str) -> None:
    pinned = dict(
        line.lower().split("==")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if "==" in line
    )
    for name, version in versions(ROOT / env).items():
        assert pinned[PIP.get(name, name).lower()] == version
