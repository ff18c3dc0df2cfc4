"""Device, seed, and a progress bar with a live loss curve that leaves one clean figure behind."""

import io
import random
import time
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import nn

from helpers import plotting
from helpers.arguments import checked_seed, whole_number
from helpers.captions import LivePicture, describe, in_notebook
from helpers.files import CourseError


def get_device():
    """The CUDA device if there is one, else the CPU (at this size Apple's GPU is no faster than its CPU)."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def bf16_autocast(device):
    """A context that lets layers compute in bfloat16 where `device` has instructions for it, and else changes nothing.

    Sums, losses and weights stay float32. On processors that have them it is nearly twice as fast. It belongs around
    one step, never around a training: autocast keeps rounded copies of the weights as long as its context lasts.
    """
    if device.type == "cuda":
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        able = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()  # a torch that cannot tell: no
    else:
        able = False  # nobody measured there whether it pays
    return torch.autocast(device.type, torch.bfloat16) if able else nullcontext()


class GroupNorm(nn.GroupNorm):
    """`nn.GroupNorm` in the precision of its input (N, C, ...), where autocast would go back to float32.

    Within `bf16_autocast` that saves an eighth of the time of lesson 09's network on a processor that has bfloat16.
    """

    def forward(self, x):
        if x.dtype == self.weight.dtype:
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
            return F.group_norm(x, self.num_groups, weight, bias, self.eps)


def set_seed(seed):
    """Start every random generator that the course uses (Python, NumPy, torch on all devices) from `seed`."""
    number = checked_seed(seed)
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


def one_cycle(optimizer, max_lr, steps, warmup=0.3):
    """torch's OneCycleLR for `steps` steps: the learning rate climbs to `max_lr`, then falls to nearly nothing.

    warmup: the part of all steps that climbs, from 0 to below 1. Call `.step()` after each step of `optimizer`.
    """
    number = whole_number(steps)
    if number is None or number < 1:
        raise CourseError(f"steps is {steps!r}; a learning rate that climbs and falls needs a whole number from 1 on")
    if not 0 <= warmup < 1:
        raise CourseError(f"warmup is {warmup!r}; give the part of all steps that climbs, from 0 to below 1")
    if warmup * number == 1:  # a climb of exactly one step: torch divides its length minus one by itself
        warmup *= 1 + 1e-9
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr, total_steps=number, pct_start=float(warmup))


curve_title = ContextVar("curve_title", default="training loss")


@contextmanager
def titled(title):
    """Within it, `progress` calls its curves `title` unless it is told another."""
    token = curve_title.set(title)
    try:
        yield
    finally:
        curve_title.reset(token)


def progress(batches, losses, marks=None, title=None, every=1.0):
    """Yield from `batches` (which has a length) and draw `losses` while the loop body fills it.

    losses: a list that grows by one number a step, or {name: such a list}. marks: {label: height} of lines to
    compare with. title: if there is none, the name of the network that `train_or_load` trains. Redrawn every `every`
    seconds at most; the last picture stays as one figure, also when the loop is interrupted. Outside a notebook it
    only yields.
    """
    try:
        total = len(batches)
    except TypeError as error:  # said now, not at the first redraw
        kind = type(batches).__name__
        raise CourseError(f"progress got a {kind}, which has no length; give it a list or range(steps)") from error
    title = curve_title.get() if title is None else title
    canvas = LivePicture() if in_notebook() else None
    started = shown = time.perf_counter()
    pause = every
    step = 0
    try:
        for step, batch in enumerate(batches, start=1):
            yield batch
            now = time.perf_counter()
            if canvas and now - shown >= pause:
                left = (now - started) / step * (total - step)
                state = f"{title}: step {step:,} of {total:,}, about {left:.0f} s left"
                canvas.show(*curve(losses, marks, state))
                shown = time.perf_counter()
                pause = max(every, 20 * (shown - now))  # drawing takes 5 % of the time at most
    finally:
        if canvas:
            cut = "" if step == total else f", interrupted before {total:,}"
            canvas.show(*curve(losses, marks, f"{title}: {step:,} steps{cut}"))


def curve(losses, marks, title):
    """What `progress` shows: a PNG (bytes) of the loss curve, and its words."""
    figure = Figure(figsize=(6, 2.4), layout="constrained")
    plotting.plot_losses(losses, marks, title, ax=figure.subplots())
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue(), describe(figure)
