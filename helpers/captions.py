"""Alternative texts: what a figure says, in words, for readers who cannot see it (in exported pages and slides)."""

import base64
import re
import sys
from functools import partial

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

PICTURES = ("image/png", "image/svg+xml", "image/jpeg")  # what a notebook shows as a picture


def in_notebook():
    """True in a Jupyter or Colab kernel, False in a script, a test or a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def describe(figure):
    """The words of a matplotlib figure in reading order: titles, labels of axes, rows and curves, notes."""
    parts = [figure.get_suptitle(), *map(describe_axes, figure.axes), figure.get_supxlabel()]
    parts += [listed("key", legend.get_texts()) for legend in figure.legends]
    words = ". ".join(dict.fromkeys(part for part in parts if part))
    return re.sub(r"[\\${}]", "", words.replace(r"\bar\alpha", "alpha-bar"))  # what stays of a formula can be read


def describe_axes(ax):
    """The words of one part of a figure."""
    parts = [" ".join(filter(None, (ax.get_title(loc=place) for place in ("left", "center", "right"))))]
    key = ax.get_label() == "<colorbar>"  # so matplotlib calls it
    for name, axis in (("x", ax.xaxis), ("colours" if key else "y", ax.yaxis)):
        named = isinstance(axis.get_major_formatter(), FuncFormatter)  # `set_ticks` with words
        label, words = axis.get_label_text(), listed("", axis.get_ticklabels()) if named else ""
        if label or words:
            parts.append(f"{name}: {', '.join(filter(None, (label, words)))}")
    parts.append(listed("notes", ax.texts))
    if ax.get_legend():
        parts.append(listed("key", ax.get_legend().get_texts()))
    return "; ".join(filter(None, parts))


def listed(name, texts):
    """The texts that are not empty, after `name`; nothing if there is none. Where texts have commas: semicolons."""
    words = [" ".join(text.get_text().split()) for text in texts if text.get_text().strip()]
    words = ("; " if any("," in word for word in words) else ", ").join(words)
    return f"{name}: {words}" if name and words else words


def caption_figures():
    """In a notebook: show figures below their cell, and let each carry its description as `alt`.

    Whatever drew figures before (MPLBACKEND in the environment, a matplotlibrc), the inline backend does it from now
    on. The format stays the reader's choice, also when it is changed later: PNG, SVG, JPEG, or double resolution.
    """
    if in_notebook():
        shell = sys.modules["IPython"].get_ipython()
        shell.enable_matplotlib("inline")
        display = shell.display_formatter
        display.mimebundle_formatter.for_type(Figure, partial(caption_formats, display.formatters))


def caption_formats(formatters, figure):
    """Let every format that draws figures now add their words; the kernel calls this before it shows any figure."""
    for kind in PICTURES:
        draw = formatters[kind].type_printers.get(Figure)
        if draw and not isinstance(draw, Captioned):
            formatters[kind].for_type(Figure, Captioned(draw))


class Captioned:
    """A function `draw(figure)` -> picture, or (picture, metadata), that adds the figure's words to the metadata."""

    def __init__(self, draw):
        self.draw = draw

    def __call__(self, figure):
        picture = self.draw(figure)
        picture, about = picture if isinstance(picture, tuple) else (picture, {})
        return (picture, {**about, "alt": describe_or_nothing(figure)}) if picture else None


def describe_or_nothing(figure):
    """The words of a figure; none, where the figure holds something that cannot be put into words."""
    try:
        return describe(figure)
    except Exception:  # whatever an unusual figure raises: a missing description must not cost the picture
        return ""


def show_png(png, words):
    """Show a PNG (bytes; a film as well) below the cell, with `words` as its alternative text."""
    if in_notebook():
        LivePicture().show(png, words)
    else:
        print(words)


class LivePicture:
    """One picture in the cell's output that is replaced in place (JupyterLab, VS Code, Colab, nbconvert)."""

    def __init__(self):
        self.handle = None

    def show(self, png, words):
        """Show a PNG (bytes) with its alternative text, in place of what was shown before."""
        # Not by IPython's `Image(alt=...)`: Colab's IPython 7 does not have that argument.
        from IPython.display import display

        bundle = {"image/png": base64.b64encode(png).decode(), "text/plain": words}
        sent = {"metadata": {"image/png": {"alt": words}}, "raw": True}
        if self.handle is None:
            self.handle = display(bundle, **sent, display_id=True)
        else:
            self.handle.update(bundle, **sent)
