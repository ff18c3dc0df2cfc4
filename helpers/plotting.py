"""Figures in one style: image grids, rows and film strips, loss curves, maps of codes, densities and arrows.

Every function takes an optional `ax` and returns it. Images are tensors (N, 1, H, W) or (N, H, W), grey: the value
`low` is paper, `high` is ink; or (N, 3, H, W), in colour: `low` is dark, `high` is bright. The value range is stated
(`low`, `high`), never guessed.
"""

import io
import textwrap

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter
from PIL import Image

from helpers.captions import caption_figures
from helpers.files import CourseError

# Okabe and Ito's colours, distinguishable by colour-blind readers, and two greys to make ten.
COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#B8A800", "#000000", "#8C8C8C", "#5E4FA2",
)  # fmt: skip
PAPER = 1.0  # what the gap between images is filled with, after inversion: white


def use_style():
    """Set the course's look for all figures that follow; in a notebook they also carry a description.

    It starts from matplotlib's defaults: a reader's own matplotlibrc may be dark, or name a font that is missing.
    """
    caption_figures()
    mpl.rcdefaults()  # all but the backend
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
            "figure.titlesize": 11,
            "figure.facecolor": "white",
            "font.size": 10,
            "image.cmap": "gray_r",
            "legend.frameon": False,
        }
    )


def as_pixels(images, low=0.0, high=1.0):
    """Images as a float array from 0 (black) to 1 (white): (N, H, W) of grey ones, (N, H, W, 3) of those in colour.

    Grey images are turned round: ink, the value `high`, is black, and paper, the value `low`, is white. Pixels that
    are nan or infinite become a chequered grey, which no image of the course looks like.
    """
    if not low < high:
        raise CourseError(f"the value range runs from low = {low} to high = {high}; low should be below high")
    array = torch.as_tensor(images).detach().cpu().float()
    if array.ndim == 3:
        array = array[:, None]
    if array.ndim != 4 or array.shape[1] not in (1, 3):
        shapes = "(N, 1, H, W) or (N, H, W), or in colour (N, 3, H, W)"
        raise CourseError(f"images have shape {tuple(array.shape)}; it should be {shapes}")
    rows, columns = torch.arange(array.shape[2])[:, None], torch.arange(array.shape[3])
    chequered = torch.where((rows + columns) % 2 == 0, 0.35, 0.65)
    pixels = ((array - low) / (high - low)).clamp(0, 1)
    grey = array.shape[1] == 1
    pixels = torch.where(array.isfinite(), 1 - pixels if grey else pixels, chequered)
    return (pixels[:, 0] if grey else pixels.permute(0, 2, 3, 1)).numpy()


def in_colour(array):
    """A grey array (H, W) as (H, W, 3), its three colours the same; one in colour as it is."""
    return np.repeat(array[..., None], 3, axis=2) if array.ndim == 2 else array


def broken(images):
    """A note that says how many of `images` hold nan or infinite pixels; empty if none does."""
    finite = [bool(torch.as_tensor(image).isfinite().all()) for image in images]
    return "" if all(finite) else f"{finite.count(False)} of {len(finite)} images hold nan or infinite values"


