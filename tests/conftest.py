"""What the tests share: figures that need no screen, and the check that an error is one helpful sentence."""

from contextlib import contextmanager

import matplotlib
import matplotlib.pyplot as plt
import pytest

from helpers.files import CourseError

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def closed_figures():
    """No test leaves a figure behind."""
    yield
    plt.close("all")


@pytest.fixture
def refuses():
    """`with refuses("word"):` expects a CourseError whose message is one line and holds every word."""

    @contextmanager
    def expect(*words):
        with pytest.raises(CourseError) as caught:
            yield
        message = str(caught.value)
        assert message.count("\n") == 0
        for word in words:
            assert word in message

    return expect
