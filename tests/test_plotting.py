"""Figures: every pixel in its place, every label beside what it names, and nothing wider than a page."""

import io
import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from helpers import maps, plotting
from helpers.files import CourseError
from helpers.plotting import as_pixels, compose, plot_losses, show_grid, show_rows, to_film, to_png
from helpers.toys import mixture_1d, ring

IMAGES = torch.rand(12, 1, 28, 28, generator=torch.Generator().manual_seed(0))
CODES = torch.randn(12, 2, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(12) % 3
BOX = (-3.0, 3.0, -2.0, 2.0)

FIGURES = {  # every function that makes a figure, with arguments that any reader might give it
    "show_grid": lambda **more: show_grid(IMAGES, **more),
    "show_rows": lambda **more: show_rows({"before": IMAGES, "after": IMAGES}, **more),
    "plot_losses": lambda **more: plot_losses([3.0, 2.0, 1.0], **more),
    "show_codes": lambda **more: maps.show_codes(CODES, LABELS, ("a", "b", "c"), **more),
    "show_thumbnails": lambda **more: maps.show_thumbnails(CODES, IMAGES, **more),
    "show_density": lambda **more: maps.show_density(ring().log_prob, BOX, **more),
    "show_arrows": lambda **more: maps.show_arrows(ring().score, BOX, **more),
}
every_figure = pytest.mark.parametrize("show", FIGURES.values(), ids=FIGURES)
every_map = pytest.mark.parametrize("show", [FIGURES[name] for name in FIGURES if name.startswith("show_")][2:])


# Values and pixels


def test_ink_is_the_high_value_and_paper_the_low_one():
    pixels = as_pixels(torch.tensor([[[0.0, 0.25, 1.0]]]))
    assert pixels.tolist() == [[[1.0, 0.75, 0.0]]]


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 255.0), (2.0, 6.0)])
def test_the_stated_range_counts_and_not_the_images_own(low, high):
    quarter = low + (high - low) / 4
    assert as_pixels(torch.full((1, 2, 2), quarter), low, high).tolist() == [[[0.75, 0.75]] * 2]


def test_values_outside_the_range_are_clipped():
    assert as_pixels(torch.tensor([[[-5.0, 5.0]]])).tolist() == [[[1.0, 0.0]]]


@pytest.mark.parametrize("form", [torch.squeeze, torch.Tensor.double, torch.Tensor.numpy, torch.nn.Parameter])
def test_images_may_come_in_any_of_these_forms(form):
    np.testing.assert_allclose(as_pixels(form(IMAGES)), 1 - IMAGES[:, 0], atol=1e-6)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_pixels_that_are_no_numbers_look_like_no_image(value):
    images = torch.full((2, 1, 4, 4), value)
    images[1, 0, 0, 0] = 0.0
    pixels = as_pixels(images)
    assert set(np.unique(pixels[0]).round(2)) == {np.float32(0.35), np.float32(0.65)}
    assert (pixels[0][:, 1:] != pixels[0][:, :-1]).all()
    assert pixels[1, 0, 0] == 1
    np.testing.assert_array_equal(pixels[1].ravel()[1:], pixels[0].ravel()[1:])


def test_a_figure_says_how_many_images_are_no_numbers():
    images = IMAGES.clone()
    images[3, 0, 5, 5] = float("nan")
    images[4] = float("inf")
    assert show_grid(images, title="drawn").get_title() == "drawn\n2 of 12 images hold nan or infinite values"
    assert show_rows({"": images[:4]}).get_title() == "1 of 4 images hold nan or infinite values"


@pytest.mark.filterwarnings("error")
def test_to_png_shows_what_is_no_number_as_grey():
    pixels = np.asarray(Image.open(io.BytesIO(to_png(np.array([[np.nan, 1.0, np.inf]])))))
    assert pixels.tolist() == [[128, 255, 255]]


def test_to_png_takes_a_tensor():
    sheet = torch.rand(4, 6, requires_grad=True)
    assert to_png(sheet) == to_png(sheet.detach().numpy())


@pytest.mark.parametrize("shape", [(4,), (1, 4, 6), (4, 6, 4), (4, 6, 1), (2, 1, 4, 6), ()])
def test_to_png_refuses_what_is_no_picture(shape, refuses):
    with refuses(str(shape), "(H, W) or (H, W, 3)"):
        to_png(np.zeros(shape))


