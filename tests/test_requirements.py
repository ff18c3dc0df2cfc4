"""requirements.txt, environment.yml, README, TEACHING, workflow and .ci/run say the same."""

import re

import links
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from helpers.files import COURSE
from tools import notebooks

CONDA_NAMES = {"torch": "pytorch"}  # where conda-forge's name differs from PyPI's
TEST_COMMAND = "python -m pytest"


def text(name):
    return (COURSE / name).read_text(encoding="utf-8")


def pip_specs():
    stripped = [line.split("#")[0].strip() for line in text("requirements.txt").splitlines()]
    requirements = [Requirement(line) for line in stripped if line]
    return {CONDA_NAMES.get(r.name, r.name): r.specifier for r in requirements}


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
    assert conda == pip_specs()


def test_binder_finds_the_python_version():
    # repo2docker looks for "python", one or more "=", and digits; with anything else it takes a version of its own
    assert re.search(r"^  - python\s*=+\s*\d+\.\d+(\s|$)", text("environment.yml"), re.M)


def test_every_conda_dependency_is_understood():
    dependencies = text("environment.yml").split("dependencies:")[1].strip().splitlines()
    assert len(dependencies) == len(conda_specs())


def test_every_package_has_a_bound_that_holds_today():
    from importlib.metadata import version

    for name, specifier in pip_specs().items():
        installed = version({v: k for k, v in CONDA_NAMES.items()}.get(name, name))
        assert specifier.contains(installed.split("+")[0]), f"{name} {installed} is outside {specifier}"


def test_the_readme_and_ci_run_the_same_test_command():
    commands = re.findall(r"^    (git clone .+&&.+)$", text("README.md"), re.M)
    assert len(commands) == 2
    start, test = commands
    assert start.endswith("jupyter lab notebooks/00_start_here.ipynb")
    assert test.endswith(TEST_COMMAND)
    assert all("pip install -r requirements.txt" in command for command in commands)
    assert TEST_COMMAND in text(".ci/run")
    assert "bash .ci/run" in text(".github/workflows/tests.yml")


def test_the_readme_lists_every_notebook():
    listed = re.findall(r"\(notebooks/(\w+\.ipynb)\)", text("README.md"))
    assert sorted(set(listed)) == sorted(path.name for path in (COURSE / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", ["README.md", "TEACHING.md", "data/README.md"])
def test_links_of_a_page_lead_somewhere(name):
    assert links.dead(text(name), COURSE / name) == []


def test_the_teachers_page_follows_the_lessons():
    titles = [re.search(r"^# (.+)$", notebooks.read(path).cells[0].source, re.M)[1] for path in notebooks.lessons()]
    parts = re.split(r"^### ", text("TEACHING.md"), flags=re.M)[1:]
    assert [part.split(": class ")[0] for part in parts] == titles
    for part in parts[1:]:
        for word in ("Show", "Ask", "You will hear", "Exercise"):
            assert f"* **{word}**" in part, (part[:20], word)
