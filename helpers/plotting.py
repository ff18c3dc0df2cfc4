"""Figures in one style: image grids, rows and film strips, loss curves, maps of codes, densities and arrows.

Every function takes an optional `ax` and returns it. Images are tensors (N, 1, H, W) or (N, H, W); the value range
is stated (`low`, `high`), never guessed.
"""

import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image

from helpers.captions import caption_figures
from helpers.files import CourseError

# Okabe and Ito's colours, distinguishable by colour-blind readers, and two greys to make ten.
COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#B8A800", "#000000", "#8C8C8C", "#5E4FA2",
)  # fmt: skip
BEHIND = {"bbox": {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.5}}  # under words on a curve
PAPER = 1.0  # what the gap between images is filled with, after inversion: white


def use_style():
    """Set the course's look for all figures that follow; in a notebook they also carry a description."""
    caption_figures()
    mpl.rcParams.update(
        {
            "axes.prop_cycle": mpl.cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "figure.constrained_layout.use": True,
            "figure.dpi": 100,
            "figure.figsize": (6, 3.2),
            "figure.facecolor": "white",
            "font.size": 10,
            "image.cmap": "gray_r",
            "legend.frameon": False,
        }
    )


def as_pixels(images, low=0.0, high=1.0):
    """Images as a float array (N, H, W) from 0 (ink: the value `high`) to 1 (paper: the value `low`)."""
    if not low < high:
        raise CourseError(f"the value range runs from low = {low} to high = {high}; low should be below high")
    array = torch.as_tensor(images).detach().cpu().float()
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 3:
        raise CourseError(f"images have shape {tuple(array.shape)}; it should be (N, 1, H, W) or (N, H, W)")
    return 1 - ((array - low) / (high - low)).clamp(0, 1).numpy()


def compose(images, columns, gap=2, low=0.0, high=1.0):
    """One array (H, W) with the images in rows of `columns`, `gap` pixels of white between them."""
    pixels = as_pixels(images, low, high)
    n, height, width = pixels.shape
    if n < 1 or columns < 1:
        raise CourseError(f"a sheet needs one or more images in one or more columns, not {n} in {columns}")
    rows = -(-n // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), PAPER, dtype=np.float32)
    for i, picture in enumerate(pixels):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def to_png(sheet, zoom=1):
    """PNG bytes of an array (H, W) or (H, W, 3) with values from 0 (black) to 1 (white), enlarged `zoom` times."""
    picture = Image.fromarray((np.clip(sheet, 0, 1) * 255).round().astype(np.uint8))
    picture = picture.resize((picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    picture.save(buffer, "png", compress_level=1)
    return buffer.getvalue()


def to_film(sheets, zoom=1, seconds=0.25):
    """Bytes of an animated PNG: arrays as for `to_png`, one after the other, `seconds` each, again and again."""
    first, *others = (Image.open(io.BytesIO(to_png(sheet, zoom))) for sheet in sheets)
    buffer = io.BytesIO()
    first.save(buffer, "png", save_all=True, append_images=others, duration=round(1000 * seconds), loop=0)
    return buffer.getvalue()


def new_axes(width, height):
    """Fresh axes of a new figure, at most seven inches wide."""
    return plt.subplots(figsize=(min(width, 7), height))[1]


def show_grid(images, columns=10, title="", low=0.0, high=1.0, ax=None):
    """Images in rows of `columns`."""
    return show_rows({"": images}, title=title, low=low, high=high, ax=ax, columns=columns)


def show_rows(rows, labels=(), title="", low=0.0, high=1.0, ax=None, columns=None):
    """Labelled rows of images under each other: {label: images}, for before and after; a film strip has one row.

    labels: words under the columns, one for each or none.
    """
    if columns is None:
        columns = max(len(images) for images in rows.values())
    if len(labels) not in (0, columns):
        raise CourseError(f"there are {len(labels)} labels for {columns} columns; give one for each, or none")
    sheets = [compose(images, columns, low=low, high=high) for images in rows.values()]
    gap = np.full((4, sheets[0].shape[1]), PAPER, dtype=np.float32)
    sheet = np.concatenate([part for s in sheets for part in (s, gap)][:-1])
    if ax is None:
        beside = 0.2 + 0.08 * max(map(len, rows))  # inches for the words on the left
        scale = min(0.02, (7 - beside) / sheet.shape[1])  # inches for a pixel
        ax = new_axes(beside + scale * sheet.shape[1], scale * sheet.shape[0] + 0.35 + 0.25 * bool(labels))
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    middles = np.cumsum([0] + [len(s) + 4 for s in sheets[:-1]]) + np.array([len(s) / 2 for s in sheets])
    ax.set_yticks(middles if any(rows) else [], list(rows) if any(rows) else [])
    width = (sheet.shape[1] + 2) / columns
    ax.set_xticks([width * (i + 0.5) - 1 for i in range(len(labels))], labels)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(title)
    return ax


def plot_losses(losses, marks=None, title="", ylabel="loss", ax=None):
    """Loss against step on a logarithmic axis: every step faint, the running mean bold, `marks` {label: height}.

    losses: a list of numbers, or {name: list} for several curves.
    """
    ax = new_axes(6, 2.4) if ax is None else ax
    for name, values in (losses if isinstance(losses, dict) else {"": losses}).items():
        values = np.array([torch.as_tensor(value).item() for value in values], dtype=float)
        steps = np.arange(1, len(values) + 1)
        (faint,) = ax.plot(steps, values, alpha=0.3, linewidth=0.8)
        window = max(1, len(values) // 40)
        if len(values) >= window:
            mean = np.convolve(values, np.ones(window) / window, mode="valid")
            ax.plot(steps[window - 1 :], mean, color=faint.get_color(), label=name, linewidth=1.8)
    for label, height in (marks or {}).items():
        ax.axhline(height, color="0.4", linestyle=":", linewidth=1)
        ax.annotate(
            label, (1, height), xycoords=("axes fraction", "data"), ha="right", va="bottom", color="0.25", **BEHIND
        )
    if isinstance(losses, dict) and any(map(len, losses.values())):
        ax.legend()
    ax.set(xlabel="step", ylabel=ylabel, yscale="log", title=title)
    return ax