def test_drawing_leaves_the_images_as_they_are():
    before = IMAGES.clone()
    show_grid(IMAGES)
    assert torch.equal(IMAGES, before)


@pytest.mark.parametrize("shape", [(28, 28), (5, 4, 28, 28), (5, 28, 28, 3), (2, 5, 1, 28, 28), (784,)])
@pytest.mark.parametrize("draw", [as_pixels, lambda x: compose(x, 2), show_grid, lambda x: show_rows({"": x})])
def test_images_of_another_shape_are_refused(draw, shape, refuses):
    with refuses(str(shape), "(N, 1, H, W) or (N, H, W), or in colour (N, 3, H, W)"):
        draw(torch.zeros(shape))


def test_compose_puts_every_image_in_its_place():
    values = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5])
    sheet = compose(values[:, None, None].expand(5, 2, 3), columns=3, gap=1)
    a, b, c, d, e = (1 - values).tolist()
    expected = [
        [a, a, a, 1, b, b, b, 1, c, c, c],
        [a, a, a, 1, b, b, b, 1, c, c, c],
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        [d, d, d, 1, e, e, e, 1, 1, 1, 1],
        [d, d, d, 1, e, e, e, 1, 1, 1, 1],
    ]
    np.testing.assert_allclose(sheet, expected, atol=1e-6)


def test_colour_is_shown_as_it_is_and_grey_is_ink():
    images = torch.zeros(2, 3, 1, 2)
    images[1, 0, 0, 1] = 2.0  # red on a dark ground, in a range from 0 to 2
    pixels = as_pixels(images, high=2)
    assert pixels.shape == (2, 1, 2, 3)
    assert pixels[1].tolist() == [[[0, 0, 0], [1, 0, 0]]]
    assert as_pixels(images[:, :1], high=2)[1].tolist() == [[1, 0]]


def test_a_sheet_of_images_in_colour_has_white_gaps():
    images = torch.zeros(3, 3, 2, 2)
    images[:, 1] = 1
    sheet = compose(images, columns=2, gap=1)
    assert sheet.shape == (5, 5, 3)
    assert sheet[0].tolist() == [[0, 1, 0]] * 2 + [[1, 1, 1]] + [[0, 1, 0]] * 2
    assert to_png(sheet)


