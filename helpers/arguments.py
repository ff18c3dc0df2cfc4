"""What people write where a whole number is wanted."""

import operator

from helpers.files import CourseError


def whole_number(value):
    """A whole number of any kind (NumPy's, too) as an int; None for anything else, True and False included."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def at_least_zero(steps):
    """A number of training steps as an int; a CourseError for what is no whole number, or below 0."""
    whole = whole_number(steps)
    if whole is None or whole < 0:
        raise CourseError(f"steps is {steps!r}; choose a whole number, 0 for the shipped weights")
    return whole


def checked_seed(seed):
    """A seed for all random generators as an int; a CourseError for what is no whole number from 0 to 2^32 - 1."""
    whole = whole_number(seed)
    if whole is None or not 0 <= whole < 2**32:
        raise CourseError(f"seed is {seed!r}; choose a whole number from 0 to 4294967295")
    return whole
