"""Seeds, and the progress bar: what it yields, what it shows, and that one figure stays behind."""

import base64
import random
from contextlib import nullcontext
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

from helpers import store, training
from helpers.files import COURSE
from helpers.training import GroupNorm, bf16_autocast, get_device, one_cycle, progress, set_seed
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


@pytest.mark.parametrize("seed", [np.int64(3), np.uint8(3), torch.tensor(3)])
def test_a_whole_number_of_any_kind_is_a_seed(seed):
    set_seed(3)
    first = draw()
    set_seed(seed)
    assert draw() == first


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "1", None, True, np.True_, np.float64(3)])
def test_a_seed_that_is_no_small_whole_number_is_refused(seed, refuses):
    with refuses(f"seed is {seed!r}", "whole number from 0"):
        set_seed(seed)


@pytest.mark.parametrize(("cuda", "kind"), [(True, "cuda"), (False, "cpu")])
def test_the_device_is_cuda_where_there_is_one(cuda, kind, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    assert get_device().type == kind


# Bfloat16 where the machine has it


@pytest.mark.parametrize("able", [True, False])
@pytest.mark.parametrize("kind", ["cuda", "cpu"])
def test_layers_compute_in_bfloat16_only_where_the_device_can(kind, able, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: able)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: able, raising=False)
    monkeypatch.setattr(torch, "autocast", lambda *arguments: nullcontext(arguments))
    with bf16_autocast(torch.device(kind)) as chosen:
        assert chosen == ((kind, torch.bfloat16) if able else None)


@pytest.mark.parametrize("kind", ["mps", "xpu", "privateuseone", "meta"])
@pytest.mark.filterwarnings("error")
def test_on_other_devices_everything_is_computed_as_always(kind):
    with bf16_autocast(torch.device(kind)):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.float32


def test_a_torch_that_cannot_tell_computes_as_always(monkeypatch):
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    with bf16_autocast(torch.device("cpu")):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.float32


# A learning rate that climbs and falls


def rates(make, steps):
    """The learning rate and the momentum of each step under the schedule that `make(optimizer)` returns."""
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    schedule = make(optimizer)
    found = []
    for _ in range(steps):
        found.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["betas"][0]))
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize("warmup", [0.0, 0.05, 0.1, 0.3, 0.5])
def test_one_cycle_is_torchs_own_wherever_that_works(warmup):
    broken = []
    for steps in range(1, 201):
        ours = rates(lambda optimizer, n=steps: one_cycle(optimizer, 0.01, n, warmup), steps)
        assert np.isfinite(ours).all()
        assert max(lr for lr, _ in ours) <= 0.01 * (1 + 1e-9)
        try:
            torchs = rates(
                lambda optimizer, n=steps: OneCycleLR(optimizer, 0.01, total_steps=n, pct_start=warmup), steps
            )
        except ZeroDivisionError:
            broken.append(steps)
        else:
            assert ours == torchs
    assert broken == [steps for steps in range(1, 201) if warmup * steps == 1], "else one_cycle is needed no more"


def test_a_climb_of_one_step_starts_below_and_is_near_the_top_next():
    (first, _), (second, _), *_ = rates(lambda optimizer: one_cycle(optimizer, 0.01, 10, 0.1), 10)
    assert first == pytest.approx(0.01 / 25)
    assert second == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("steps", [0, -1, 2.5, "10", None, True])
def test_one_cycle_needs_a_number_of_steps(steps, refuses):
    with refuses(f"steps is {steps!r}", "whole number from 1"):
        rates(lambda optimizer: one_cycle(optimizer, 0.01, steps), 1)


@pytest.mark.parametrize("warmup", [-0.1, 1, 1.5, float("nan")])
def test_one_cycle_cannot_only_climb(warmup, refuses):
    with refuses(f"warmup is {warmup!r}", "from 0 to below 1"):
        rates(lambda optimizer: one_cycle(optimizer, 0.01, 10, warmup), 1)


@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_torchs_cosine_needs_no_such_care(steps):
    found = rates(lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps), steps)
    assert np.isfinite(found).all()


# Outside a notebook


@pytest.mark.parametrize("losses", [[], {"generator": [], "discriminator": []}])
def test_progress_yields_every_batch_in_order(losses):
    assert list(progress("abc", losses)) == ["a", "b", "c"]


def test_batches_without_a_length_are_refused_before_the_first_step(refuses):
    with refuses("generator", "range(steps)"):
        next(progress((x for x in "abc"), []))


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

        def show(self, png, words):
            self.pictures.append(png)

    monkeypatch.setattr(training, "in_notebook", lambda: True)
    monkeypatch.setattr(training, "LivePicture", Recorder)
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


@pytest.mark.parametrize("losses", [[], {"generator": [], "discriminator": []}])
@pytest.mark.parametrize("steps", [0, 1, 2, 3])
@pytest.mark.filterwarnings("error")
def test_few_steps_or_none_leave_a_picture_too(notebook, steps, losses):
    curves = losses.values() if isinstance(losses, dict) else [losses]
    for _ in progress(range(steps), losses, marks={"baseline": 0.5}, every=0):
        for values in curves:
            values.append(1.0)
        notebook.clock += 1
    (pictures,) = notebook.displays
    assert len(pictures) == steps + 1
    assert pictures[-1].startswith(PNG)


def test_the_last_title_says_how_many_steps(notebook, titles):
    for _ in progress(range(1200), [], title="my loss", every=1e9):
        notebook.clock += 0.1
    assert titles == ["my loss: 1,200 steps"]


def test_break_leaves_a_figure_that_says_interrupted(titles):
    for step in progress(range(10), []):
        if step == 2:
            break
    assert len(titles) == 1
    assert "3 steps" in titles[0]
    assert "interrupted before 10" in titles[0]


@pytest.mark.parametrize(("dtype", "atol"), [(torch.float32, 1e-6), (torch.float64, 1e-12), (torch.bfloat16, 0.03)])
def test_groups_are_normed_in_the_precision_of_their_input(dtype, atol):
    set_seed(0)
    ours, theirs = GroupNorm(2, 8), nn.GroupNorm(2, 8).double()
    nn.init.normal_(ours.weight)
    theirs.load_state_dict(ours.state_dict())
    if dtype == torch.float64:
        ours.double()
    x = 3 + torch.randn(4, 8, 5, 5).to(dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        y = ours(x)
    assert y.dtype == dtype
    torch.testing.assert_close(y.double(), theirs(x.double()), rtol=0.02 if atol > 0.01 else 0, atol=atol)


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


def test_a_curve_is_called_after_the_network_that_is_trained(titles):
    def fit(net, data, steps, seed, title=None):
        losses = []
        for _ in progress(range(steps), losses, title=title):
            losses.append(1.0)
        return {"loss": losses}

    data = SimpleNamespace(name="fashion")
    for options in ({}, {"title": "one of many"}):
        store.train_or_load("tiny", fit, nn.Linear(1, 1), data, 2, 0, **options)
    list(progress(range(2), []))
    assert [title.split(":")[0] for title in titles] == ["tiny_fashion", "one of many", "training loss"]


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


def test_a_loss_that_is_no_number_is_answered_with_a_sentence(notebook, refuses):
    losses = []
    with refuses("the loss of step 1 has shape (3,)"):
        for _ in progress(range(3), losses):
            losses.append(torch.ones(3))


def test_a_loss_that_became_nan_is_said_in_the_words_of_the_picture():
    _, words = training.curve([1.0, 0.5, float("nan")], None, "training loss: 3 steps")
    assert "training loss: 3 steps" in words and "nan since step 3" in words


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
