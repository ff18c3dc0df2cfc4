"""What a class runs: a lesson without training, with one cell more that moves every control; and what it should say."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import nbformat

from helpers.files import COURSE
from tools import notebooks

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
BROWSER = bool(CHROMIUM and find_spec("playwright"))  # whether this machine can show JupyterLab to the tests
COLAB_PYTHON = os.environ.get("COURSE_COLAB_PYTHON", "")  # of an environment with Colab's versions
CALLS = ("sliders(", "player(", "prompt(")  # what makes a picture with controls
MOVE_EVERYTHING = """
def move_everything():  # a function, so that no name of the lesson is changed
    import gc
    from helpers.exercises.quiz import Question
    from helpers.widgets import Explorer, Player, Prompt

    explorers = [thing for thing in gc.get_objects() if type(thing) in (Explorer, Player, Prompt)]
    for explorer in explorers:
        for name, control in explorer.controls.items():
            before, pictures = control.value, set()
            options = getattr(control, "options", None) or (control.min, control.max)
            for value in options[:: len(options) - 1] if type(explorer) is Prompt else options:  # it draws for seconds
                control.value = value
                assert explorer.problem == "", f"{name!r} at {value}: {explorer.problem}"
                pictures.add(explorer.picture.value)
            control.value = before
            assert len(pictures) > 1 or isinstance(explorer, Player), f"{name!r} changes nothing"
        for label, button in explorer.buttons.items() if isinstance(explorer, Player) else ():
            before = explorer.picture.value
            button.click()
            assert explorer.problem == "", f"{label!r}: {explorer.problem}"
            assert explorer.picture.value != before, f"{label!r} changes nothing"
    for question in [thing for thing in gc.get_objects() if issubclass(type(thing), Question)]:
        for button in question.buttons:
            button.click()
            assert question.problem == "" != question.reply.value, f"{button.description!r}: {question.problem}"
    return len(explorers)

print(f"moved {move_everything()} pictures")
"""
ON_DEVICE = f"""
import sys

sys.path[:0] = {[str(COURSE), str(Path(__file__).parent)]}

from second_device import second_device

from helpers import training

emulation = second_device()  # kept, so that the device lasts as long as the kernel
emulated = emulation.__enter__()
training.get_device = lambda: emulated
"""
WAS_ON_DEVICE = "assert device == emulated and train.images.device == test.images.device == emulated"


def prepared(path, on_device=False):
    """The lesson as a class runs it, and the cell that moves every control; on the emulated device, if wanted."""
    notebook = notebooks.fresh(path, steps=0)
    before, after = ([ON_DEVICE], [WAS_ON_DEVICE]) if on_device else ([], [])
    notebook.cells[:0] = map(nbformat.v4.new_code_cell, before)
    notebook.cells += map(nbformat.v4.new_code_cell, [MOVE_EVERYTHING, *after])
    return notebook


def check(notebook, outputs):
    """Assert that the outputs of a prepared notebook, as nbformat has them, show no error and only the course's own."""
    printed = "".join("".join(output["text"]) for output in outputs if output.get("name") == "stdout")
    wrong = [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    assert not wrong, "\n".join(str(o.get("text") or f"{o['ename']}: {o['evalue']}") for o in wrong)
    silent = [o for o in outputs if "image/png" in o.get("data", {}) and not o["metadata"]["image/png"].get("alt")]
    assert not silent, f"{len(silent)} pictures without an alternative text"
    assert "shipped with the course" in printed
    assert "your own" not in printed
    widgets = sum(any(call in cell.source for call in CALLS) for cell in notebook.cells)
    assert f"moved {widgets} pictures" in printed