def test_a_grey_row_can_stand_beside_one_in_colour():
    picture = show_rows({"colour": torch.zeros(2, 3, 5, 5), "grey": torch.zeros(2, 1, 5, 5)}).images[0].get_array()
    assert picture.shape == (5 + 4 + 5, 5 + 2 + 5, 3)
    assert picture[0, 0].tolist() == [0, 0, 0] and picture[-1, 0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("channels", [1, 3])
def test_broken_pixels_are_chequered_in_grey_and_in_colour(channels):
    images = torch.full((1, channels, 2, 2), torch.nan)
    assert sorted(set(as_pixels(images).ravel().tolist())) == pytest.approx([0.35, 0.65])


def test_compose_without_gap_leaves_none():
    assert compose(torch.ones(4, 2, 2), columns=2, gap=0).tolist() == [[0.0] * 4] * 4


@pytest.mark.parametrize(
    "arguments", [{"columns": 0}, {"images": IMAGES[:0]}, {"low": 1.0}], ids=["no columns", "no images", "no range"]
)
def test_a_sheet_that_cannot_be_is_refused(arguments, refuses):
    with refuses(" "):
        compose(**{"images": IMAGES, "columns": 4, **arguments})


@pytest.mark.parametrize("zoom", [1, 3])
def test_to_png_decodes_to_the_same_pixels_each_zoom_times(zoom):
    sheet = np.array([[0.0, 0.2, 1.0], [0.4, 0.6, 0.8]])
    pixels = np.asarray(Image.open(io.BytesIO(to_png(sheet, zoom))))
    expected = np.array([[0, 51, 255], [102, 153, 204]])
    assert np.array_equal(pixels, expected.repeat(zoom, axis=0).repeat(zoom, axis=1))


def test_to_png_keeps_colours_and_clips_values():
    pixels = np.asarray(Image.open(io.BytesIO(to_png(np.array([[[2.0, 0.2, -1.0]]])))))
    assert pixels.tolist() == [[[255, 51, 0]]]


# All figures


@every_figure
def test_a_figure_is_drawn_on_the_axes_that_were_given(show):
    ax = plt.figure().subplots()
    assert show(ax=ax) is ax
    assert ax.has_data()
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.filterwarnings("error")
def test_a_figure_is_drawn_without_a_warning(name):
    FIGURES[name]().figure.canvas.draw()


@every_figure
def test_a_figure_is_at_most_seven_inches_wide(show):
    assert show().figure.get_figwidth() <= 7


@pytest.mark.parametrize("columns", [1, 8, 12, 40])
def test_a_row_is_at_most_seven_inches_wide_however_long(columns):
    ax = show_rows({"a long label": torch.zeros(columns, 28, 28)})
    assert ax.figure.get_figwidth() <= 7


def test_new_axes_are_at_most_seven_inches_wide_whatever_is_asked():
    assert plotting.new_axes(9, 3).figure.get_size_inches().tolist() == [7, 3]


@every_figure
def test_a_figure_bears_its_title(show):
    assert show(title="what you see").get_title() == "what you see"


@every_map
def test_a_map_names_both_axes(show):
    ax = show()
    assert ax.get_xlabel()
    assert ax.get_ylabel()


def test_there_are_ten_different_colours_and_the_style_uses_them():
    assert len(set(plotting.COLOURS)) == 10
    with mpl.rc_context():
        plotting.use_style()
        assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == list(plotting.COLOURS)


@pytest.mark.parametrize("foreign", ["dark_background", "ggplot"])
def test_the_style_starts_from_matplotlibs_defaults(foreign):
    with mpl.rc_context():
        mpl.rcdefaults()
        plotting.use_style()
        ours = dict(mpl.rcParams)
        mpl.style.use(foreign)
        mpl.rcParams.update({"text.usetex": True, "font.family": "no such font", "savefig.facecolor": "black"})
        plotting.use_style()
        assert dict(mpl.rcParams) == ours


# Rows


def labels_at(ticks, texts):
    return list(zip([text.get_text() for text in texts], ticks, strict=True))


def test_each_row_has_its_label_at_its_middle():
    ax = show_rows({"before": IMAGES[:4], "after": IMAGES[4:8]})
    (before, y_before), (after, y_after) = labels_at(ax.get_yticks(), ax.get_yticklabels())
    assert (before, after) == ("before", "after")
    assert y_before == pytest.approx(13.5, abs=1)  # the first row fills pixels 0 to 27
    assert y_after == pytest.approx(28 + 4 + 13.5, abs=1)


def test_each_column_has_its_label_at_its_middle():
    ax = show_rows({"": IMAGES[:3]}, labels=["t = 1", "t = 2", "t = 3"])
    for i, (label, x) in enumerate(labels_at(ax.get_xticks(), ax.get_xticklabels())):
        assert label == f"t = {i + 1}"
        assert x == pytest.approx(30 * i + 13.5, abs=1)


@pytest.mark.parametrize(
    ("labels", "lines"),
    [
        (["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"], 2),
        (["t = 1000", "t = 860", "t = 720", "t = 0"], 1),  # a little smaller, and not broken
        (["original", "no class", "another class"], 2),
        (range(10), 1),
    ],
)
def test_labels_of_columns_do_not_touch(labels, lines):
    with mpl.rc_context():
        plotting.use_style()
        ax = show_rows({"a row with a long name": IMAGES[: len(labels)]}, labels)
        ax.figure.canvas.draw()
    texts = ax.get_xticklabels()
    assert [text.get_text().replace("\n", " ") for text in texts] == [str(label) for label in labels]
    assert max(text.get_text().count("\n") for text in texts) == lines - 1
    boxes = [text.get_window_extent() for text in texts]
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes)), "labels touch"
    assert all(box.y0 >= 0 for box in boxes), "a label is cut"


def test_rows_show_their_images_under_each_other():
    (picture,) = show_rows({"before": IMAGES[:4], "after": IMAGES[4:8]}).get_images()
    sheet = picture.get_array()
    np.testing.assert_array_equal(sheet[:28], compose(IMAGES[:4], columns=4))
    np.testing.assert_array_equal(sheet[28:32], 1)
    np.testing.assert_array_equal(sheet[32:], compose(IMAGES[4:8], columns=4))
    assert picture.get_clim() == (0, 1)


