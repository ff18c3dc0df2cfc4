"""Sliders and buttons that redraw one picture at once, through `widgets.Image` (Colab and JupyterLab both show it)."""

import ipywidgets

from helpers import recording
from helpers.callbacks import Careful
from helpers.files import CourseError
from helpers.plotting import to_png


def sliders(draw, ranges, width=280, zoom=4):
    """One control for each name in `ranges` above the picture that `draw` makes.

    ranges: {name: (low, high, step, start)} for a slider, {name: [number, ...]} for one that stops at these numbers
    only, {name: [word, ...]} for a list to choose from.
    draw: called with the sliders' values by name; returns an array (H, W) or (H, W, 3) from 0 (black) to 1 (white),
    enlarged `zoom` times and shown `width` pixels wide. The result has `.controls` {name: slider} and `.picture`.
    """
    return Explorer(draw, {name: make_control(name, values) for name, values in ranges.items()}, width, zoom)


def player(draw, actions, ranges, play, width=360, interval=150):
    """A picture of something that changes in steps, with a button for each step, sliders, and a play button.

    draw and ranges: as for `sliders`. actions: {label: function}, called with the sliders' values by name when the
    button is clicked; the picture is then drawn again. play: the label that the play button repeats, every `interval`
    milliseconds. The result also has `.buttons` {label: button} and `.play`.
    """
    if play not in actions:
        raise CourseError(f"play is {play!r}; it should name one of the actions: {', '.join(actions)}")
    controls = {name: make_control(name, values) for name, values in ranges.items()}
    return Player(draw, actions, controls, play, width, interval)


def prompt(draw, examples, ranges, width=640, zoom=1):
    """A line to type a sentence in, with a button, and sliders, above the picture that `draw` makes.

    examples: sentences that are offered; the first stands in the line at the start. draw: called with `sentence` and
    the sliders' values by name, when the button is pressed, when Enter ends the line, and when a slider moves. ranges,
    width, zoom: as for `sliders`. The result also has `.button`; `.controls["sentence"]` is the line.
    """
    if not examples or not all(isinstance(example, str) for example in examples):
        raise CourseError("examples should be a list of sentences, at least one")
    controls = {name: make_control(name, values) for name, values in ranges.items()}
    return Prompt(draw, {"sentence": make_line(examples), **controls}, width, zoom)


def make_line(examples):
    """A line to type in, which offers the examples, and reports when Enter ends it or it is left."""
    return ipywidgets.Combobox(
        value=examples[0], options=tuple(examples), description="sentence", continuous_update=False,
        layout={"width": "640px", "max_width": "98%"}, style={"description_width": "120px"},
    )  # fmt: skip


def make_control(name, values):
    """A list to choose from, or a slider that reports while it is dragged (whole numbers give whole steps)."""
    look = {
        "description": name,
        "layout": {"width": "420px", "max_width": "98%"},
        "style": {"description_width": "120px"},
    }
    if isinstance(values, list):
        numbers = all(isinstance(value, int | float) for value in values)
        return (ipywidgets.SelectionSlider if numbers else ipywidgets.Dropdown)(options=values, **look)
    if len(values) != 4:
        raise CourseError(f"slider {name!r}: give (low, high, step, start), not {len(values)} values")
    low, high, step, start = values
    if not low <= start <= high or step <= 0:
        raise CourseError(f"slider {name!r}: give (low, high, step, start) with low <= start <= high and step above 0")
    kind = ipywidgets.IntSlider if all(isinstance(value, int) for value in values) else ipywidgets.FloatSlider
    return kind(value=start, min=low, max=high, step=step, **look)


class Explorer(Careful):
    """Controls above a picture: whenever a control moves, the picture is drawn again.

    An error at the start is raised, and the cell shows it; later ones are shown below the last good picture.
    """

    def __init__(self, draw, controls, width, zoom):
        self.draw, self.controls, self.zoom = draw, controls, zoom
        self.picture = ipywidgets.Image(format="png", width=width)
        super().__init__()
        self.children = [*controls.values(), self.picture, self.note]
        for control in controls.values():
            control.observe(lambda change: self.attempt(self.redraw), names="value")
        self.redraw()

    def redraw(self):
        """Draw the picture for the controls' present values."""
        self.picture.value = to_png(self.draw(**self.values()), self.zoom)

    def values(self):
        """The controls' present values by name."""
        return {name: control.value for name, control in self.controls.items()}

    def recorded(self):
        """The picture for every position of the controls, as plain data."""
        return recording.record_sliders(self)


class Prompt(Explorer):
    """An explorer with a line to type in, and a button; what is drawn already is not drawn again."""

    def __init__(self, draw, controls, width, zoom):
        self.drawn = None
        super().__init__(draw, controls, width, zoom)
        self.button = ipywidgets.Button(description="draw", button_style="primary", layout={"width": "auto"})
        self.button.on_click(lambda clicked: self.attempt(self.redraw))
        line, *others = controls.values()
        self.children = [line, self.button, *others, self.note, self.picture]

    def redraw(self):
        """Draw the picture for the present sentence and values, unless it is the one that is shown."""
        values = self.values()
        if values != self.drawn:  # leaving the line by a press on the button reports twice
            super().redraw()
            self.drawn = values

    def recorded(self):
        """The picture for every sentence that is offered, as plain data; all sliders would take too long."""
        return recording.record_sliders(self, ["sentence"])


class Player(Explorer):
    """An explorer with buttons that change what is drawn, and one that repeats a step as a film."""

    def __init__(self, draw, actions, controls, play, width, interval):
        super().__init__(draw, controls, width, zoom=1)
        self.actions, self.repeated = actions, play
        self.buttons = {label: ipywidgets.Button(description=label, layout={"width": "auto"}) for label in actions}
        for button in self.buttons.values():
            button.on_click(lambda clicked: self.attempt(self.act, clicked.description))
        self.play = ipywidgets.Play(interval=interval, max=10_000, show_repeat=False)
        self.play.observe(lambda change: self.attempt(self.act, play), names="value")
        row = ipywidgets.HBox([*self.buttons.values(), self.play], layout={"flex_flow": "row wrap"})
        self.children = [row, *self.children]

    def act(self, label):
        """Do what the button `label` stands for, and draw."""
        self.actions[label](**self.values())
        self.redraw()

    def recorded(self):
        """The pictures after the first clicks, as plain data."""
        return recording.record_player(self)
