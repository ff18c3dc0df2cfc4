"""helpers.captions: a figure's own words become its alternative text, also in what a kernel sends."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import pytest
from IPython.core.formatters import PlainTextFormatter

from helpers import captions, plotting
from helpers.captions import describe
from helpers.files import COURSE
from tools import notebooks


@pytest.fixture
def curves():
    """A figure with every kind of words: two curves, a key, a note, labels."""
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([1, 2], label="GAN")
    left.set(xlabel="step", ylabel="$x_1$", title="the pictures improve")
    left.annotate("log 4", (0, 1))
    left.legend()
    right.set_title("the losses do not", loc="left")
    figure.suptitle("one game")
    return figure


def test_all_words_of_a_figure_are_in_its_description(curves):
    words = describe(curves)
    assert words == ("one game. the pictures improve; x: step; y: x_1; notes: log 4; key: GAN. the losses do not")


def test_names_of_rows_and_columns_are_words_and_numbers_on_an_axis_are_not():
    _, ax = plt.subplots()
    ax.imshow([[0, 1]])
    assert describe(ax.figure) == ""
    ax.set_yticks([0], ["original"])
    ax.set_xticks([0, 1], ["t = 0", "t = 9"])
    assert describe(ax.figure) == "x: t = 0, t = 9; y: original"


@pytest.mark.parametrize("about", [{}, {"width": 300}])
def test_a_description_joins_what_is_known_about_the_picture(curves, about):
    draw = captions.Captioned(lambda figure: (b"png", about) if about else b"png")
    assert draw(curves) == (b"png", about | {"alt": describe(curves)})


def test_a_figure_without_content_stays_without_picture(curves):
    assert captions.Captioned(lambda figure: None)(curves) is None


def test_a_figure_that_cannot_be_described_is_shown_all_the_same(curves, monkeypatch):
    monkeypatch.setattr(captions, "describe_axes", lambda ax: ax.no_such_thing)
    assert captions.Captioned(lambda figure: b"png")(curves) == (b"png", {"alt": ""})


def test_every_format_that_draws_figures_is_captioned_once():
    formatters = {kind: PlainTextFormatter() for kind in captions.PICTURES}
    for kind in captions.PICTURES[:2]:
        formatters[kind].for_type(plt.Figure, lambda figure: "picture")
    captions.caption_formats(formatters, None)
    captions.caption_formats(formatters, None)
    first, second, other = (formatter.type_printers.get(plt.Figure) for formatter in formatters.values())
    assert first.draw(None) == second.draw(None) == "picture"
    assert other is None


def test_outside_a_notebook_a_picture_is_told_in_words(capsys):
    captions.show_png(b"png", "a boot")
    assert capsys.readouterr().out == "a boot\n"


def test_outside_a_notebook_the_backend_stays(monkeypatch):
    before = mpl.get_backend()
    monkeypatch.setattr(plt, "switch_backend", lambda name: pytest.fail("switched the backend"))
    with mpl.rc_context():
        plotting.use_style()
        assert mpl.get_backend() == before
    assert not captions.in_notebook()


def test_a_kernel_sends_the_words_with_the_figure_and_with_the_live_curve(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(COURSE))
    code = [
        "from helpers import plotting\nfrom helpers.training import progress\nplotting.use_style()",
        "import matplotlib.pyplot as plt\nax = plotting.new_axes(3, 2)\nax.set_title('a title')\nplt.show()",
        "losses = []\nfor _ in progress(range(3), losses, {'rival': 0.5}):\n    losses.append(1.0)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in code])
    notebooks.execute(notebook, tmp_path, timeout=120)
    figure, curve = (cell.outputs[0].metadata["image/png"]["alt"] for cell in notebook.cells[1:])
    assert figure == "a title"
    assert "training loss: 3 steps" in curve and "rival" in curve
