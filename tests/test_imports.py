"""The helpers as source: what they import, and that everything public says what it does."""

import ast
import subprocess
import sys

import pytest

from helpers.files import COURSE

FILES = sorted((COURSE / "helpers").rglob("*.py"))
every_file = pytest.mark.parametrize("path", FILES, ids=[path.relative_to(COURSE).as_posix() for path in FILES])


def imports(path):
    """The dotted name of everything that a file imports, also inside its functions."""
    package = ("helpers", *path.relative_to(COURSE / "helpers").parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (above, node.module) if part)
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


@every_file
def test_no_helper_imports_the_widgets_or_the_lessons(path):
    closed = [["helpers", "widgets"]]
    if path.parent.name != "lessons":  # what lessons keep may use what earlier ones keep
        closed.append(["helpers", "lessons"])
    for name in imports(path):
        assert name.split(".")[:2] not in closed, name


@every_file
def test_no_helper_imports_everything(path):
    assert not [name for name in imports(path) if name.endswith("*")]


@every_file
def test_everything_public_has_a_docstring(path):
    module = ast.parse(path.read_text(encoding="utf-8"))
    public = [n for n in module.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")]
    assert ast.get_docstring(module)
    assert [node.name for node in public if not ast.get_docstring(node)] == []


def test_importing_helpers_takes_less_than_half_a_second_more_than_torch():
    script = (  # seconds of computing, which a busy neighbour does not change
        "import time, torch; start = time.process_time(); import helpers, helpers.datasets; "
        "print(time.process_time() - start)"
    )

    def seconds():
        return float(subprocess.run([sys.executable, "-c", script], cwd=COURSE, capture_output=True, check=True).stdout)

    assert any(seconds() < 0.5 for _ in range(3))
