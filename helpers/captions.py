"""Alternative texts: what a figure says, in words, for readers who cannot see it (in exported pages and slides)."""

import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter


def in_notebook():
    """True in a Jupyter or Colab kernel, False in a script, a test or a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def describe(figure):
    """The words of a matplotlib figure in reading order: titles, labels of axes, rows and curves, notes."""
    parts = [figure.get_suptitle(), *map(describe_axes, figure.axes), figure.get_supxlabel()]
    parts += [listed("key", legend.get_texts()) for legend in figure.legends]
    return ". ".join(dict.fromkeys(part for part in parts if part)).replace("$", "")


def describe_axes(ax):
    """The words of one part of a figure."""
    parts = [" ".join(filter(None, (ax.get_title(loc=place) for place in ("left", "center", "right"))))]
    for name, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
        named = isinstance(axis.get_major_formatter(), FuncFormatter)  # `set_ticks` with words
        label, words = axis.get_label_text(), listed("", axis.get_ticklabels()) if named else ""
        if label or words:
            parts.append(f"{name}: {', '.join(filter(None, (label, words)))}")
    parts.append(listed("notes", ax.texts))
    if ax.get_legend():
        parts.append(listed("key", ax.get_legend().get_texts()))
    return "; ".join(filter(None, parts))


def listed(name, texts):
    """The texts that are not empty, after `name`; nothing if there is none."""
    words = ", ".join(filter(None, (text.get_text().strip() for text in texts)))
    return f"{name}: {words}" if name and words else words


def caption_figures():
    """In a notebook: let every figure that is shown carry its description as `alt`."""
    if in_notebook():
        plt.switch_backend(mpl.get_backend())  # now, because loading it replaces the way in which figures are drawn
        formatter = sys.modules["IPython"].get_ipython().display_formatter.formatters["image/png"]
        formatter.for_type(Figure, captioned(formatter.lookup_by_type(Figure)))


def captioned(draw):
    """The function `draw(figure)` -> PNG, or (PNG, metadata), with the description in the metadata."""

    def drawn(figure):
        picture = draw(figure)
        png, about = picture if isinstance(picture, tuple) else (picture, {})
        return (png, about | {"alt": describe(figure)}) if png else None

    return drawn
