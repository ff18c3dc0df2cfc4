"""requirements.txt, constraints.txt, environment.yml, start.py, README, TEACHING, workflow and .ci/run say the same."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path

import commands
import links
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import start
from helpers.files import COURSE
from tools import notebooks

CONDA_NAMES = {"torch": "pytorch"}  # where conda-forge's name differs from PyPI's
OPEN_COMMAND, TEST_COMMAND = "python3 start.py", "python3 start.py test"
WORKFLOW = ".github/workflows/tests.yml"


def text(name):
    return (COURSE / name).read_text(encoding="utf-8")


def pip_specs(name="requirements.txt"):
    """{package: specifiers} of a file of requirements, or of constraints."""
    stripped = [line.split("#")[0].strip() for line in text(name).splitlines()]
    return {r.name: r.specifier for r in map(Requirement, filter(None, stripped))}


def conda_specs():
    """{name: specifiers} of environment.yml; a conda spec is a name, a blank, and comparisons joined by commas.

    conda's =3.12 is ==3.12.* for pip.
    """
    specs = re.findall(r"^  - ([a-z-]+) (\S+)", text("environment.yml"), re.M)
    return {name: SpecifierSet(re.sub(r"^=(?!=)(.+)", r"==\1.*", versions)) for name, versions in specs}


def test_conda_and_pip_ask_for_the_same():
    conda = conda_specs()
    (python,) = conda.pop("python")
    supported = SpecifierSet(re.search(r'requires-python = "(.+)"', text("pyproject.toml"))[1])
    assert supported.contains(python.version.removesuffix(".*"))
    assert conda == {CONDA_NAMES.get(name, name): specifier for name, specifier in pip_specs().items()}


def test_binder_finds_the_python_version():
    # repo2docker looks for "python", one or more "=", and digits; with anything else it takes a version of its own
    assert re.search(r"^  - python\s*=+\s*\d+\.\d+(\s|$)", text("environment.yml"), re.M)


def test_every_conda_dependency_is_understood():
    dependencies = text("environment.yml").split("dependencies:")[1].strip().splitlines()
    assert len(dependencies) == len(conda_specs())


def test_every_package_has_a_bound_that_holds_today():
    for name, specifier in pip_specs().items():
        installed = version(name)
        assert len(specifier) > 0, f"{name} has no bound"
        assert specifier.contains(installed.split("+")[0]), f"{name} {installed} is outside {specifier}"


def test_what_was_tested_is_one_version_each_within_the_ranges():
    tested, ranges = pip_specs("constraints.txt"), pip_specs()
    assert set(tested) >= set(ranges)
    for name, specifier in tested.items():
        (pin,) = specifier
        assert pin.operator == "=="
        assert ranges.get(name, SpecifierSet()).contains(pin.version), (
            f"{name} {pin.version} is outside requirements.txt"
        )


def test_torch_and_torchvision_are_a_pair():
    """torchvision says which torch it was built for; a torch from another index adds +cpu or the like."""
    (needed,) = [r for r in map(Requirement, requires("torchvision")) if r.name == "torch"]
    assert needed.specifier.contains(version("torch"))


def test_the_launcher_knows_the_same_pythons():
    supported = SpecifierSet(re.search(r'requires-python = "(.+)"', text("pyproject.toml"))[1])
    assert SpecifierSet(f">={start.OLDEST[0]}.{start.OLDEST[1]}") == supported
    numbers = [".".join(map(str, python)) for python in start.TESTED]
    assert f"on Python {', '.join(numbers[:-1])} and {numbers[-1]}." in text("constraints.txt")
    assert f"on Python {numbers[0]} to {numbers[-1]}" in " ".join(text("README.md").split())
    assert not sys.platform.startswith("linux") or f"{start.GIGABYTES} GB of free disk" in text("README.md")


def code_blocks(name):
    """The lines of a page's indented code blocks."""
    return [line.strip() for line in text(name).splitlines() if line.startswith("    ")]