def compose(images, columns, gap=2, low=0.0, high=1.0):
    """One array with the images in rows of `columns`, `gap` pixels of white between them; colour: see `as_pixels`."""
    pixels = as_pixels(images, low, high)
    n, height, width, *channels = pixels.shape
    if n < 1 or columns < 1:
        raise CourseError(f"a sheet needs one or more images in one or more columns, not {n} in {columns}")
    rows = -(-n // columns)
    size = (rows * (height + gap) - gap, columns * (width + gap) - gap, *channels)
    sheet = np.full(size, PAPER, dtype=np.float32)
    for i, picture in enumerate(pixels):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def to_pixels(sheet):
    """An array (H, W) or (H, W, 3) with values from 0 (black) to 1 (white) as bytes (uint8) of the same shape.

    It may be a tensor on any device. What is nan becomes mid-grey.
    """
    sheet = sheet.detach().cpu().numpy() if isinstance(sheet, torch.Tensor) else np.asarray(sheet)
    if sheet.ndim != 2 and (sheet.ndim != 3 or sheet.shape[2] != 3):
        raise CourseError(f"the picture has shape {sheet.shape}; it should be (H, W) or (H, W, 3)")
    visible = np.nan_to_num(np.clip(sheet, 0, 1), nan=0.5)
    return (visible * 255).round().astype(np.uint8)


def to_png(sheet, zoom=1):
    """PNG bytes of an array as `to_pixels` takes it, enlarged `zoom` times."""
    picture = Image.fromarray(to_pixels(sheet))
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

    labels: words under the columns, one for each or none; where they are wider than a column, in several lines.
    """
    if columns is None:
        columns = max(len(images) for images in rows.values())
    if len(labels) not in (0, columns):
        raise CourseError(f"there are {len(labels)} labels for {columns} columns; give one for each, or none")
    sheets = [compose(images, columns, low=low, high=high) for images in rows.values()]
    if any(sheet.ndim == 3 for sheet in sheets):  # a grey row beside one in colour, such as a mask
        sheets = [in_colour(sheet) for sheet in sheets]
    gap = np.full((4, *sheets[0].shape[1:]), PAPER, dtype=np.float32)
    sheet = np.concatenate([part for s in sheets for part in (s, gap)][:-1])
    scale = 0.02  # inches for a pixel: two dots
    if ax is None:
        longest = max(len(line) for label in rows for line in label.split("\n"))
        beside = 0.2 + 0.08 * longest  # inches for the words on the left
        scale = min(scale, (7 - beside) / sheet.shape[1])
        size, labels = fitted([str(label) for label in labels], scale * sheet.shape[1] / columns)
        below = 0.09 + 0.16 * max(label.count("\n") + 1 for label in labels) if labels else 0
        titled = 0.2 + 0.09 * max(map(len, title.split("\n")))  # inches that the title takes
        ax = new_axes(max(beside + scale * sheet.shape[1], titled), scale * sheet.shape[0] + 0.35 + below)
        ax.set_anchor("W")
        ax.tick_params(axis="x", labelsize=size)
    drawn = "nearest" if scale >= 0.01 else "antialiased"  # with less than a dot for a pixel, none may be left out
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation=drawn)
    middles = np.cumsum([0] + [len(s) + 4 for s in sheets[:-1]]) + np.array([len(s) / 2 for s in sheets])
    ax.set_yticks(middles if any(rows) else [], list(rows) if any(rows) else [])
    width = (sheet.shape[1] + 2) / columns
    ax.set_xticks([width * (i + 0.5) - 1 for i in range(len(labels))], labels)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    note = broken([image for images in rows.values() for image in images])
    ax.set_title("\n".join(filter(None, (title, note))))
    return ax


def fitted(labels, width):
    """(Size of the letters in points, labels) so that no line of a label is wider than `width` inches.

    Letters get a little smaller, and if that is not enough, labels are broken between words.
    """
    letter = 0.0082  # inches that a letter takes, on average, for each point of its size
    longest = max(map(len, labels), default=0)
    for size in (10, 9, 8):
        if longest * letter * size <= width:
            return size, labels
    lines = [textwrap.wrap(label, max(1, int(width / letter / 10)), break_long_words=False) for label in labels]
    longest = max(len(line) for label in lines for line in label)
    return max(6, min(10, width / letter / longest)), ["\n".join(label) for label in lines]


def plot_losses(losses, marks=None, title="", ylabel="loss", ax=None):
    """Loss against step: every step faint, the mean of the steps around it bold, `marks` {label: height} as lines.

    losses: a list of numbers, or {name: list} for several curves. The axis is logarithmic if all heights are positive.
    A single curve has the height of its end written beside it. Where a loss is nan or infinite the curve has a gap,
    and a line below the title says since when.
    """
    ax = new_axes(6, 2.4) if ax is None else ax
    curves = losses if isinstance(losses, dict) else {"": losses}
    curves = {name: as_numbers(values) for name, values in curves.items()}
    marks = {label: float(height) for label, height in (marks or {}).items()}
    ends = [draw_curve(ax, name, values) for name, values in curves.items()]
    for height in marks.values():
        ax.axhline(height, color="0.4", linestyle=":", linewidth=1)
    lowest, highest = ax.dataLim.intervaly
    if 0 < lowest <= highest:
        use_plain_log_axis(ax, highest / lowest)
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    if not isinstance(losses, dict):
        marks |= {f"{end:.3g}": end for end in ends}
    name_marks(ax, {label: height for label, height in marks.items() if np.isfinite(height)})
    if isinstance(losses, dict) and any(map(len, losses.values())):
        ax.legend(**({} if marks else {"loc": "upper left", "bbox_to_anchor": (1, 1)}))  # beside the curves, if it may
    notes = [": ".join(filter(None, (name, gap(values)))) for name, values in curves.items() if gap(values)]
    ax.set(xlabel="step", ylabel=ylabel, title="\n".join(filter(None, (title, ", ".join(notes)))))
    return ax


def as_numbers(losses):
    """A list of numbers, or of tensors with one number, as a float array (N,)."""
    tensors = [torch.as_tensor(loss) for loss in losses]
    for step, tensor in enumerate(tensors, start=1):
        if tensor.numel() != 1:
            raise CourseError(f"the loss of step {step} has shape {tuple(tensor.shape)}; it should be one number")
    return np.array([tensor.item() for tensor in tensors], dtype=float)


def draw_curve(ax, name, values):
    """One loss (N,): every step, and the mean over about a fortieth of all steps, in its middle so that it never lags.

    Few steps are also drawn as dots, since one point alone makes no line; steps that end in nan are shaded. Returns
    the last of the means, nan if there is none.
    """
    values = np.where(np.isfinite(values), values, np.nan)
    steps = np.arange(1, len(values) + 1)
    half = len(values) // 80
    window = 2 * half + 1
    (faint,) = ax.plot(steps, values, alpha=0.3, linewidth=0.8)
    mean = np.convolve(values, np.ones(window) / window, mode="valid") if len(values) else values
    dots = "." if len(values) < 20 else ""
    ax.plot(steps[half : len(values) - half], mean, dots + "-", color=faint.get_color(), label=name, linewidth=1.8)
    good = np.flatnonzero(np.isfinite(values))
    last = good[-1] + 1 if len(good) else 0
    if last < len(values):
        ax.axvspan(last + 0.5, len(values) + 0.5, color=faint.get_color(), alpha=0.12, linewidth=0)
    return mean[-1] if len(mean) else np.nan


def gap(values):
    """In words: since when losses (N,) are nan or infinite, or how many of them; empty if none is."""
    bad = np.flatnonzero(~np.isfinite(values))
    if not len(bad):
        return ""
    kind = "nan" if np.isnan(values[bad[0]]) else "infinite"
    if len(bad) == len(values) - bad[0]:
        return f"{kind} since step {bad[0] + 1:,}"
    return f"nan or infinite at {len(bad):,} of {len(values):,} steps, first at step {bad[0] + 1:,}"


def use_plain_log_axis(ax, ratio):
    """A logarithmic axis with numbers as people write them (0.6); ratio: the highest value over the lowest."""
    ax.set_yscale("log")
    choices = {2.5: (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9), 4: (1, 2, 3, 4, 6, 8), 10: (1, 2, 3, 5), 100: (1, 2, 5)}
    numbered = next((some for most, some in choices.items() if ratio < most), (1,))
    ax.yaxis.set_major_locator(LogLocator(subs=numbered))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def name_marks(ax, marks):
    """Names right of the axes, each at its height, where they hide no curve; close ones are moved apart."""
    room = 11  # points from one name to the next
    ax.autoscale_view()  # now, so that heights can be told in points
    points = {label: ax.transData.transform((1, y))[1] * 72 / ax.figure.dpi for label, y in marks.items()}
    above = -np.inf
    for label in sorted(marks, key=marks.get):
        above = max(points[label], above + room)
        ax.annotate(
            label, (1, marks[label]), xycoords=("axes fraction", "data"), xytext=(4, above - points[label]),
            textcoords="offset points", ha="left", va="center", color="0.25", annotation_clip=False,
        )  # fmt: skip
