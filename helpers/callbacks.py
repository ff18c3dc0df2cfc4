"""Errors in what a slider, a button or a question calls: shown below it, since JupyterLab and Colab stay silent."""

import html
import sysconfig
import traceback

import ipywidgets

from helpers import recording
from helpers.files import COURSE, CourseError


class Careful(ipywidgets.VBox):
    """A widget that shows an error of its callbacks below it: JupyterLab and Colab show nothing of it by themselves.

    `.problem` is the sentence about the last callback's error, "" when all is well; `.note` is where it is shown.
    """

    def __init__(self):
        self.problem = ""
        self.note = ipywidgets.HTML()
        super().__init__()

    def attempt(self, action, *arguments):
        """Call `action(*arguments)`, and show whether it went well."""
        try:
            action(*arguments)
        except Exception as error:  # whatever the learner's function raises
            self.problem = in_words(error)
        else:
            self.problem = ""
        text = html.escape(self.problem)
        self.note.value = f'<span style="color: #B00020">{text}</span>' if text else ""

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        return bundle | ({recording.KIND: self.recorded()} if recording.wanted() else {})

    def recorded(self):
        """What a page without a kernel needs to show this widget, as plain data."""
        raise NotImplementedError


def in_words(error):
    """One sentence about an error in a learner's function; a CourseError is one already."""
    if isinstance(error, CourseError):
        return str(error)
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if is_learners(frame.filename)]
    where = f" in {own[-1].name}, line {own[-1].lineno}: {own[-1].line}" if own else ""
    return f"{type(error).__name__}: {error}{where} (mend the cell of this function, then run both cells again)"


def is_learners(filename):
    """Whether code of this file is neither the course's nor Python's nor a package's: a cell of the notebook."""
    others = (str(COURSE / "helpers"), sysconfig.get_path("stdlib"))
    return not filename.startswith(others) and "-packages" not in filename  # site-packages; dist-packages on Colab
