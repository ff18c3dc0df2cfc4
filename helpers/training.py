"""Device, seed, and a progress bar with a live loss curve that leaves one clean figure behind."""

import io
import random
import time

import numpy as np
import torch
from matplotlib.figure import Figure

from helpers import plotting
from helpers.captions import describe, in_notebook
from helpers.files import CourseError


def pick_device():
    """The CUDA device if there is one, else the CPU (at this size Apple's GPU is no faster than its CPU)."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fast_math(device):
    """A context that lets layers compute in bfloat16 where `device` has instructions for it, and else changes nothing.

    Sums, losses and weights stay float32. On processors that have them it is nearly twice as fast.
    """
    if device.type == "cuda":
        able = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()  # a torch that cannot tell: no
    return torch.autocast(device.type, torch.bfloat16, enabled=able)


def set_seed(seed):
    """Start every random generator that the course uses (Python, NumPy, torch on all devices) from `seed`."""
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise CourseError(f"seed is {seed!r}; choose a whole number from 0 to 4294967295")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def progress(batches, losses, marks=None, title="training loss", every=1.0):
    """Yield from `batches` (which has a length) and draw `losses` while the loop body fills it.

    losses: a list that grows by one number a step, or {name: such a list}. marks: {label: height} of lines to
    compare with. Redrawn every `every` seconds at most; the last picture stays as one figure, also when the loop is
    interrupted. Outside a notebook it only yields.
    """
    canvas = LiveFigure() if in_notebook() else None
    started = shown = time.perf_counter()
    pause = every
    step = 0
    try:
        for step, batch in enumerate(batches, start=1):
            yield batch
            now = time.perf_counter()
            if canvas and now - shown >= pause:
                left = (now - started) / step * (len(batches) - step)
                state = f"{title}: step {step:,} of {len(batches):,}, about {left:.0f} s left"
                canvas.show(*curve(losses, marks, state))
                shown = time.perf_counter()
                pause = max(every, 20 * (shown - now))  # drawing takes 5 % of the time at most
    finally:
        if canvas:
            seconds = time.perf_counter() - started
            cut = "" if step == len(batches) else f", interrupted before {len(batches):,}"
            canvas.show(*curve(losses, marks, f"{title}: {step:,} steps in {seconds:.0f} s{cut}"))


def curve(losses, marks, title):
    """What `progress` shows: a PNG (bytes) of the loss curve, and its words."""
    figure = Figure(figsize=(6, 2.4), layout="constrained")
    plotting.plot_losses(losses, marks, title, ax=figure.subplots())
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue(), describe(figure)


class LiveFigure:
    """One picture in the cell's output that is replaced in place (JupyterLab, Colab, nbconvert)."""

    def __init__(self):
        self.handle = None

    def show(self, png, alt):
        from IPython.display import Image, display

        if self.handle is None:
            self.handle = display(Image(png, alt=alt), display_id=True)
        else:
            self.handle.update(Image(png, alt=alt))