def test_the_readme_and_ci_run_the_same_test_command():
    beginning = text("README.md").split("## Start\n")[1].split("\n## ")[0]
    assert [line.strip() for line in beginning.splitlines() if line.startswith("    ")] == [OPEN_COMMAND, TEST_COMMAND]
    assert "http" not in beginning
    assert text(".ci/run").splitlines()[-1] == TEST_COMMAND
    workflow = yaml.safe_load(text(WORKFLOW))
    assert workflow["jobs"]["whole"]["steps"][-1]["run"] == "bash .ci/run"
    assert TEST_COMMAND.replace("python3", "python") in workflow["jobs"]["everywhere"]["steps"][2]["run"]


def test_windows_lines_name_the_environment_they_install_into():
    lines = [line for line in code_blocks("README.md") if line.startswith((".venv\\", "py "))]
    assert len(lines) == 4
    assert not re.search(r"Activate|(^|[;&] *)pip ", "\n".join(lines), re.M)


@pytest.mark.parametrize("name", commands.PAGES)
def test_a_clone_fetches_no_history(name):
    assert re.findall(r"git clone (?!--depth 1 )", text(name)) == []


def test_the_workflow_tries_the_oldest_and_the_newest():
    matrix = yaml.safe_load(text(WORKFLOW))["jobs"]["everywhere"]["strategy"]["matrix"]
    assert matrix["python"][0] == ".".join(map(str, start.OLDEST))
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    oldest = {name: re.search(rf" {name}==(\S+)", text(WORKFLOW))[1] for name in ("torch", "torchvision")}
    for name, number in oldest.items():
        (bound,) = pip_specs()[name]
        assert bound.operator == ">=" and number == f"{bound.version}.0"


LINTER = shutil.which("jactionlint", path=f"{Path(sys.executable).parent}")


@pytest.mark.skipif(not LINTER, reason="jactionlint is not installed (pip install -r tests/requirements.txt)")
@pytest.mark.parametrize("mistake", ["", "matrix.oss", "with-typo"])
def test_the_workflow_has_no_mistakes(mistake, tmp_path):
    (tmp_path / "tests.yml").write_text(
        {
            "": text(WORKFLOW),
            "matrix.oss": text(WORKFLOW).replace("matrix.os ", "matrix.oss "),
            "with-typo": text(WORKFLOW).replace("persist-credentials", "with-typo"),
        }[mistake],
        encoding="utf-8",
    )
    command = [LINTER, "--profile=correctness", "--shellcheck=", "--pyflakes=", "tests.yml"]
    linted = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60)
    assert (linted.returncode == 0) == (not mistake), linted.stdout + linted.stderr
    assert mistake.removeprefix("matrix.") in linted.stdout


@pytest.mark.skipif(not LINTER, reason="jactionlint is not installed (pip install -r tests/requirements.txt)")
def test_the_workflow_that_publishes_has_no_mistakes():
    command = [LINTER, "--profile=correctness", "--shellcheck=", "--pyflakes=", ".github/workflows/pages.yml"]
    linted = subprocess.run(command, cwd=COURSE, capture_output=True, encoding="utf-8", timeout=60)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_readme_lists_every_notebook():
    listed = re.findall(r"\(notebooks/(\w+\.ipynb)\)", text("README.md"))
    assert sorted(set(listed)) == sorted(path.name for path in (COURSE / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", commands.PAGES)
def test_links_of_a_page_lead_somewhere(name):
    assert links.dead(text(name), COURSE / name) == []


def test_the_teachers_page_says_the_same_four_things_of_every_lesson():
    parts = re.split(r"^### ", text("TEACHING.md"), flags=re.M)[1:]
    assert len(parts) == len(notebooks.lessons())
    for part in parts[1:]:
        for word in ("Show", "Ask", "You will hear", "Exercise"):
            assert f"* **{word}**" in part, (part[:20], word)
