"""What learners hand in, and the table of a class."""

import csv
import json

import pytest

from helpers import attempts
from helpers.exercises import check
from tools import marks

RIGHT = {"gan.1": {"attempts": 3, "passed_at": 2}}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The folder of a learner's exercises, which is not there yet."""
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results" / "exercises"


def unwritten(*anything):
    raise NotImplementedError


def table(folder):
    with (folder / marks.TABLE).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def hand_in(folder, file, learner, exercises, begun="2026"):
    found = {"learner": learner, "begun": begun, "exercises": exercises}
    (folder / f"{file}.json").write_text(json.dumps(found), encoding="utf-8")


# A learner


def test_each_answer_is_an_attempt_and_an_empty_page_is_none(own):
    check("comparison.2", unwritten)
    assert not own.exists()
    check("comparison.2", None)
    check("autoencoder.1", None)
    attempts.note("comparison.2", True)
    check("comparison.2", None)
    attempts.note("comparison.2", True)
    begun, found = attempts.attempts()
    assert begun.startswith("20")
    assert found == {
        "comparison.2": {"attempts": 4, "passed_at": 2},
        "autoencoder.1": {"attempts": 1, "passed_at": None},
    }


def test_a_file_is_handed_in(own, capsys):
    attempts.note("gan.1", False)
    attempts.note("gan.1", True)
    attempts.hand_in("  Zoë   O'Hara/7 ")
    said = capsys.readouterr().out
    (path,) = own.glob("*.json")
    assert said.startswith(f"{path}: exercises tried: 1, right: 1.")
    assert "nothing signs it" in said
    found = json.loads(path.read_text(encoding="utf-8"))
    assert (found["learner"], found["exercises"]) == ("Zoë O'Hara/7", {"gan.1": {"attempts": 2, "passed_at": 2}})


def test_half_a_character_is_no_obstacle(own):
    attempts.note("gan.1", True)
    attempts.hand_in("Ada \ud800")
    (path,) = own.glob("*.json")
    assert marks.read(path)[0] == "Ada ?"


@pytest.mark.parametrize("name", ["", "  ", None, 7])
def test_nobody_hands_in(own, refuses, name):
    attempts.note("gan.1", True)
    with refuses("hand in under a name", repr(name)):
        attempts.hand_in(name)


def test_nothing_is_handed_in(own, refuses):
    with refuses("no attempt is on record", str(own)):
        attempts.hand_in("Ada")
    assert not own.exists()


def test_lines_that_cannot_be_read_count_as_none(own):
    attempts.note("gan.1", True)
    with (own / attempts.LOG).open("ab") as log:
        log.write(b'{"exercise": "gan.2"}\n[1]\n7\n\xff\xfe\n{"exercise": "gan.3", "passed": tr')
    attempts.note("gan.4", True)
    assert list(attempts.attempts()[1]) == ["gan.1", "gan.4"]


def test_an_answer_counts_where_nothing_can_be_written(own, refuses):
    own.parent.mkdir()
    own.write_text("a file in the folder's place", encoding="utf-8")
    assert not check("gan.1", None).passed
    with refuses(str(own)):  # "cannot be read"; on Windows there is no such file, and no attempt is on record
        attempts.hand_in("Ada")


# A class


def test_a_class_in_one_table(tmp_path, capsys):
    hand_in(tmp_path, "b", "Berta", RIGHT | {"autoencoder.3": {"attempts": 4, "passed_at": None}})
    hand_in(tmp_path, "a", "ada", {"gan.1": {"attempts": 1, "passed_at": 1}, "old.1": {"attempts": 1, "passed_at": 1}})
    assert marks.main([str(tmp_path)]) == 0
    assert table(tmp_path) == [
        ["learner", "autoencoder.3", "gan.1", "old.1", "right"],
        ["ada", "", "1", "1", "2"],
        ["Berta", "no, 4", "2", "", "1"],
        ["right, of all", "0 of 2", "2 of 2", "1 of 2", ""],
    ]
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["gan.1", "tried", "by", "2,", "right", "2,", "at", "attempt", "1.5", "(median)"]
    assert lines[0].split() == ["autoencoder.3", "tried", "by", "1,", "right", "0"]
    assert lines[-1] == f"2 learners; the table is in {tmp_path / marks.TABLE}"