def test_rows_may_have_different_lengths():
    (picture,) = show_rows({"one": IMAGES[:1], "three": IMAGES[:3]}).get_images()
    assert picture.get_array().shape == (28 + 4 + 28, 28 + 2 + 28 + 2 + 28)
    np.testing.assert_array_equal(picture.get_array()[:28, 30:], 1)


def test_a_grid_has_no_labels():
    ax = show_grid(IMAGES, columns=6)
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0
    np.testing.assert_array_equal(ax.get_images()[0].get_array(), compose(IMAGES, columns=6))


@pytest.mark.filterwarnings("error")
def test_few_images_under_a_long_title_keep_their_size():
    with mpl.rc_context():
        plotting.use_style()
        ax = show_rows({"a": IMAGES[:2], "b": IMAGES[:2]}, ["one", "two"], "a title that is far wider than two images")
        ax.figure.canvas.draw()
    extent = ax.get_tightbbox().transformed(ax.figure.dpi_scale_trans.inverted())
    assert extent.x1 <= ax.figure.get_figwidth() + 0.01
    assert ax.get_window_extent().width > 2 * 28


def test_a_wrong_number_of_column_labels_is_refused(refuses):
    with refuses("labels", "3"):
        show_rows({"": IMAGES[:3]}, labels=["1", "2", "3", "4"])


# Losses

NAN, INF = float("nan"), float("inf")


def test_losses_count_steps_from_1_on_a_logarithmic_axis():
    ax = plot_losses([3.0, 2.0, 1.0])
    assert ax.lines[0].get_xydata().tolist() == [[1, 3], [2, 2], [3, 1]]
    assert ax.get_yscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "loss")


def test_the_bold_line_is_the_mean_of_the_steps_around_it():
    losses = np.arange(1.0, 161.0) ** 2  # 160 steps, so that the mean is over 5
    faint, bold = plot_losses(losses).lines
    assert bold.get_xdata().tolist() == list(range(3, 159))
    np.testing.assert_allclose(bold.get_ydata(), [losses[i : i + 5].mean() for i in range(156)])
    assert faint.get_color() == bold.get_color()
    assert faint.get_linewidth() < bold.get_linewidth()


@pytest.mark.parametrize(
    ("losses", "written"), [([3.0, 2.0], ["2"]), ([60.0] * 80 + [62.0, 61.0, 63.0], ["62"]), ([1.0, NAN], []), ([], [])]
)
def test_the_end_of_a_single_curve_is_written_beside_it(losses, written):
    assert [text.get_text() for text in plot_losses(losses).texts] == written
    assert not plot_losses({"D": losses, "G": losses}).texts


def test_several_losses_are_told_apart():
    ax = plot_losses({"generator": [2.0, 1.0], "discriminator": [1.0, 2.0]})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["generator", "discriminator"]
    assert len({line.get_color() for line in ax.lines}) == 2


def test_the_names_of_several_losses_hide_none_of_them():
    with mpl.rc_context():
        plotting.use_style()
        ax = plot_losses({"eps": [0.4] * 50, "x_0": [0.5] * 50, "v": [0.9] * 50})
        ax.figure.canvas.draw()
    names = ax.get_legend().get_window_extent()
    assert ax.get_window_extent().x1 <= names.x0 and names.x1 <= ax.figure.bbox.x1


def test_marks_are_named_lines():
    ax = plot_losses([3.0, 2.0], marks={"PCA": 2.5})
    assert ax.lines[-1].get_ydata() == [2.5, 2.5]
    assert [text.get_text() for text in ax.texts] == ["2", "PCA"]


def test_names_of_marks_stand_beside_the_axes_and_apart():
    with mpl.rc_context():
        plotting.use_style()
        ax = plot_losses([3.0, 2.02], marks={"mean image": 2.5, "PCA": 2.51, "nothing": 2.0})
        ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert all(box.x0 >= ax.get_window_extent().x1 for box in boxes), "a name hides the end of the curve"
    assert all(box.x1 <= ax.figure.bbox.x1 for box in boxes), "a name is cut"
    for one, other in itertools.combinations(boxes, 2):
        assert one.y1 <= other.y0 or other.y1 <= one.y0
    assert {(text.xy[0], round(text.xy[1], 3)) for text in ax.texts} == {(1, 2.5), (1, 2.51), (1, 2.0), (1, 2.02)}


