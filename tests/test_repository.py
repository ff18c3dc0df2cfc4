"""What stands beside the course: citation, forms for issues, hooks and updates. Each says what is true here."""

import re
import shlex
import subprocess
import sys
import tomllib

import pytest
import yaml

from helpers.files import COURSE
from tools import notebooks


def parsed(name):
    return yaml.safe_load((COURSE / name).read_text(encoding="utf-8"))


FORMS = sorted((COURSE / ".github/ISSUE_TEMPLATE").glob("*.yml"))
HOOKS = [hook for repo in parsed(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]


def test_the_citation_is_complete_and_agrees_with_the_project():
    citation = parsed("CITATION.cff")
    project = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors"} <= set(citation)  # what its schema asks for
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert citation["repository-code"] == notebooks.address()
    owner = re.search(r"Copyright \(c\) \d+ (.+)", (COURSE / "LICENSE").read_text(encoding="utf-8"))[1]
    assert [author["name"] for author in citation["authors"]] == [owner]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_asks_questions_that_github_can_show(path):
    form = parsed(path)
    assert {"name", "description", "body"} <= set(form)
    assert len({item["id"] for item in form["body"]}) == len(form["body"])
    for item in form["body"]:
        assert item["type"] in ("input", "textarea", "dropdown")
        assert item["attributes"]["label"]
        assert item["type"] != "dropdown" or len(item["attributes"]["options"]) > 1
    assert any(item.get("validations", {}).get("required") for item in form["body"])


def test_there_are_forms():
    assert [path.stem for path in FORMS] == ["problem", "question"]


def test_updates_are_looked_for_where_versions_stand():
    for update in parsed(".github/dependabot.yml")["updates"]:
        folders = [COURSE / folder.strip("/") for folder in update.get("directories", [update.get("directory")])]
        wanted = {"pip": "requirements.txt", "github-actions": ".github/workflows"}[update["package-ecosystem"]]
        assert all((folder / wanted).exists() for folder in folders)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_is_a_command_of_the_course(hook):
    python, flag, module, *rest = shlex.split(hook["entry"])
    assert (python, flag, hook["language"]) == ("python", "-m", "system")
    if module == "ruff":
        pytest.importorskip("ruff", reason="ruff is not installed (pip install -r tests/requirements.txt)")
        command = [sys.executable, "-m", "ruff", *rest, "--no-cache", "start.py"]
        assert subprocess.run(command, cwd=COURSE, timeout=60).returncode == 0
    else:
        assert (COURSE / rest[-1]).is_file()
        files = [path.relative_to(COURSE).as_posix() for path in notebooks.paths()]
        assert all(re.search(hook["files"], file) for file in [*files, "helpers/lessons/gan.py"])
        assert not re.search(hook["files"], "helpers/judge.py")
