"""What a learner's answers leave behind: a line for each attempt, and one file to hand in."""

import json
from contextlib import suppress
from datetime import UTC, datetime

from helpers.files import ELSEWHERE, CourseError, atomic, file_part, own_folder, reason

LOG = "attempts.jsonl"
UNSIGNED = "It holds names and counts, no answers, and nothing signs it: whoever opens it can change it."


def note(name, passed):
    """Add an attempt at exercise `name` to the learner's file; where nothing can be written, the answer still counts.

    A line is added and nothing else is touched, so that two notebooks can be open at once.
    """
    line = json.dumps({"exercise": name, "passed": passed, "at": datetime.now(UTC).isoformat()})
    with suppress(OSError, CourseError):  # a check has judged by now, and a lesson goes on without its diary
        folder = own_folder("exercises")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOG).open("a", encoding="utf-8", newline="\n") as log:
            log.write(f"\n{line}\n")  # a line that was cut off ends here


def attempts():
    """(Beginning, {exercise: {"attempts": n, "passed_at": the number of the first right one, or None}}).

    The beginning is the time of the first line, "" if there is none: it tells one learner's Colab sessions apart, since
    each has a file of its own. A line that cannot be read, since a disk was full or somebody edited it, counts as none.
    """
    path = own_folder("exercises") / LOG
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    except OSError as error:
        raise CourseError(f"{path} cannot be read ({reason(error)})") from error
    begun, found = "", {}
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):
            noted = json.loads(line)
            name, passed, at = str(noted["exercise"]), noted["passed"] is True, str(noted["at"])
            begun = begun or at
            entry = found.setdefault(name, {"attempts": 0, "passed_at": None})
            entry["attempts"] += 1
            if passed and entry["passed_at"] is None:
                entry["passed_at"] = entry["attempts"]
    return begun, found


def hand_in(learner):
    """Write the file that a learner hands in, NAME.json, and print where it is and what it is.

    A CourseError if `learner` is no name, if no exercise was tried, or if the file cannot be written.
    """
    if not isinstance(learner, str) or not learner.strip():
        raise CourseError(f'hand in under a name, as in hand_in("Ada Lovelace"); this is {learner!r}')
    begun, found = attempts()
    if not found:
        raise CourseError(
            f"no attempt is on record in {own_folder('exercises')}; `check` an exercise first, and if you did, that "
            f"folder cannot be written to: {ELSEWHERE}"
        )
    name = " ".join(learner.split()).encode(errors="replace").decode()  # half a character cannot be written
    path = own_folder("exercises") / f"{file_part(name)}.json"
    written = {"learner": name, "begun": begun, "exercises": found}
    try:
        with atomic(path) as partial:
            partial.write_text(json.dumps(written, ensure_ascii=False, indent=1), encoding="utf-8", newline="\n")
    except OSError as error:
        raise CourseError(f"{path} cannot be written ({reason(error)}); {ELSEWHERE}") from error
    passed = sum(entry["passed_at"] is not None for entry in found.values())
    print(f"{path}: exercises tried: {len(found)}, right: {passed}. Hand in this file. {UNSIGNED}")