@pytest.mark.parametrize("losses", [[0.3, -0.1], [0.3, 0.0], {"D": [1.0, 2.0], "G": [-1.0, -2.0]}])
def test_a_loss_that_is_not_positive_is_drawn_on_a_linear_axis(losses):
    ax = plot_losses(losses)
    low, high = ax.get_ylim()
    assert ax.get_yscale() == "linear"
    assert low < min(min(line.get_ydata()) for line in ax.lines) < high


def test_a_mark_at_zero_is_not_lost():
    ax = plot_losses([3.0, 2.0], marks={"perfect": 0.0})
    assert ax.get_ylim()[0] <= 0


@pytest.mark.parametrize(
    ("low", "high"),
    [(0.3, 0.34), (110, 190), (61, 95), (0.25, 0.95), (0.2, 1.9), (0.02, 0.9), (1e-3, 5.0), (1e-7, 1.0), (3, 2e4)],
)
def test_heights_are_written_as_people_write_numbers(low, high):
    ax = plot_losses(np.geomspace(high, low, 50))
    ax.figure.canvas.draw()
    bottom, top = ax.get_ylim()
    shown = [tick for tick in ax.yaxis.get_major_ticks() if bottom <= tick.get_loc() <= top]
    words = [tick.label1.get_text().replace("\N{MINUS SIGN}", "-") for tick in shown]
    assert len(words) >= 2
    assert [float(word) for word in words] == pytest.approx([tick.get_loc() for tick in shown])
    assert not any(tick.label1.get_text() for tick in ax.yaxis.get_minor_ticks())
    boxes = [tick.label1.get_window_extent() for tick in shown]
    assert all(below.y1 <= above.y0 for below, above in itertools.pairwise(boxes)), "labels overlap"


