"""Where the course keeps its files, and how it makes sure that they are whole."""

import hashlib
import os
import re
import unicodedata
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

COURSE = Path(__file__).resolve().parent.parent
DATA = COURSE / "data"
RESULTS = COURSE / "results"  # what the learner's own runs leave behind; git ignores it
NOTEBOOKS = COURSE / "notebooks"
CHECKSUMS = DATA / "SHA256SUMS"
LONGEST = 80  # bytes of a part of a file name; two parts, and what else stands there, stay below the usual limit of 255
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)  # Windows keeps these names for devices
FIRST_EDITION = re.compile("[0-9]{2}_")  # so began its names; none of this edition does, see `file_part`
ELSEWHERE = "set the environment variable COURSE_RESULTS to a folder of yours before JupyterLab starts"


class Brief(BaseException):
    """An error whose message says it all."""

    def _render_traceback_(self):  # IPython shows this in place of forty lines of traceback
        return [f"{type(self).__name__}: {self}"]


class CourseError(Brief, Exception):
    """Something the learner can mend; its message is one sentence that says how."""


class Interrupted(Brief, KeyboardInterrupt):
    """The learner pressed stop; its message says what became of the work."""


def sha256(path):
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def shipped_checksums():
    """{path below data/: SHA-256} of every file that the course ships, from data/SHA256SUMS."""
    try:
        lines = CHECKSUMS.read_text(encoding="utf-8").splitlines()
        return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}
    except FileNotFoundError as error:
        raise CourseError(f"data/SHA256SUMS is missing; {restoring(CHECKSUMS)}") from error
    except OSError as error:
        raise CourseError(f"data/SHA256SUMS cannot be read ({reason(error)})") from error
    except ValueError as error:  # no UTF-8, or a line without two words
        raise CourseError(f"data/SHA256SUMS is damaged; {restoring(CHECKSUMS)}") from error


def is_listed(path):
    """Whether the course ships `path` (below data/), whether or not it is there."""
    return CHECKSUMS.is_file() and path.relative_to(DATA).as_posix() in shipped_checksums()


def verify(path):
    """`path` (below data/) if it is there and whole; otherwise a CourseError that says what to do."""
    read_verified(path)
    return path


def read_verified(path):
    """The bytes of a file below data/, which is closed again; a CourseError if it is missing or damaged.

    Reading all of it works on every file system, and keeps no file open that Windows could then not replace.
    """
    name = Path(path).relative_to(DATA).as_posix()
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise CourseError(f"data/{name} is missing; {restoring(path)}") from error
    except OSError as error:
        raise CourseError(f"data/{name} cannot be read ({reason(error)}); {restoring(path)}") from error
    if hashlib.sha256(content).hexdigest() != shipped_checksums().get(name):
        raise CourseError(f"data/{name} is damaged (its SHA-256 is not the one in data/SHA256SUMS); {restoring(path)}")
    return content


def restoring(path):
    """How to get a file below data/ back, in words that are right for this copy of the course."""
    name = Path(path).relative_to(DATA).as_posix()
    if (COURSE / ".git").exists():  # works from any working directory
        folder = str(COURSE) if re.fullmatch(r"[\w:/\\.~-]+", str(COURSE)) else f'"{COURSE}"'
        return f"`git -C {folder} checkout -- data/{name}` restores it"
    return f"download the course again, or copy data/{name} from another copy of it"


def topics():
    """{topic: number, as two digits} of all lessons, in order."""
    numbered = [path.stem.partition("_")[::2] for path in sorted(NOTEBOOKS.glob("*_*.ipynb"))]
    return {topic: number for number, topic in numbered if number.isdigit()}


def lesson_of(name):
    """The lesson whose topic `name` begins with, as "lesson 05"; "the lesson that made it" if there is none.

    A topic is the name of a notebook without its number. The longest one counts: "gan_training_fast" belongs to the
    lesson "gan_training", not to "gan".
    """
    numbers = topics()
    fitting = [topic for topic in numbers if f"{name}_".startswith(f"{topic}_")]
    return f"lesson {numbers[max(fitting, key=len)]}" if fitting else "the lesson that made it"


