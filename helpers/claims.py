"""What a lesson claims, asserted where it was measured and reported everywhere else; and what `steps` means.

A claim such as "the network beats PCA" was measured with one data set and one length of training. Somebody who trains
for thirty steps, or on digits, should see how far it holds there, and go on with the lesson.
"""

from helpers.arguments import whole_number
from helpers.files import Brief, CourseError

MEASURED_ON = "fashion"


class ClaimFailed(Brief, AssertionError):
    """A claim of the lesson does not hold in a run in which it should."""


class Claims:
    """`claim = Claims(dataset, steps, full=2000)`, then `claim(error < 0.1, "the copy should resemble the original")`.

    `full` is the lesson's own number of steps. With the data set "fashion" and steps `full` (or 0, the shipped weights)
    a claim that does not hold raises `ClaimFailed`. In any other run it is printed, and the lesson goes on.
    """

    def __init__(self, dataset, steps, full):
        self.strict, whole = True, at_least_zero(steps)
        if dataset != MEASURED_ON or whole not in (0, full):
            self.relax(f"they were measured with {MEASURED_ON!r} and steps = {full}, not {dataset!r} and {steps}")

    def relax(self, why):
        """From now on name the claims that do not hold, and let the lesson go on."""
        if self.strict:
            print(f"Claims of this lesson that do not hold here are named, and nothing stops: {why}.")
        self.strict = False

    def built_on(self, *runs):
        """Say on which weights of earlier lessons, as `Run`s, the claims rest: on a learner's shorter training, too."""
        for run in runs:
            if run.shorter:
                self.relax(f"{run.path.stem} is your own, from fewer steps than the course's")

    def __call__(self, holds, sentence):
        """Check one claim: `holds` is a bool (or a tensor with one), `sentence` says what should be so."""
        if holds:
            return
        if self.strict:
            raise ClaimFailed(sentence)
        print(f"Not so in this run: {sentence}.")


def scaled(steps, factor):
    """Steps of a training beside the lesson's main one: `factor` times as many, at least 1.

    So a lesson has one parameter for its length, and a short run trains everything, if only for a step. 0 stays 0: the
    shipped weights.
    """
    whole = at_least_zero(steps)
    return whole and max(1, round(whole * factor))


def at_least_zero(steps):
    """A lesson's number of steps as an int; a CourseError for what is no whole number, or below 0."""
    whole = whole_number(steps)
    if whole is None or whole < 0:
        raise CourseError(f"steps is {steps!r}; choose a whole number, 0 for the shipped weights")
    return whole
