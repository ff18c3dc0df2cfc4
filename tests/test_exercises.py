"""Exercises and quiz questions: every answer gets a reply, and no answer stops the lesson."""

import sys
from types import ModuleType

import pytest

from helpers import exercises
from helpers.exercises import Wrong, check, exercise, find, hint
from helpers.exercises.quiz import Choice, Prediction
from tools import notebooks


@pytest.fixture
def answers(monkeypatch):
    """A lesson with one exercise: a function that returns 42. Its texts contain what html must escape."""
    monkeypatch.setitem(sys.modules, "helpers.exercises.answers", ModuleType("answers"))
    monkeypatch.setattr(exercises, "EXERCISES", {})

    @exercise("answers.1", "a < b", "b & c", "the last <hint>")
    def forty_two(answer):
        if answer() != 42:
            raise Wrong("<i>too</i> far")
        return "6 * 7 > 41"


def answer_unwritten():
    raise NotImplementedError


def answer_divides_by_zero():
    return 1 / 0


def answer_asserts():
    raise AssertionError("shapes differ")


# check and hint


def test_a_right_answer_passes_with_praise(answers):
    feedback = check("answers.1", lambda: 42)
    assert feedback.passed
    assert repr(feedback) == "Right. 6 * 7 > 41"


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (lambda: 41, "<i>too</i> far"),
        (answer_unwritten, "Nothing is written there yet; replace the `raise NotImplementedError` line"),
        (answer_divides_by_zero, "Your code stopped with ZeroDivisionError: division by zero"),
        (answer_asserts, "Your code stopped with AssertionError: shapes differ"),
        (None, "Your code stopped with TypeError"),
    ],
)
def test_a_wrong_answer_gets_a_reply_and_hints_but_never_an_error(answers, answer, reply):
    feedback = check("answers.1", answer)
    assert not feedback.passed
    assert feedback.message.startswith(reply)
    assert feedback.hints == ("a < b", "b & c", "the last <hint>")
    assert repr(feedback).startswith("Not yet. ")


def test_an_interrupt_is_not_swallowed(answers):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("answers.1", interrupted)


@pytest.mark.parametrize("ask", [find, hint, lambda name: check(name, 42)])
@pytest.mark.parametrize("name", ["answers.2", "other.1", "quiz.1", "nonsense", "99.1", ".1", "", "..", 3])
def test_an_unknown_exercise_is_answered_with_the_known_ones(answers, ask, name, refuses):
    with refuses(f"no exercise {name!r}", "known: answers.1"):
        ask(name)


@pytest.mark.parametrize(("level", "text"), [(1, "a < b"), (2, "b & c"), (3, "the last <hint>")])
def test_hints_open_one_at_a_time(answers, level, text):
    assert hint("answers.1", level) == text


def test_the_first_hint_comes_first(answers):
    assert hint("answers.1") == hint("answers.1", 1)


@pytest.mark.parametrize("level", [0, 4, -1, 1.5])
def test_a_hint_that_does_not_exist_is_refused(answers, level, refuses):
    with refuses("answers.1", "hints 1 to 3"):
        hint("answers.1", level)


def test_html_escapes_messages_and_hints(answers):
    html = check("answers.1", lambda: 41)._repr_html_()
    assert "&lt;i&gt;too&lt;/i&gt; far" in html
    assert "the last &lt;hint&gt;" in html
    assert "<i>" not in html
    assert "<hint>" not in html


def test_html_hides_each_hint_behind_its_number(answers):
    html = check("answers.1", lambda: 41)._repr_html_()
    assert html.count("<details>") == html.count("</details>") == 3
    assert html.index("Hint 1</summary>a &lt; b") < html.index("Hint 2</summary>b &amp; c") < html.index("Hint 3")


def test_html_of_a_right_answer_shows_no_hints(answers):
    html = check("answers.1", lambda: 42)._repr_html_()
    assert "<b>Right.</b> 6 * 7 &gt; 41" in html
    assert "<details>" not in html


def test_the_text_tells_how_to_open_each_hint(answers):
    assert "3 hints" in repr(check("answers.1", lambda: 41))
    assert 'hint("answers.1", 3)' in repr(check("answers.1", lambda: 41))


@pytest.mark.parametrize("topic", [notebooks.topic(path) for path in notebooks.lessons()[1:]])
def test_every_lesson_has_its_own_exercises_with_hints(topic):
    find(f"{topic}.1")
    own = {name: hints for name, (_, hints) in exercises.EXERCISES.items() if name.startswith(f"{topic}.")}
    assert sorted(own) == [f"{topic}.{i}" for i in (1, 2, 3)]
    assert all(own.values())


# Questions with buttons


def styles(question):
    return [button.button_style for button in question.buttons]


def test_before_a_click_nothing_is_chosen():
    question = Prediction("Which wins?", ["PCA", "the autoencoder"])
    assert question.chosen is None
    assert styles(question) == ["", ""]
    assert question.reply.value == ""


def test_the_buttons_show_the_options():
    question = Prediction("Which wins?", ["PCA", "the autoencoder"])
    assert [button.description for button in question.buttons] == ["PCA", "the autoencoder"]


def test_a_click_chooses_and_marks_only_its_button():
    question = Prediction("Which wins?", ["a", "b", "c"])
    question.buttons[0].click()
    question.buttons[2].click()
    assert question.chosen == "c"
    assert styles(question) == ["", "", "info"]


def test_a_prediction_is_noted_without_telling_the_answer():
    question = Prediction("Which wins?", ["a < b", "b"])
    question.buttons[0].click()
    assert question.reply.value.startswith("Noted: a &lt; b.")


def test_reveal_sets_the_guess_beside_the_truth():
    question = Prediction("Which wins?", ["a", "b"])
    question.buttons[1].click()
    assert question.reveal("a, by 30 %") == "Your guess: b. Measured: a, by 30 %."


def test_reveal_without_a_guess_tells_the_truth_all_the_same():
    assert Prediction("Which wins?", ["a", "b"]).reveal("a") == "You made no guess. Measured: a."


@pytest.mark.parametrize(
    ("clicked", "reply"), [(0, "Right. It is &lt; 0."), (1, "Not quite. Look at the sign &amp; again.")]
)
def test_a_choice_is_answered_at_once(clicked, reply):
    question = Choice("The sign?", {"minus": "It is < 0.", "plus": "Look at the sign & again."}, right="minus")
    question.buttons[clicked].click()
    assert question.reply.value == reply


def test_the_question_is_escaped():
    assert Prediction("Is a < b?", ["yes", "no"]).children[0].value == "<b>Is a &lt; b?</b>"


@pytest.mark.parametrize("options", [[], ["only one"], ["twice", "twice"]])
def test_options_that_leave_no_choice_are_refused(options, refuses):
    with refuses("two or more options, all different"):
        Prediction("Which wins?", options)


def test_a_right_option_that_is_not_offered_is_refused(refuses):
    with refuses("'c'", "['a', 'b']"):
        Choice("Which?", {"a": "no", "b": "no"}, right="c")
