"""What a lesson claims, asserted where it was measured and reported everywhere else; and what `steps` means.

A claim such as "the network beats PCA" was measured with one data set and one length of training. Somebody who trains
for thirty steps, or on digits, should see how far it holds there, and go on with the lesson.
"""

from helpers.arguments import at_least_zero
from helpers.files import Brief

MEASURED_ON, SEEDS = "fashion", (0, 1, 2)


class ClaimFailed(Brief, AssertionError):
    """A claim of the lesson does not hold in a run in which it should."""


class Claims:
    """`claim = Claims(dataset, steps, seed, full=2000)`, then `claim(error < 0.1, "copies should be near originals")`.

    `full` is the lesson's own number of steps. With the data set `measured_on`, with `full` steps (or 0, the shipped
    weights) and one of three seeds, a claim that does not hold raises `ClaimFailed`. In any other run it is printed,
    and the lesson goes on.
    """

    def __init__(self, dataset, steps, seed, full, measured_on=MEASURED_ON):
        self.strict, whole = True, at_least_zero(steps)
        if dataset != measured_on or whole not in (0, full) or seed not in SEEDS:
            measured = f"{measured_on!r}, steps = {full} and seeds {SEEDS[0]} to {SEEDS[-1]}"
            self.relax(f"they were measured with {measured}, not with {dataset!r}, {steps} and {seed}")

    def relax(self, why):
        """From now on name the claims that do not hold, and let the lesson go on."""
        if self.strict:
            print(f"Claims of this lesson that do not hold here are named, and nothing stops: {why}.")
        self.strict = False

    def built_on(self, *runs):
        """Say on which weights of earlier lessons, as `Run`s, the claims rest.

        A learner's own count if they had as many steps as the shipped ones.
        """
        for run in runs:
            if run.shipped_steps not in (None, run.steps):
                self.relax(f"{run.path.stem} is your own, and was trained for another number of steps ({run.steps:,})")

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