def remedy(path):
    """What to do about a bad file."""
    return restoring(path) if is_shipped(path) else f"delete {path}, and run {lesson_of(path.stem)} again"


def reason(error):
    """Why an operation on a file failed, in the system's words."""
    return error.strerror or str(error) or type(error).__name__


def shipped_folder(kind):
    """Where the course's "weights" or "samples" are."""
    return DATA / kind


def own_folder(kind):
    """Where this learner's "weights" or "samples" go: below results/, or below the folder that COURSE_RESULTS names.

    In COURSE_RESULTS `~` is the home folder, and a relative path begins at the course's folder, not at the working
    directory, which differs between a notebook, a terminal and a tool. Empty is as good as not set.
    """
    named = os.environ.get("COURSE_RESULTS", "").strip()
    try:
        return COURSE / Path(named or RESULTS).expanduser() / kind
    except RuntimeError as error:  # ~somebody
        raise CourseError(f"COURSE_RESULTS is {named!r}, and there is no such home folder; {ELSEWHERE}") from error


def own_file(kind, name):
    """The path of this learner's file if there is one that can be read, else None.

    One that another user may read alone is named, and treated as if it were not there.
    """
    path = own_folder(kind) / name
    try:
        with path.open("rb"):
            return path
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        print(f"left out: {path} cannot be read ({reason(error)}); {ELSEWHERE}")
        return None


def own_files(kind, suffix):
    """The paths of this learner's files of a kind that end in `suffix` and can be read, in order of their names."""
    folder = own_folder(kind)
    try:
        names = sorted(file.name for file in folder.iterdir() if file.suffix == suffix)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        print(f"left out: {folder} cannot be read ({reason(error)}); {ELSEWHERE}")
        return []
    return [path for path in (own_file(kind, name) for name in names) if path]


@cache
def name_first_edition(results):
    """Say, once a process, that a folder of results holds files of the first edition, which this one does not read."""
    names = []
    for kind in ("weights", "samples"):
        with suppress(OSError):  # there is none, or it is another user's
            names += [file.name for file in (results / kind).iterdir() if FIRST_EDITION.match(file.name)]
    if names:
        some = ", ".join(sorted(names)[:2]) + (" ..." if len(names) > 2 else "")
        print(
            f"The files in {results} whose names begin with a number ({some}) are of the first edition of the course, "
            "which numbered them; this edition does not read them: delete them."
        )


def file_part(name):
    """`name` as (a part of) a file name that every system takes; letters and digits of all scripts stay.

    What cannot stay becomes "_", and then six digits of a checksum follow, so that two names do not share a file.
    """
    name = unicodedata.normalize("NFC", name)  # one letter, one code, wherever it was typed
    part = "".join(c if c in "_.-" or unicodedata.category(c)[0] in "LMN" else "_" for c in name).strip(".")
    part = part.encode()[:LONGEST].decode(errors="ignore")
    if RESERVED.fullmatch(part) or FIRST_EDITION.match(part):
        part = f"_{part}"
    return part if part == name else f"{part}_{checksum(name)}"


def checksum(text):
    """Six digits that tell `text` from others."""
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:6]


def whose(path):
    """Whose file it is, in words."""
    return "shipped with the course" if is_shipped(path) else "your own"


def is_shipped(path):
    """Whether a file lies in data/."""
    return DATA in path.parents


@contextmanager
def atomic(path):
    """A temporary path to write to; moved to `path` when the block ends well, removed when it does not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def keep(path, content):
    """Write the bytes that `content()` returns, or refuses with a CourseError, to a learner's file.

    Where there is nothing to write, or no place for it, a sentence says so, an earlier file stays, and the lesson goes
    on with what is in memory.
    """
    try:
        whole = content()
        with atomic(path) as partial:
            partial.write_bytes(whole)
    except CourseError as error:
        print(f"not kept: {error}")
    except OSError as error:
        full = f"free some space there if it is full, or {ELSEWHERE}"
        print(f"not kept: cannot write {path} ({reason(error)}); {full}")


def contents(path):
    """The bytes of a file, a shipped one verified; a CourseError if it cannot be read."""
    try:
        return read_verified(path) if is_shipped(path) else path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} cannot be read ({reason(error)})") from error