@pytest.mark.parametrize(
    ("losses", "note"),
    [
        ([1.0] * 50 + [NAN] * 50, "nan since step 51"),
        ([NAN] * 3, "nan since step 1"),
        ([2.0, 1.0, INF], "infinite since step 3"),
        ([1.0, NAN, 1.0, INF, 1.0], "nan or infinite at 2 of 5 steps, first at step 2"),
        ({"G": [1.0, NAN], "D": [1.0, 1.0]}, "G: nan since step 2"),
        ({"G": [1.0, NAN], "D": [INF, INF]}, "G: nan since step 2, D: infinite since step 1"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_losses_that_are_no_numbers_are_told(losses, note):
    ax = plot_losses(losses, marks={"rival": 0.5}, title="training loss")
    ax.figure.canvas.draw()
    assert ax.get_title() == f"training loss\n{note}"
    assert np.isfinite(ax.get_ylim()).all()
    steps = max(map(len, losses.values())) if isinstance(losses, dict) else len(losses)
    assert ax.get_xlim()[1] >= steps, "the steps without a number are part of the picture"


@pytest.mark.parametrize("losses", [[], [1.0], [1.0, 2.0], [NAN], {"a": [], "b": []}, {"a": [1.0], "b": []}, {}])
@pytest.mark.parametrize("marks", [{}, {"rival": 0.5}, {"rival": NAN}])
@pytest.mark.filterwarnings("error")
def test_losses_are_drawn_from_the_first_step_on(losses, marks):
    plot_losses(losses, marks).figure.canvas.draw()


@pytest.mark.parametrize("steps", [1, 2, 3, 30, 2000])
def test_steps_are_whole_numbers(steps):
    ax = plot_losses([1.0] * steps)
    assert all(tick == round(tick) for tick in ax.get_xticks())


def test_a_single_step_can_be_seen():
    ax = plot_losses([1.0])
    assert ax.lines[-1].get_marker() == "."


def test_a_loss_of_several_numbers_is_refused(refuses):
    with refuses("the loss of step 2 has shape (3,)", "one number"):
        plot_losses([1.0, torch.ones(3)])


# Maps


def test_every_code_is_drawn_in_the_colour_of_its_class():
    ax = maps.show_codes(torch.nn.Parameter(CODES), LABELS, ("a", "b", "c"))
    for k, points in enumerate(ax.collections):
        np.testing.assert_allclose(points.get_offsets(), CODES[LABELS.eq(k)])
        assert mpl.colors.to_hex(points.get_facecolor()[0]) == plotting.COLOURS[k].lower()
    assert len(ax.collections) == 3


def test_every_class_is_named_at_its_middle():
    codes = CODES + 10 * torch.stack([LABELS, LABELS], dim=1)  # so far from each other that no name is in the way
    ax = maps.show_codes(codes, LABELS, ("a", "b", "c"))
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c"]
    for k, text in enumerate(ax.texts):
        np.testing.assert_allclose(text.xy, codes[LABELS.eq(k)].median(dim=0).values)


def test_names_in_each_others_way_move_apart_up_or_down():
    places, room = np.array([[0.0, 0.0], [0.5, 0.1], [0.2, -0.15], [5.0, 0.0]]), np.array([1.0, 0.3])
    moved = maps.spread_out(places, room)
    np.testing.assert_array_equal(moved[:, 0], places[:, 0])
    np.testing.assert_array_equal(moved[3], places[3])
    for one, other in itertools.combinations(moved, 2):
        assert (abs(one - other) >= room - 0.01).any()


def test_a_class_without_codes_is_left_out():
    maps.show_codes(CODES, LABELS, ("a", "b", "c", "nobody"))


def test_codes_that_are_no_plane_are_refused(refuses):
    with refuses("(12, 3)", "(N, 2)"):
        maps.show_codes(torch.zeros(12, 3), LABELS, ("a", "b", "c"))


@pytest.mark.parametrize("spacing", [0.045, 0.1, 0.25])
def test_thumbnails_never_overlap(spacing):
    codes = torch.randn(100, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 20.0])
    boxes = [p.get_extent() for p in maps.show_thumbnails(codes, torch.zeros(100, 28, 28), spacing=spacing).images]
    tiny = 1e-4
    for (a_left, a_right, a_low, a_high), (b_left, b_right, b_low, b_high) in itertools.combinations(boxes, 2):
        beside = a_right <= b_left + tiny or b_right <= a_left + tiny
        above = a_high <= b_low + tiny or b_high <= a_low + tiny
        assert beside or above


def test_thumbnails_lie_on_their_codes():
    codes = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]], requires_grad=True)
    images = torch.tensor([0.0, 0.25, 0.5, 1.0])[:, None, None].expand(4, 28, 28)
    ax = maps.show_thumbnails(codes, images, spacing=0.1)
    assert len(ax.images) == 4
    for code, image, picture in zip(codes.tolist(), images, ax.images, strict=True):
        left, right, low, high = picture.get_extent()
        assert left <= code[0] <= right
        assert low <= code[1] <= high
        np.testing.assert_array_equal(picture.get_array(), 1 - image)


def test_all_thumbnails_lie_inside_the_axes():
    ax = maps.show_thumbnails(CODES, IMAGES)
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    for picture in ax.images:
        box = picture.get_extent()
        assert left <= box[0] < box[1] <= right
        assert low <= box[2] < box[3] <= high


@pytest.mark.filterwarnings("error")
def test_codes_on_a_line_have_thumbnails_too():
    codes = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    assert len(maps.show_thumbnails(codes, IMAGES[:2]).images) == 2


def test_grid_points_are_the_middles_of_cells_row_by_row_from_below():
    points = maps.grid_points((0.0, 2.0, 10.0, 14.0), 2).tolist()
    assert points == [[0.5, 11], [1.5, 11], [0.5, 13], [1.5, 13]]


def test_a_density_is_brightest_where_it_is_highest():
    peak = torch.tensor([2.0, -1.0])
    (picture,) = maps.show_density(lambda x: -(x - peak).square().sum(1), BOX, count=61).images
    row, column = np.unravel_index(picture.get_array().argmax(), (61, 61))
    assert ((column + 0.5) / 61 * 6 - 3, (row + 0.5) / 61 * 4 - 2) == pytest.approx((2.0, -1.0), abs=0.05)
    assert picture.get_extent() == list(BOX)
    assert picture.origin == "lower"


