"""Display settings that the course did not choose: pictures come out all the same, dark on white, with their words.

Each test runs a kernel with such a setting, and in it what every lesson does: the setup cell, the imports, figures.
"""

import base64
import io
import sys

import nbformat
import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel
from PIL import Image

from helpers.files import COURSE
from tools import notebooks

SETUP = next(cell.source for cell in notebooks.read(notebooks.paths()[0]).cells if cell.cell_type == "code")
IMPORTS = "import matplotlib.pyplot as plt\nfrom helpers import plotting\nplotting.use_style()"
FIGURES = {  # the words of a picture: the cell that shows it
    "by show": "ax = plotting.new_axes(3, 2)\nax.set_title('by show')\nplt.show()",
    "at the end": "ax = plotting.plot_losses([3.0, 2.0], title='at the end')",
    "training loss: 2 steps": (
        "from helpers.training import progress\n"
        "losses = []\n"
        "for _ in progress(range(2), losses):\n"
        "    losses.append(1.0)"
    ),
    "a film": "from helpers.captions import show_png\nshow_png(plotting.to_film([[[0.0]], [[1.0]]]), 'a film')",
}
FORMATS = "%config InlineBackend.figure_formats = {}"
DARK = """
text.color: white
axes.labelcolor: white
xtick.color: white
ytick.color: white
axes.edgecolor: white
axes.facecolor: black
figure.facecolor: black
savefig.facecolor: black
"""
ELSEWHERE = "text.usetex: True\nfont.family: no such font\nbackend: TkAgg\nfigure.dpi: 20\nsavefig.transparent: True\n"


def run(folder, *cells):
    """Run cells in a kernel, after the setup cell; returns the outputs of each, and asserts that none is an error."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (SETUP, *cells)])
    notebooks.execute(notebook, folder, timeout=120)
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    return [cell.outputs for cell in notebook.cells[1:]]


def pictures(outputs, kind="image/png"):
    """[(picture, its words)] of this type among the outputs of a cell."""
    shown = [output for output in outputs if kind in output.get("data", {})]
    return [(output.data[kind], output.metadata[kind]["alt"]) for output in shown]


def assert_dark_on_white(picture):
    """Assert that a PNG or JPEG in base64 has a white rim, and something dark in it."""
    grey = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGBA").convert("L"))
    rim = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    assert (rim > 250).all(), "the paper is not white"
    assert grey.min() < 120, "nothing dark is on the paper"


@pytest.mark.parametrize(
    ("environment", "settings", "first"),
    [
        ({"MPLBACKEND": "agg"}, "", ""),
        ({"MPLBACKEND": "TkAgg", "PYTHONOPTIMIZE": "1"}, "", ""),
        ({}, DARK, ""),
        ({}, ELSEWHERE, ""),
        ({}, "", "import matplotlib.pyplot as plt\nplt.style.use('dark_background')\nplt.switch_backend('svg')"),
    ],
    ids=["agg", "TkAgg and python -O", "dark", "usetex and a missing font", "chosen in a cell before"],
)
def test_figures_show_dark_on_white(environment, settings, first, tmp_path, monkeypatch):
    (tmp_path / "matplotlibrc").write_text(settings, encoding="utf-8")
    for name, value in {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), **environment}.items():
        monkeypatch.setenv(name, value)
    for expected, outputs in zip(
        FIGURES, run(COURSE / "notebooks", first, IMPORTS, *FIGURES.values())[2:], strict=True
    ):
        ((picture, words),) = pictures(outputs)
        assert words.startswith(expected)
        if expected != "a film":
            assert_dark_on_white(picture)


@pytest.mark.parametrize(
    ("formats", "kinds", "when"),
    [
        (["svg"], ["image/svg+xml"], "before"),
        (["svg"], ["image/svg+xml"], "after"),
        (["retina"], ["image/png"], "after"),
        (["png", "svg"], ["image/png", "image/svg+xml"], "before"),
        (["jpeg"], ["image/jpeg"], "before"),
    ],
    ids=["svg before", "svg after", "retina", "png and svg", "jpeg"],
)
def test_every_format_of_figures_carries_its_words(formats, kinds, when):
    chosen = [FORMATS.format(formats), IMPORTS] if when == "before" else [IMPORTS, FORMATS.format(formats)]
    _, _, *shown, curve, film = run(COURSE, *chosen, *FIGURES.values())
    for expected, outputs in zip(FIGURES, shown, strict=False):
        for kind in kinds:
            ((_, words),) = pictures(outputs, kind)
            assert words.startswith(expected)
        if "retina" in formats:
            about = outputs[-1].metadata["image/png"]
            assert about["width"] == Image.open(io.BytesIO(base64.b64decode(outputs[-1].data["image/png"]))).width // 2
    assert len(pictures(curve)) == len(pictures(film)) == 1, "the course's own pictures are PNGs whatever is chosen"


@pytest.mark.parametrize("folder", [COURSE, COURSE / "notebooks" / "solutions"], ids=lambda folder: folder.name)
def test_the_kernel_may_start_in_the_course_or_below(folder):
    *_, outputs = run(folder, IMPORTS, FIGURES["by show"])
    assert [words for _, words in pictures(outputs)] == ["by show"]


STOPPED = """
import time
from types import SimpleNamespace

import torch

from helpers.training import progress
from helpers.store import train_or_load

def fit(model, data, steps, seed):
    losses = []
    for step in progress(range(steps), losses, every=0.1):
        losses.append(1 / (1 + step))
        time.sleep(0.01)
        print("training", flush=True) if step == 20 else None
    return {"loss": losses}

train_or_load("stopped", fit, torch.nn.Linear(1, 1), SimpleNamespace(name="toy"), 10_000, seed=0)
"""


def stop_at_once(source):
    """Run a cell in a kernel and press stop as soon as it has printed something; returns the messages that it sent."""
    manager, client = start_new_kernel(kernel_name="python3", cwd=COURSE)
    messages = []

    def note(message):
        messages.append(message)
        if message["msg_type"] == "stream":
            manager.interrupt_kernel()

    try:
        client.execute_interactive(source, timeout=60, output_hook=note)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return messages


def assert_a_stop_is_answered_in_one_sentence(messages):
    """Assert that a stopped training leaves its curve and one sentence, without a traceback."""
    (error,) = [message["content"] for message in messages if message["msg_type"] == "error"]
    assert error["ename"] == "Interrupted"
    (line,) = error["traceback"]
    assert "stopped half-way; nothing was saved" in line
    curves = [m["content"] for m in messages if m["msg_type"] in ("display_data", "update_display_data")]
    assert "interrupted before 10,000" in curves[-1]["metadata"]["image/png"]["alt"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows' kernels are stopped in another way")
def test_a_stopped_training_says_what_became_of_it():
    assert_a_stop_is_answered_in_one_sentence(stop_at_once(STOPPED))