def test_what_a_learner_writes_is_what_a_teacher_reads(own, capsys):
    attempts.note("gan.1", False)
    attempts.note("gan.1", True)
    attempts.hand_in("Ada")
    assert marks.main([str(own)]) == 0
    assert table(own)[1] == ["Ada", "2", "1"]


def test_several_files_of_one_learner(tmp_path):
    wrong, right = {"attempts": 3, "passed_at": None}, {"attempts": 5, "passed_at": 2}
    hand_in(tmp_path, "Ada", "Ada", {"gan.1": wrong}, "2026-01-02")
    hand_in(
        tmp_path, "Ada (1)", "Ada", {"gan.1": {"attempts": 4, "passed_at": 4}}, "2026-01-02"
    )  # the same diary, later
    hand_in(tmp_path, "Ada (2)", "Ada", {"gan.1": right, "gan.2": right}, "2026-01-03")  # another session
    hand_in(tmp_path, "Ada (0)", "Ada", {"gan.2": wrong}, "2026-01-01")  # and one before both
    marks.main([str(tmp_path)])
    assert table(tmp_path)[1] == ["Ada", "4", "5", "2"]
    assert marks.together([marks.read(tmp_path / f"Ada{n}.json") for n in ("", " (1)", " (2)", " (0)")]) == {
        "Ada": {"gan.1": (9, 4), "gan.2": (8, 5)}
    }


@pytest.mark.parametrize(
    "text",
    [b"", b"nonsense", b"[" * 200_000, b'{"learner": "\\ud800", "begun": "", "exercises": {}}',
     b'{"learner": "x", "begun": "", "exercises": {"gan.1": {"attempts": 1' + b"0" * 400 + b', "passed_at": null}}}',
     b"\xff\xfe", b"[]", b"7", b'{"learner": "x"}', b'{"learner": "x", "exercises": {}}',
     b'{"learner": "x", "begun": "", "exercises": {"gan.1": 2}}',
     b'{"learner": "x", "begun": "", "exercises": {"gan.1": {"attempts": 1, "passed_at": 2}}}',
     b'{"learner": "x", "begun": "", "exercises": {"gan.1": {"attempts": true, "passed_at": 1}}}',
     b'{"learner": "x", "begun": "", "exercises": {"gan.1": {"attempts": 0, "passed_at": null}}}'],
)  # fmt: skip
def test_a_file_of_another_kind_is_named_and_left_out(tmp_path, text, capsys, refuses):
    (tmp_path / "other.json").write_bytes(text)
    with refuses("no file in", "other.json is left out"):
        marks.main([str(tmp_path)])
    assert not (tmp_path / marks.TABLE).exists()
    hand_in(tmp_path, "a", "Ada", RIGHT)
    assert marks.main([str(tmp_path)]) == 1
    assert "other.json is left out" in capsys.readouterr().out
    assert [row[0] for row in table(tmp_path)] == ["learner", "Ada", "right, of all"]


@pytest.mark.parametrize(("folder", "words"), [("missing", "there is no folder"), ("empty", "no file in")])
def test_a_folder_without_files(tmp_path, folder, words, refuses):
    (tmp_path / "empty").mkdir()
    with refuses(words, folder):
        marks.main([str(tmp_path / folder)])


def test_no_name_is_a_formula(tmp_path):
    hand_in(tmp_path, "a", '=HYPERLINK("x")', RIGHT)
    marks.main([str(tmp_path)])
    assert table(tmp_path)[1][0] == '\'=HYPERLINK("x")'
