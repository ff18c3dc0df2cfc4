"""The course on Colab's versions (IPython 7, ipywidgets 7, ...), in an environment that has them.

The environment variable COURSE_COLAB_PYTHON names that environment's python; `python -m tests.colab_environment FOLDER`
makes one. Only the kernels run there: what drives them, and looks at what they send, is this environment's.
"""

import json
import os

import colab_environment
import demo
import pytest
from packaging.requirements import Requirement
from second_device import AVAILABLE
from test_display import (
    FIGURES,
    IMPORTS,
    STOPPED,
    assert_a_stop_is_answered_in_one_sentence,
    pictures,
    run,
    stop_at_once,
)

from helpers.files import COURSE
from tools import notebooks

pytestmark = pytest.mark.skipif(
    not demo.COLAB_PYTHON, reason="COURSE_COLAB_PYTHON is not set (see tests/colab_environment.py)"
)
FOUND = """
import json
from importlib.metadata import version

import IPython
import torch

versions = {{name: version(name) for name in {names}}}
print(json.dumps({{"IPython": IPython.__file__, "torch": torch.__file__, **versions}}))
"""
DRAW = """
import numpy as np
from helpers.files import CourseError
from helpers.widgets import player

def draw(x):
    if x == 2:
        raise CourseError("move x away from 2")
    return np.full((2, 2), x / 255)

game = player(draw, {"go": lambda x: None}, {"x": (0, 5, 1, 1)}, play="go")
"""


@pytest.fixture(autouse=True)
def colab(tmp_path, monkeypatch):
    """The kernel that notebooks ask for, python3, is that of the environment with Colab's versions."""
    command = [demo.COLAB_PYTHON, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = tmp_path / "kernels" / "python3"
    kernel.mkdir(parents=True)
    specification = {"argv": command, "display_name": "Colab's versions", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(specification), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))


def test_the_environment_has_colabs_versions_and_a_borrowed_torch():
    lines = colab_environment.CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    wanted = {r.name: str(r.specifier) for r in map(Requirement, filter(None, (line.split("#")[0] for line in lines)))}
    ((output,),) = run(COURSE, FOUND.format(names=list(wanted)))
    found = json.loads(output.text)
    environment = os.path.dirname(os.path.dirname(demo.COLAB_PYTHON))
    assert found.pop("IPython").startswith(environment)
    assert not found.pop("torch").startswith(environment)
    assert {name: f"=={version}" for name, version in found.items()} == wanted


def test_figures_films_and_the_live_curve_have_their_words():
    _, *shown = run(COURSE, IMPORTS, *FIGURES.values())
    for expected, outputs in zip(FIGURES, shown, strict=True):
        ((_, words),) = pictures(outputs)
        assert words.startswith(expected)


def test_an_error_of_a_slider_is_shown_and_the_next_success_clears_it():
    move = "game.controls['x'].value = 2\nprint(game.note.value)\ngame.buttons['go'].click()\nprint(game.problem)"
    away = "game.controls['x'].value = 3\nprint(repr(game.note.value + game.problem))"
    *_, wrong, right = run(COURSE, DRAW, move, away)
    assert wrong[0].text.count("move x away from 2") == 2
    assert right[0].text == "''\n"


def test_a_stopped_training_says_what_became_of_it():
    assert_a_stop_is_answered_in_one_sentence(stop_at_once(STOPPED))


@pytest.mark.slow
@pytest.mark.parametrize("path", notebooks.lessons(), ids=lambda path: path.stem)
def test_a_lesson_runs_without_training_on_a_gpu(path):
    """The GPU is the emulated one: who opens a lesson in Colab may have taken one."""
    notebook = demo.prepared(path, on_device=AVAILABLE)
    notebooks.execute(notebook, path.parent, timeout=300)
    demo.check(notebook, [output for cell in notebook.cells for output in cell.get("outputs", [])])


@pytest.mark.slow
def test_a_lesson_trains():
    (path,) = notebooks.lessons("start_here")
    notebook = notebooks.fresh(path)
    notebooks.execute(notebook, path.parent, timeout=300)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    assert any("start_here_fashion: 300 steps" in words for _, words in pictures(outputs))
