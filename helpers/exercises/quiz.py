"""Questions with buttons: commit to a guess before the cell that answers it, or test yourself at once."""

import html

import ipywidgets

from helpers import recording
from helpers.callbacks import Careful
from helpers.files import CourseError


class Question(Careful):
    """A question with one button for each option; `.chosen` is the option last clicked, or None."""

    def __init__(self, question, options):
        if len(options) < 2 or len(set(options)) != len(options):
            raise CourseError("a question needs two or more options, all different")
        self.question, self.chosen = question, None
        look = ipywidgets.Layout(width="auto", flex="0 0 auto")
        self.buttons = [ipywidgets.Button(description=o, layout=look) for o in options]
        for button in self.buttons:
            button.on_click(lambda clicked: self.attempt(self.choose, clicked))
        self.reply = ipywidgets.HTML()
        heading = ipywidgets.HTML(f"<b>{html.escape(question)}</b>")
        row = ipywidgets.HBox(self.buttons, layout=ipywidgets.Layout(flex_flow="row wrap"))  # for narrow windows
        super().__init__()
        self.children = [heading, row, self.note, self.reply]

    def choose(self, button):
        """Note the clicked option, mark its button, and answer."""
        self.chosen = button.description
        for other in self.buttons:
            other.button_style = "info" if other is button else ""
        self.reply.value = html.escape(self.answer())

    def answer(self):
        """The sentence shown after a click."""
        raise NotImplementedError

    def recorded(self):
        """The question and what is answered to each option, as plain data."""
        return recording.record_question(self)


class Prediction(Question):
    """A guess made before the measurement; `reveal` compares the two afterwards."""

    def answer(self):
        return f"Noted: {self.chosen}. Now run the cells below and see."

    def reveal(self, truth):
        """The sentence that sets the guess (if one was made) beside the truth."""
        guess = "You made no guess." if self.chosen is None else f"Your guess: {self.chosen}."
        return f"{guess} Measured: {truth}."


class Choice(Question):
    """A multiple-choice question answered at once; why: {option: sentence}, in the order of the buttons."""

    def __init__(self, question, why, right):
        if right not in why:
            raise CourseError(f"the right option {right!r} is not among {list(why)}")
        self.why, self.right = why, right
        super().__init__(question, list(why))

    def answer(self):
        verdict = "Right." if self.chosen == self.right else "Not quite."
        return f"{verdict} {self.why[self.chosen]}"

    def recorded(self):
        return super().recorded() | {"right": self.right}
