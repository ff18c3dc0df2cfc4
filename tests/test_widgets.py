"""Sliders above a picture, moved by setting their values as a browser would."""

import io
import time

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image

from helpers.exercises.quiz import Question
from helpers.files import CourseError
from helpers.plotting import compose
from helpers.widgets import player, prompt, sliders


@pytest.fixture
def grey():
    """An explorer of one grey picture (4, 6); `.calls` lists the values with which it was drawn."""
    calls = []

    def draw(**values):
        calls.append(values)
        return np.full((4, 6), values["level"])

    explorer = sliders(draw, {"level": (0.0, 1.0, 0.1, 0.2), "size": ["small", "large"]}, width=120, zoom=3)
    explorer.calls = calls
    return explorer


def decoded(explorer):
    return np.asarray(Image.open(io.BytesIO(explorer.picture.value)))


def test_the_picture_is_drawn_at_the_start_values(grey):
    assert grey.calls == [{"level": 0.2, "size": "small"}]
    assert (decoded(grey) == 51).all()


def test_moving_a_slider_draws_again(grey):
    grey.controls["level"].value = 0.8
    assert grey.calls[1:] == [{"level": 0.8, "size": "small"}]
    assert (decoded(grey) == 204).all()


def test_choosing_from_a_list_draws_again(grey):
    grey.controls["size"].value = "large"
    assert grey.calls[1:] == [{"level": 0.2, "size": "large"}]


def test_the_picture_is_a_png_enlarged_by_zoom(grey):
    picture = Image.open(io.BytesIO(grey.picture.value))
    assert picture.format == grey.picture.format.upper() == "PNG"
    assert picture.size == (3 * 6, 3 * 4)


def test_the_picture_has_its_width_on_the_page(grey):
    assert grey.picture.width == "120"


def test_controls_stand_above_the_picture_under_their_names(grey):
    assert grey.children == (grey.controls["level"], grey.controls["size"], grey.picture, grey.note)
    assert [control.description for control in grey.controls.values()] == ["level", "size"]


def test_colours_are_kept():
    explorer = sliders(lambda: np.broadcast_to([1.0, 0.0, 0.0], (4, 6, 3)), {}, zoom=1)
    assert decoded(explorer).shape == (4, 6, 3)
    assert decoded(explorer)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("values", "kind", "start"),
    [
        ((0, 10, 1, 3), ipywidgets.IntSlider, 3),
        ((0.0, 1.0, 0.1, 0.5), ipywidgets.FloatSlider, 0.5),
        ((0, 1, 0.1, 0), ipywidgets.FloatSlider, 0),
        (["a", "b"], ipywidgets.Dropdown, "a"),
        ([3, 5], ipywidgets.SelectionSlider, 3),
    ],
)
def test_each_kind_of_range_has_its_control(values, kind, start):
    control = sliders(lambda x: np.zeros((2, 2)), {"x": values}).controls["x"]
    assert type(control) is kind
    assert control.value == start


@pytest.mark.parametrize("values", [(0, 10, 1, 11), (0, 10, 1, -1), (10, 0, 1, 5), (0, 10, 0, 5), (0, 10, -1, 5)])
def test_an_impossible_range_is_refused(values, refuses):
    with refuses("slider 'x'", "low <= start <= high"):
        sliders(lambda x: np.zeros((2, 2)), {"x": values})


@pytest.mark.parametrize("values", [(0, 10), (0, 10, 1), ("a", "b"), (0, 10, 1, 2, 3)])
def test_a_range_of_another_length_is_refused(values, refuses):
    with refuses("slider 'x'", "(low, high, step, start)"):
        sliders(lambda x: np.zeros((2, 2)), {"x": values})


def one_third(x):
    return np.full((2, 2), 1 / (3 - x))


@pytest.fixture
def fragile():
    """An explorer that fails at 3."""
    return sliders(one_third, {"x": (0, 5, 1, 0)})


def test_an_error_in_the_callback_is_shown_below_the_last_good_picture(fragile):
    before = fragile.picture.value
    assert (fragile.problem, fragile.note.value) == ("", "")
    fragile.controls["x"].value = 3
    for words in ("ZeroDivisionError: division by zero", "in one_third", "return np.full((2, 2), 1 / (3 - x))"):
        assert words in fragile.problem
        assert words in fragile.note.value
    assert fragile.picture.value == before
    assert fragile.children[-1] is fragile.note


@torch.no_grad()
def too_wide(x):
    return torch.nn.Linear(2, 2)(torch.ones(2, 2 + x))


def test_an_error_deep_in_a_package_names_the_learners_line():
    explorer = sliders(too_wide, {"x": (0, 5, 1, 0)})
    explorer.controls["x"].value = 1
    assert explorer.problem.startswith("RuntimeError: ")
    assert "in too_wide, line" in explorer.problem


def test_the_next_success_clears_the_error(fragile):
    fragile.controls["x"].value = 3
    fragile.controls["x"].value = 2
    assert (fragile.problem, fragile.note.value) == ("", "")
    assert (decoded(fragile) == 255).all()


def test_an_error_at_the_start_is_the_cells_own():
    with pytest.raises(ZeroDivisionError):
        sliders(one_third, {"x": (0, 5, 1, 3)})


def test_an_error_for_the_learner_is_its_own_sentence_and_no_markup():
    def draw(x):
        if x:
            raise CourseError("<b>too</b> much; move x to 0")
        return np.zeros((2, 2))

    explorer = sliders(draw, {"x": (0, 5, 1, 0)})
    explorer.controls["x"].value = 1
    assert explorer.problem == "<b>too</b> much; move x to 0"
    assert "&lt;b&gt;too" in explorer.note.value and "<b>" not in explorer.note.value


