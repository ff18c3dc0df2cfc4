"""The setup cell where there is no course around it: a stub of Colab, good and bad addresses, no git, no network."""

import ast
import os
import re
import shutil
import subprocess
import sys

import pytest

from helpers.files import COURSE
from tools import notebooks

SETUP = notebooks.read(notebooks.paths()[0]).cells
SETUP = next(cell.source for cell in SETUP if cell.cell_type == "code")
COLAB = "import sys, types\nsys.modules['google.colab'] = types.ModuleType('google.colab')\n"
WORKS = "\nfrom helpers.datasets import load\nprint('images:', len(load('fashion')[0]))\n"


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """The course as a repository at a local address (a fresh one: this folder may have no history)."""
    if not shutil.which("git"):
        pytest.skip("git is not here")
    folder = tmp_path_factory.mktemp("repository") / "course.git"
    for path in (*COURSE.glob("helpers/**/*.py"), *COURSE.glob("data/*.npz"), COURSE / "data/SHA256SUMS"):
        target = folder / path.relative_to(COURSE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    author = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    for command in (["init", "--quiet"], ["add", "--all"], [*author, "commit", "--quiet", "-m", "the course"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder.as_uri()


def run(folder, address, before=COLAB, after=WORKS, options=(), **environment):
    """The setup cell as a script in `folder`, run with Python's `options`; returns (exit code, what was printed)."""
    source = before + SETUP.replace(notebooks.address(), address) + after
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | environment
    command = [sys.executable, *options, "-c", source]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8")
    return done.returncode, done.stdout + done.stderr


def test_colab_fetches_the_course_once(tmp_path, repository):
    assert run(tmp_path, repository) == (0, "images: 10000\n")
    mark = tmp_path / "course" / "mine.txt"
    mark.write_text("kept", encoding="utf-8")
    assert run(tmp_path, "file:///nowhere") == (0, "images: 10000\n"), "the second time nothing is fetched"
    assert mark.read_text(encoding="utf-8") == "kept"


def test_running_the_cell_twice_does_no_harm(tmp_path, repository):
    assert run(tmp_path, repository, after=f"\n{SETUP}{WORKS}") == (0, "images: 10000\n")


@pytest.mark.parametrize("address", ["file:///nowhere/at/all.git", "http://127.0.0.1:9/nobody/listens"])
def test_a_wrong_address_and_no_network_are_answered_with_advice(tmp_path, address):
    code, text = run(tmp_path, address)
    assert code == 1
    assert "FileNotFoundError: The course was not found." in text
    assert "is there a network, is REPOSITORY right?" in text


def test_no_git_is_answered_with_advice(tmp_path, repository):
    empty = tmp_path / "bin"
    empty.mkdir()
    code, text = run(tmp_path, repository, PATH=str(empty))
    assert code == 1
    said = re.findall(r"^\w*Error.*", text, re.M)  # Python 3.13 shows the line that raised, too
    assert len(said) == 1 and said[0].startswith("FileNotFoundError: The course was not found.")


def test_python_without_asserts_gives_the_same_advice(tmp_path, repository):
    code, text = run(tmp_path, "file:///nowhere/at/all.git", options=["-O"])
    assert code == 1
    assert "FileNotFoundError: The course was not found." in text


def test_the_cell_shows_no_value():
    last = ast.parse(SETUP).body[-1]
    assert not isinstance(last, ast.Expr), "a notebook would print what the last line is worth"


def test_a_folder_that_is_left_over_is_answered_with_advice(tmp_path, repository):
    (tmp_path / "course").mkdir()
    code, text = run(tmp_path, repository)
    assert code == 1
    assert "Delete a left-over folder 'course'" in text


def test_nothing_is_fetched_outside_colab(tmp_path, repository):
    code, text = run(tmp_path, repository, before="")
    assert code == 1
    assert "start JupyterLab inside its folder" in text
    assert list(tmp_path.iterdir()) == []


def test_the_cell_works_in_a_folder_with_spaces_and_accents(tmp_path, repository):
    folder = tmp_path / "mes leçons"
    folder.mkdir()
    assert run(folder, repository) == (0, "images: 10000\n")


STUB = """
import sys, types
from pathlib import Path
from PIL import Image

def fill(folder):
    Path(folder).mkdir(parents=True)
    for number in range(20):
        Image.new("RGB", (40, 30), (12 * number, 0, 0)).save(f"{folder}/{number}.png")

colab = types.ModuleType("google.colab")
colab.files = types.SimpleNamespace(upload=fill)
colab.drive = types.SimpleNamespace(mount=lambda place: fill(f"{place}/MyDrive/photos"))
sys.modules |= {"google": types.ModuleType("google"), "google.colab": colab}
"""


@pytest.mark.parametrize("call", ["files.upload(", "drive.mount("])
def test_own_images_reach_colab_as_lesson_00_says(tmp_path, repository, call):
    page = "\n".join(cell.source for cell in notebooks.read(notebooks.paths()[0]).cells)
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.S) if call in block]
    block = block.replace("/content/", f"{tmp_path.as_posix()}/content/")
    (said,) = re.findall(r"# .*(dataset = .*)", block)  # what the comment tells to write
    use = f"\nfrom helpers.datasets import load\n{block}\n{said}\nprint(sum(map(len, load(dataset))))\n"
    code, text = run(tmp_path, repository, before=STUB, after=use)
    assert code == 0 and text.endswith("\n20\n"), text
