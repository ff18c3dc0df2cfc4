"""Where the course keeps its files, and how it makes sure that they are whole."""

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path

COURSE = Path(__file__).resolve().parent.parent
DATA = COURSE / "data"
RESULTS = COURSE / "results"  # what the learner's own runs leave behind; git ignores it
CHECKSUMS = DATA / "SHA256SUMS"


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
    if not CHECKSUMS.is_file():
        raise CourseError("data/SHA256SUMS is missing; `git checkout -- data/SHA256SUMS` restores it")
    lines = CHECKSUMS.read_text().splitlines()
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def verify(path):
    """`path` (below data/) if it is there and whole; otherwise a CourseError that says what to do."""
    name = Path(path).relative_to(DATA).as_posix()
    restore = f"`git checkout -- data/{name}` restores it"
    if not path.is_file():
        raise CourseError(f"data/{name} is missing; {restore}")
    if sha256(path) != shipped_checksums().get(name):
        raise CourseError(f"data/{name} is damaged (its SHA-256 is not the one in data/SHA256SUMS); {restore}")
    return path


def own_folder(kind):
    """Where this learner's "weights" or "samples" go: below results/, or below the folder that COURSE_RESULTS names."""
    return Path(os.environ.get("COURSE_RESULTS", RESULTS)) / kind


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


@contextmanager
def atomic_for_learner(path):
    """As `atomic`, for what a learner's run leaves behind; a CourseError says what to do where it cannot be written."""
    try:
        with atomic(path) as partial:
            yield partial
    except OSError as error:
        raise CourseError(
            f"cannot write {path} ({error.strerror or error}); free some space, or set the environment variable "
            "COURSE_RESULTS to a folder of yours before JupyterLab starts"
        ) from error