def test_a_picture_of_a_wrong_shape_is_told():
    explorer = sliders(lambda x: np.zeros((2, 2) if x == 0 else (1, 2, 2)), {"x": (0, 5, 1, 0)})
    explorer.controls["x"].value = 1
    assert "shape (1, 2, 2)" in explorer.problem


def test_a_picture_may_be_a_tensor_with_its_graph():
    explorer = sliders(lambda x: torch.full((2, 2), x / 5, requires_grad=True), {"x": (0, 5, 1, 1)})
    assert (decoded(explorer) == 51).all()


def test_a_redraw_of_64_images_takes_less_than_100_ms():
    images = torch.rand(8, 64, 1, 28, 28)
    explorer = sliders(lambda i: compose(images[i], columns=8), {"i": (0, 7, 1, 0)}, zoom=2)

    def seconds(i):
        start = time.perf_counter()
        explorer.controls["i"].value = i
        return time.perf_counter() - start

    assert min(seconds(i) for i in range(1, 8)) < 0.1


@pytest.fixture
def counter():
    """A player whose picture is as bright as the count that its two buttons change."""
    state = {"count": 0}

    def up(by):
        state["count"] += by

    def reset(by):
        state["count"] = 0

    ranges = {"by": (1, 50, 1, 10)}
    return player(lambda by: np.full((2, 2), state["count"] / 255), {"up": up, "reset": reset}, ranges, play="up")


def test_a_button_acts_with_the_sliders_values_and_draws(counter):
    counter.controls["by"].value = 20
    counter.buttons["up"].click()
    counter.buttons["up"].click()
    assert (decoded(counter) == 40).all()
    counter.buttons["reset"].click()
    assert (decoded(counter) == 0).all()


def test_playing_repeats_one_action(counter):
    for tick in (1, 2, 3):
        counter.play.value = tick  # as the browser does at every interval
    assert (decoded(counter) == 30).all()


def test_buttons_stand_above_the_sliders_and_the_picture(counter):
    row, control, picture, note = counter.children
    assert [child.description for child in row.children[:2]] == ["up", "reset"]
    assert (row.children[2], control, picture) == (counter.play, counter.controls["by"], counter.picture)
    assert note is counter.note


def test_an_error_of_a_button_or_of_the_film_is_shown_below_the_picture():
    def fail():
        raise ValueError("nothing < left")

    game = player(lambda: np.zeros((2, 2)), {"fail": fail, "rest": lambda: None}, {}, play="fail")
    game.buttons["fail"].click()
    assert "ValueError: nothing < left" in game.problem and "nothing &lt; left" in game.note.value
    game.buttons["rest"].click()
    assert (game.problem, game.note.value) == ("", "")
    game.play.value = 1
    assert "ValueError: nothing < left" in game.problem


def test_an_error_of_a_question_is_shown_below_it():
    class Riddle(Question):
        def answer(self):
            return {"yes": "Right."}[self.chosen]

    riddle = Riddle("Is it?", ["yes", "no"])
    riddle.buttons[1].click()
    assert "KeyError: 'no'" in riddle.problem and "KeyError" in riddle.note.value
    riddle.buttons[0].click()
    assert (riddle.problem, riddle.note.value, riddle.reply.value) == ("", "", "Right.")


def test_play_has_to_name_an_action():
    with pytest.raises(CourseError, match="up, down"):
        player(lambda: None, {"up": print, "down": print}, {}, play="upwards")


@pytest.fixture
def line():
    """A prompt whose picture's grey is the number of letters; `.calls` lists the values with which it was drawn."""
    calls = []

    def draw(sentence, shade):
        calls.append((sentence, shade))
        if "dragon" in sentence:
            raise CourseError("nobody taught the word 'dragon'")
        return np.full((4, 6), len(sentence) / 255)

    made = prompt(draw, ["a face", "a hat"], {"shade": (0, 3, 1, 1)}, width=120)
    made.calls = calls
    return made


def test_a_prompt_begins_with_its_first_example(line):
    assert line.calls == [("a face", 1)]
    assert (decoded(line) == 6).all()


def test_a_prompt_offers_its_examples_and_takes_any_sentence(line):
    assert line.controls["sentence"].options == ("a face", "a hat")
    line.controls["sentence"].value = "something else"
    assert line.calls[1:] == [("something else", 1)]
    assert (decoded(line) == 14).all()


def test_the_button_of_a_prompt_draws_nothing_twice(line):
    line.controls["sentence"].value = "a hat"
    line.button.click()
    assert len(line.calls) == 2
    line.controls["shade"].value = 3
    assert line.calls[2:] == [("a hat", 3)]


def test_an_error_of_a_prompt_is_shown_between_line_and_picture_and_the_button_tries_again(line):
    before = line.picture.value
    line.controls["sentence"].value = "a dragon"
    assert line.problem == "nobody taught the word 'dragon'"
    assert line.picture.value == before
    assert line.children[-2:] == (line.note, line.picture)
    line.button.click()
    assert [sentence for sentence, _ in line.calls] == ["a face", "a dragon", "a dragon"]
    line.controls["sentence"].value = "a face"
    assert line.problem == ""


def test_a_prompt_without_examples_is_refused(refuses):
    for examples in ([], [1, 2]):
        with refuses("examples", "at least one"):
            prompt(lambda sentence: np.zeros((2, 2)), examples, {})


def test_of_a_prompt_the_examples_are_recorded(line):
    line.controls["shade"].value = 3
    record = line.recorded()
    assert record["controls"] == [{"name": "sentence", "labels": ["a face", "a hat"], "start": 0, "words": True}]
    assert line.calls[2:] == [("a face", 3), ("a hat", 3)]  # the slider stays where it is
