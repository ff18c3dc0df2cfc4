"""What the root conftest.py promises, in a small course of two notebooks: side by side, and one after the other."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from helpers.files import COURSE

pytestmark = pytest.mark.slow  # six kernels

NOTE = """import os
from pathlib import Path
Path({file!r}).write_text(os.environ.get("OMP_NUM_THREADS", "") + "\\n" + os.environ["COURSE_RESULTS"], "utf-8")"""


@pytest.fixture
def small(tmp_path):
    """A course of one test, and of two notebooks whose first cells note what they were given; b's second cell fails."""
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(COURSE / name, tmp_path)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_slow.py").write_text(
        "import pytest\ndef test_quick(): pass\n@pytest.mark.slow\ndef test_slow(): pass\n", encoding="utf-8"
    )
    for name, second in (("a", "1 + 1"), ("b", "raise ValueError('no')")):
        sources = [NOTE.format(file=str(tmp_path / f"{name}.txt")), second, "'last'"]
        cells = [nbformat.v4.new_code_cell(source, execution_count=1) for source in sources]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks" / f"{name}.ipynb")
    return tmp_path


def ran(folder, *arguments):
    """What `python -m pytest` prints in `folder`."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "OMP_", "COURSE_"))}
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=folder, env=plain, timeout=120,
                          capture_output=True, encoding="utf-8").stdout  # fmt: skip


@pytest.mark.parametrize("options", [(), ("-n", "0")], ids=["side by side", "one after the other"])
def test_a_notebook_stops_at_its_first_failure_and_minutes_are_counted(small, options):
    printed = ran(small, *options)
    assert "1 failed, 6 passed, 1 skipped" in printed
    summary = printed.split("minutes per notebook")[1]
    assert [line.split()[0] for line in summary.splitlines() if ".ipynb " in line][:2] == [
        "notebooks/a.ipynb",
        "notebooks/b.ipynb",
    ]
    notes = [(small / f"{name}.txt").read_text(encoding="utf-8").splitlines() for name in "ab"]
    threads, results = zip(*notes, strict=True)
    side_by_side = not options
    assert threads == (("1", "1") if side_by_side else ("", ""))
    assert len(set(results)) == (2 if side_by_side else 1)
    assert not any(os.path.exists(folder) for folder in results)


def test_fast_leaves_out_notebooks_and_slow_tests(small):
    assert "1 passed, 1 deselected" in ran(small, "--fast", "-n", "0")
    assert "minutes per notebook" not in ran(small, "--fast")


def test_a_set_of_parameters_is_refused(small):
    """Two processes order it differently; pytest-xdist then stops with a difference that names no cause."""
    source = "import pytest\n@pytest.mark.parametrize('x', {1, 2})\ndef test_x(x): pass\n"
    (small / "tests" / "test_set.py").write_text(source, encoding="utf-8")
    printed = ran(small, "--fast", "-n", "0")
    assert "test_x is parametrized by a set" in printed and "give a list" in printed and "passed" not in printed
