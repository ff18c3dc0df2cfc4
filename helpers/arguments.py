"""What people write where a whole number is wanted."""

import operator


def whole_number(value):
    """A whole number of any kind (NumPy's, too) as an int; None for anything else, True and False included."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None
