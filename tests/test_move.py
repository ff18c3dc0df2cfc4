"""`python -m tools.move`, in a copy of the course: whatever names the lesson follows, and nothing else changes."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from helpers.files import COURSE
from tools import move, notebooks

TOPICS = move.topics()
MOVED = next(topic for topic in reversed(TOPICS) if topic != "comparison")  # a lesson that many others name
OLD, TAKEN = TOPICS[MOVED], TOPICS["comparison"]
NEW = next(number for number in ("17", "18") if number not in TOPICS.values())
STEPS = {
    "there": [OLD, NEW], "nobody": ["97", NEW], "taken": [NEW, TAKEN], "no number": [NEW, "9"], "back": [NEW, OLD],
}  # fmt: skip
TERMINAL = """
import json, shutil, sys

from tools import move

for name, arguments in json.loads(sys.argv[1]).items():
    sys.argv, end = ["move", *arguments], 0
    try:
        move.notebooks.command(move.main)
    except SystemExit as stop:
        end = stop.code or 0
    print(json.dumps([name, end]))
    if name == "there":
        shutil.copytree(".", "../there")
"""  # one process for all of them: PyTorch takes seconds to import


def sources(folder):
    """{file: its text, or that of its cells} of every text of a copy of the course."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".ipynb":
            found[name] = "\n\n".join(cell.source for cell in notebooks.read(path).cells)
        elif path.suffix in (".py", ".md", ".yml", ".toml"):
            found[name] = path.read_text(encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """({step: what it ended with}, sources before, after the move, {file: bytes} before and after moving back)."""
    above = tmp_path_factory.mktemp("move")
    copy = above / "course"
    copy.mkdir()
    leave_out = shutil.ignore_patterns("__pycache__", "*.npz", "*.safetensors")
    for name in ("helpers", "tools", "tests", "notebooks", "data", ".github"):
        shutil.copytree(COURSE / name, copy / name, ignore=leave_out)
    for name in ("README.md", "TEACHING.md", "start.py", "conftest.py", "pyproject.toml"):
        shutil.copy(COURSE / name, copy)
    before = sources(copy)
    as_bytes = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    done = subprocess.run([sys.executable, "-B", "-c", TERMINAL, json.dumps(STEPS)], cwd=copy, capture_output=True,
                          encoding="utf-8")  # fmt: skip
    assert done.returncode == 0, done.stderr
    ends = dict(json.loads(line) for line in done.stdout.splitlines())
    back = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    return ends, before, sources(above / "there"), as_bytes, back


def renamed(name):
    """A file's name after the move."""
    return name.replace(f"{OLD}_{MOVED}.ipynb", f"{NEW}_{MOVED}.ipynb")


@pytest.mark.slow
def test_a_moved_lesson_is_named_by_its_new_number_everywhere(moved):
    ends, before, after, _, _ = moved
    assert ends["there"] == 0
    assert sorted(after) == sorted(map(renamed, before))
    assert f"notebooks/{NEW}_{MOVED}.ipynb" in after and f"notebooks/solutions/{NEW}_{MOVED}.ipynb" in after
    for name, text in before.items():
        changed = after[renamed(name)]
        if not name.startswith("tests/"):  # whose examples may be about anything
            assert not re.search(rf"\b{OLD}_{MOVED}\b|[Ll]esson {OLD}\b|\[{OLD}[^\]]*\]\([^)]*{MOVED}", changed), name
            assert text.count(f"{OLD}_{MOVED}") == changed.count(f"{NEW}_{MOVED}"), name
    title = after[f"notebooks/{NEW}_{MOVED}.ipynb"].splitlines()[0]
    assert title == before[f"notebooks/{OLD}_{MOVED}.ipynb"].splitlines()[0].replace(f"# {OLD} ·", f"# {NEW} ·")
    assert f"### {title[2:]}: class" in after["TEACHING.md"]
    assert f"| [{title[2:].replace(' · ', ' ')}](notebooks/{NEW}_{MOVED}.ipynb) |" in after["README.md"]


@pytest.mark.slow
def test_only_that_number_changes(moved):
    _, before, after, _, _ = moved
    for name, old in before.items():
        new = after[renamed(name)]
        assert len(old) == len(new)
        places = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
        starts = {i if old[i : i + 2] == OLD and new[i : i + 2] == NEW else i - 1 for i in places}
        assert all((old[i : i + 2], new[i : i + 2]) == (OLD, NEW) for i in starts), name


@pytest.mark.slow
def test_what_cannot_be_done_is_a_sentence_and_changes_nothing(moved):
    ends = moved[0]
    assert ends["nobody"].startswith("there is no lesson '97'; lessons are called 00, ")
    assert ends["taken"] == f"the number {TAKEN} is taken; move that lesson first"
    assert ends["no number"] == "'9' is no number of a lesson; give two digits, 00 to 19"


@pytest.mark.slow
def test_there_and_back_gives_the_same_bytes(moved):
    ends, _, _, before, after = moved
    assert ends["back"] == 0
    assert sorted(before) == sorted(after)
    assert [path.name for path in before if before[path] != after[path]] == []


# What is a lesson's number, and what is not: A stands for the number that the lesson has, B for its new one

FOLLOWS = [
    "lesson A", "Lesson A's", "lessons A and 00", "lessons 00, A and 01", "lessons 00 to A", "as before (A).",
    "# A · A title", "### A · A title: class 60 min", "**A A title**", "[A](A_TOPIC.ipynb)",
    "[lesson A](../A_TOPIC.ipynb)", "[A A title](notebooks/A_TOPIC.ipynb)", "demo/A_TOPIC.ipynb",
    "from notebooks/A_TOPIC.ipynb; edit there", r"notebooks\A_TOPIC.ipynb", "x = 1  # lesson A", "print('lesson A')",
]  # fmt: skip
STAYS = [
    "range(A)", "f(x, A)", "(A, 30)", "A steps", "20A0", "A.5", "0.A", "1A", "A0", "Odena et al. [A]", "[A] A. Odena",
    "lesson plan A", "lessons A0", "lesson A.5", "A_000", "seed=A", "x[A]", "**A**", "# A", "f(A)", "a A_other b",
]  # fmt: skip


@pytest.mark.parametrize("text", FOLLOWS)
def test_a_reference_follows(text):
    old, new = (text.replace("TOPIC", MOVED).replace("A", number, text.count("A")) for number in (OLD, NEW))
    keep = re.compile(rf"{OLD} title")  # "A title" is a title
    old, new = keep.sub("A title", old), re.sub(rf"{NEW} title", "A title", new)
    assert move.renumbered(old, {OLD: NEW}) == new


@pytest.mark.parametrize("text", STAYS)
def test_another_number_stays(text):
    text = text.replace("A", OLD)
    assert move.renumbered(text, {OLD: NEW}) == text