def test_arrows_show_the_field_at_their_feet():
    (arrows,) = maps.show_arrows(lambda x: torch.stack([x[:, 1], -2 * x[:, 0]], dim=1), BOX, count=5).collections
    assert arrows.N == 25
    np.testing.assert_allclose(arrows.U, arrows.Y)
    np.testing.assert_allclose(arrows.V, -2 * arrows.X)


def test_density_and_arrows_accept_a_network():
    network = torch.nn.Linear(2, 2)
    maps.show_arrows(network, BOX)
    maps.show_density(lambda x: network(x)[:, 0], BOX)


def test_a_density_on_the_line_is_no_map(refuses):
    with refuses("(N, 1)"):
        maps.show_density(mixture_1d().log_prob, BOX)


def test_mark_puts_an_orange_dot_at_the_point_and_nowhere_else():
    sheet = np.full((100, 100), 0.5)
    marked = maps.mark(sheet, (0.0, 10.0, 0.0, 10.0), (2.0, 7.0))
    orange = mpl.colors.to_rgb("#D55E00")
    rows, columns = np.nonzero((marked == orange).all(axis=2))
    assert (rows.mean(), columns.mean()) == pytest.approx((30, 20), abs=1)
    assert np.ptp(rows) <= 5
    assert (marked[(marked != orange).any(axis=2)] == 0.5).all()


def test_beside_shows_both_arrays_at_the_same_height():
    left, right = np.zeros((6, 4, 3)), np.full((3, 2), 0.5)
    page = maps.beside(left, right, gap=1)
    assert page.shape == (6, 4 + 1 + 4, 3)
    assert (page[:, :4] == 0).all()
    assert (page[:, 4] == 1).all()
    assert (page[:, 5:] == 0.5).all()


# The game board


def test_black_and_grey_points_are_seen_on_every_part_of_a_board():
    dark = np.array(maps.VERDICT(np.linspace(0, 1, 50)))[:, :3].mean(axis=1)
    assert dark.min() > 0x77 / 255 + 0.15 and dark[25] > dark[[0, -1]].max() + 0.2


def test_a_board_shows_its_heat_from_below():
    heat = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    page = maps.board(heat, (0, 1, 0, 1), {}, size=40)
    assert page.shape == (40, 40, 3)
    assert page[2, 20, 2] > page[2, 20, 0]  # high values above: purple
    assert page[-3, 20, 0] > page[-3, 20, 2]  # low values below: orange


def test_points_and_arrows_lie_where_their_numbers_say():
    heat, red = torch.full((4, 4), 0.5), "#ff0000"
    start, end = torch.tensor([[0.2, 0.2]]), torch.tensor([[0.2, 0.8]])
    page = maps.board(heat, (0, 1, 0, 2), {red: torch.tensor([[0.75, 0.5]])}, (start, end), size=100)
    assert page[75, 75].tolist() == [1, 0, 0]  # a quarter of the height from below
    assert page[75, 20].mean() < 0.6  # on the arrow
    assert page[20, 20].mean() > 0.9  # above it


def test_a_board_refuses_points_that_are_not_in_the_plane():
    with pytest.raises(CourseError, match=r"\(N, 2\)"):
        maps.board(torch.zeros(4, 4), (0, 1, 0, 1), {"black": torch.zeros(3, 5)})


def test_a_film_shows_its_pictures_in_turn_again_and_again():
    film = Image.open(io.BytesIO(to_film([np.full((4, 6), grey) for grey in (0.2, 0.6, 1)], zoom=2, seconds=0.5)))
    assert (film.format, film.n_frames, film.size) == ("PNG", 3, (12, 8))
    assert (film.info["loop"], film.info["duration"]) == (0, 500)
    for frame, grey in enumerate((51, 153, 255)):
        film.seek(frame)
        assert (np.asarray(film.convert("L")) == grey).all()


@pytest.mark.parametrize(("columns", "drawn"), [(4, "nearest"), (20, "antialiased")])
def test_small_pictures_are_not_thinned_out(columns, drawn):
    """Where a picture has fewer dots than pixels, every pixel counts: a line of one pixel stays visible."""
    ax = plotting.show_rows({"": torch.rand(columns, 3, 64, 64)})
    assert ax.images[0].get_interpolation() == drawn
