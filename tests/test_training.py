"""Seeds, and the progress bar: what it yields, what it shows, and that one figure stays behind."""

import base64
import random
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import torch

from helpers import training
from helpers.files import COURSE
from helpers.training import fast_math, pick_device, progress, set_seed
from tools import notebooks

PNG = b"\x89PNG\r\n\x1a\n"


# Seed and device


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_the_same_seed_starts_every_generator_again():
    set_seed(3)
    first = draw()
    set_seed(3)
    assert draw() == first
    set_seed(4)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", None])
def test_a_seed_that_is_no_small_whole_number_is_refused(seed, refuses):
    with refuses(f"seed is {seed!r}", "whole number from 0"):
        set_seed(seed)


@pytest.mark.parametrize(("cuda", "kind"), [(True, "cuda"), (False, "cpu")])
def test_the_device_is_cuda_where_there_is_one(cuda, kind, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    assert pick_device().type == kind


# Bfloat16 where the machine has it


@pytest.mark.parametrize("able", [True, False])
@pytest.mark.parametrize("kind", ["cuda", "cpu"])
def test_layers_compute_in_bfloat16_only_where_the_device_can(kind, able, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: able)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: able, raising=False)
    monkeypatch.setattr(torch, "autocast", lambda *arguments, enabled: (*arguments, enabled))
    assert fast_math(torch.device(kind)) == (kind, torch.bfloat16, able)


def test_a_torch_that_cannot_tell_computes_as_always(monkeypatch):
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    with fast_math(torch.device("cpu")):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.float32


# Outside a notebook


@pytest.mark.parametrize("losses", [[], {"generator": [], "discriminator": []}])
def test_progress_yields_every_batch_in_order(losses):
    assert list(progress("abc", losses)) == ["a", "b", "c"]


def test_outside_a_notebook_nothing_is_drawn_or_printed(monkeypatch, capsys):
    monkeypatch.setattr(training, "curve", lambda *arguments: pytest.fail("drew a curve"))
    list(progress("abc", [1.0], every=0))
    assert capsys.readouterr() == ("", "")


# In a notebook, which is faked here


@pytest.fixture
def notebook(monkeypatch):
    """A fake notebook: `.displays` lists the pictures of each display; `.clock` is the time in seconds."""
    fake = SimpleNamespace(displays=[], clock=0.0)

    class Recorder:
        def __init__(self):
            self.pictures = []
            fake.displays.append(self.pictures)

        def show(self, png, alt):
            self.pictures.append(png)

    monkeypatch.setattr(training, "in_notebook", lambda: True)
    monkeypatch.setattr(training, "LiveFigure", Recorder)
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: fake.clock))
    return fake


@pytest.fixture
def titles(notebook, monkeypatch):
    """The titles of the pictures, in the order in which they were shown; none is really drawn."""
    shown = []
    monkeypatch.setattr(training, "curve", lambda losses, marks, title: [shown.append(title), title])
    return shown


@pytest.mark.parametrize("losses", [[], {"generator": [], "discriminator": []}])
def test_the_last_picture_is_a_png_on_the_only_display(notebook, losses):
    curves = losses.values() if isinstance(losses, dict) else [losses]
    for _ in progress(range(3), losses, marks={"baseline": 0.5}):
        for values in curves:
            values.append(1.0)
    (pictures,) = notebook.displays
    assert pictures[-1].startswith(PNG)


def test_the_last_title_says_how_many_steps_in_how_many_seconds(notebook, titles):
    for _ in progress(range(1200), [], title="my loss", every=1e9):
        notebook.clock += 0.1
    assert titles == ["my loss: 1,200 steps in 120 s"]


def test_break_leaves_a_figure_that_says_interrupted(titles):
    for step in progress(range(10), []):
        if step == 2:
            break
    assert len(titles) == 1
    assert "3 steps" in titles[0]
    assert "interrupted before 10" in titles[0]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_in_the_loop_leaves_a_figure_and_is_raised(titles, error):
    with pytest.raises(error):
        for _ in progress(range(10), []):
            raise error
    assert len(titles) == 1
    assert "interrupted" in titles[0]


def test_an_error_while_the_next_batch_is_made_leaves_a_figure(titles):
    class Broken(list):
        def __iter__(self):
            yield 0
            raise OSError

    with pytest.raises(OSError):
        list(progress(Broken(range(3)), []))
    assert "interrupted before 3" in titles[-1]


def test_redraws_come_at_most_every_so_many_seconds(notebook, titles):
    for _ in progress(range(100), [], every=2.0):
        notebook.clock += 0.125
    assert len(titles) == 100 // 16 + 1  # every 16 steps are 2 s; and the last picture


def test_a_redraw_tells_how_long_it_will_take(notebook, titles):
    for _ in progress(range(40), []):
        notebook.clock += 0.5
    assert titles[0] == "training loss: step 2 of 40, about 19 s left"


def test_slow_drawing_takes_at_most_5_percent_of_the_time(notebook, monkeypatch):
    def slow_curve(*arguments):
        notebook.clock += 0.5
        return PNG, "a curve"

    monkeypatch.setattr(training, "curve", slow_curve)
    for _ in progress(range(1000), []):
        notebook.clock += 0.125
    assert notebook.clock < 1.06 * 1000 * 0.125
    assert len(notebook.displays[0]) > 10


def test_a_loss_that_was_not_made_a_number_is_drawn_all_the_same(notebook):
    losses = []
    for _ in progress(range(3), losses):
        losses.append(torch.tensor(1.0))
    assert notebook.displays[0][-1].startswith(PNG)


def test_a_loss_with_its_graph_still_on_it_is_drawn_all_the_same(notebook):
    losses = []
    for _ in progress(range(3), losses):
        losses.append(torch.tensor(1.0, requires_grad=True))
    assert notebook.displays[0][-1].startswith(PNG)


# In a real kernel


def test_a_real_notebook_keeps_one_png_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(COURSE))
    cell = """
        import time
        from helpers.training import progress
        losses = []
        for step in progress(range(40), losses, every=0.05):
            losses.append(1 / (1 + step))
            time.sleep(0.01)
        """
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    notebooks.execute(notebook, tmp_path, timeout=120)
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert set(output.data) <= {"image/png", "text/plain"}
    assert base64.b64decode(output.data["image/png"]).startswith(PNG)
    assert "widgets" not in notebook.metadata
