"""The exercises of a class: `python -m tools.marks FOLDER`, where the files lie that the learners handed in.

Each file was written by `hand_in("name")` in a lesson (helpers.attempts). It prints a line for each exercise, and
writes marks.csv into that folder, a row for each learner: a cell says at which attempt an exercise was right ("2"), or
how many wrong answers it got ("no, 3"); an empty one was never tried. Several files of one name are one learner: of
those from one session or machine the longest counts, those of several are put together. Nothing signs these files: they
show a teacher where a class is stuck, and are no examination.
"""

import argparse
import csv
import json
from collections import Counter
from pathlib import Path
from statistics import median

from helpers.files import CourseError, atomic, reason
from tools import notebooks

TABLE = "marks.csv"
FORMULA = ("=", "+", "-", "@", "\t")  # what a spreadsheet would compute, not show


def read(path):
    """(learner, when the file's attempts began, {exercise: (attempts, number of the first right one or None)}).

    A CourseError if it is no such file.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
        json.dumps(found, ensure_ascii=False).encode()  # a ValueError for what no table can hold
        exercises = {str(name): counts(entry) for name, entry in found["exercises"].items()}
        return str(found["learner"]), str(found["begun"]), exercises
    except OSError as error:
        raise CourseError(f"{path.name} is left out: it cannot be read ({reason(error)})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CourseError(f"{path.name} is left out: hand_in did not write it, or it was changed") from error


def counts(entry):
    """(attempts, number of the first right one or None), both checked; a ValueError if they cannot be."""
    tried, passed_at = entry["attempts"], entry["passed_at"]
    if type(tried) is not int or not 1 <= tried < 1_000_000 or (passed_at is not None and type(passed_at) is not int):
        raise ValueError(entry)
    if passed_at is not None and not 1 <= passed_at <= tried:
        raise ValueError(entry)
    return tried, passed_at


def together(files):
    """{learner: exercises} from what `read` returned for each file.

    Files that began at one moment are one diary, handed in again: the longest counts. Others follow each other.
    """
    diaries = {}
    for learner, begun, exercises in files:
        kept = diaries.setdefault(learner, {}).setdefault(begun, {})
        if sum(tried for tried, _ in exercises.values()) > sum(tried for tried, _ in kept.values()):
            diaries[learner][begun] = exercises
    found = {}
    for learner, parts in diaries.items():
        mine = found.setdefault(learner, {})
        for _, exercises in sorted(parts.items()):
            for name, (tried, passed_at) in exercises.items():
                before, first = mine.get(name, (0, None))
                later = None if passed_at is None else before + passed_at
                mine[name] = before + tried, later if first is None else first
    return found


def cell(entry):
    """What the table says about one exercise of one learner."""
    if entry is None:
        return ""
    tried, passed_at = entry
    return f"no, {tried}" if passed_at is None else str(passed_at)


def in_order(names):
    """Exercises in the order of the lessons; those that no lesson has, last."""
    place = {notebooks.topic(path): number for number, path in enumerate(notebooks.lessons())}
    return sorted(names, key=lambda name: (place.get(name.partition(".")[0], len(place)), name))


def table(handed_in):
    """Rows of texts, the heading first, from {learner: exercises}; learners by name."""
    columns = in_order({name for exercises in handed_in.values() for name in exercises})
    rows = [["learner", *columns, "right"]]
    for learner, exercises in sorted(handed_in.items(), key=lambda pair: pair[0].casefold()):
        right = sum(passed_at is not None for _, passed_at in exercises.values())
        rows.append([learner, *(cell(exercises.get(name)) for name in columns), str(right)])
    passed = Counter(
        name for exercises in handed_in.values() for name, entry in exercises.items() if entry[1] is not None
    )
    rows.append(["right, of all", *(f"{passed[name]} of {len(handed_in)}" for name in columns), ""])
    return rows


def summary(handed_in):
    """One line an exercise, for a terminal: how many tried it, how many are right, and at which attempt (median)."""
    lines = []
    for name in in_order({name for exercises in handed_in.values() for name in exercises}):
        entries = [exercises[name] for exercises in handed_in.values() if name in exercises]
        firsts = [passed_at for _, passed_at in entries if passed_at is not None]
        when = f", at attempt {median(firsts):g} (median)" if firsts else ""
        lines.append(f"{name:24} tried by {len(entries):3}, right {len(firsts):3}{when}")
    return "\n".join(lines)


def main(arguments):
    """Read a folder, write its table and print a summary; returns the exit status: 1 if a file had to be left out."""
    parser = argparse.ArgumentParser(
        "python -m tools.marks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the learners' files lie")
    folder = parser.parse_args(arguments).folder
    if not folder.is_dir():
        raise CourseError(f"there is no folder {folder}; name the one with the learners' files")
    files, left_out = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            files.append(read(path))
        except CourseError as error:
            left_out.append(str(error))
    if not files:
        raise CourseError(" ".join([f"no file in {folder} was written by hand_in;", *left_out]).rstrip(";"))
    handed_in = together(files)
    try:
        with atomic(folder / TABLE) as partial, partial.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([[shown(text) for text in row] for row in table(handed_in)])
    except OSError as error:
        raise CourseError(f"{folder / TABLE} cannot be written ({reason(error)})") from error
    print(summary(handed_in))
    learners = f"{len(handed_in)} learner{'s' if len(handed_in) > 1 else ''}"
    print(f"{learners}; the table is in {folder / TABLE}", *left_out, sep="\n")
    return 1 if left_out else 0


def shown(text):
    """A text as a spreadsheet shows it, where it could begin a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


if __name__ == "__main__":
    notebooks.command(main)
