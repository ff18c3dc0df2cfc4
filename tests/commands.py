"""The commands that the course's pages and its tools' docstrings tell people to type."""

import ast
import re

from helpers.files import COURSE

PROGRAMS = r"python3?|py|pip|bash|git|conda|voila|jupyter|cd|sha256sum|repo2docker"
COMMAND = re.compile(rf"(?:[A-Z_]+=\S+ )*(?:{PROGRAMS}|\.venv[/\\]\S+) +[^\s].*")
PAGES = ("README.md", "TEACHING.md", "CONTRIBUTING.md", "PUBLISHING.md", "data/README.md")


def sources():
    """{file: text} of everything that tells people what to type."""
    texts = {name: (COURSE / name).read_text(encoding="utf-8") for name in PAGES}
    programs = [COURSE / "start.py", COURSE / "tests/mutations.py"]
    for path in [*programs, *sorted((COURSE / "tools").glob("*.py"))]:
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        texts[path.relative_to(COURSE).as_posix()] = docstring
    return texts


def written(text, page):
    """The code in a text: a page's indented lines, every line of a docstring; and what is `quoted`."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ") or not page]
    return lines + [" ".join(piece.split()) for piece in re.findall(r"`([^`]+)`", text)]


def commands(text, page):
    """The commands of a text, each once, without comments; a line may hold several, joined by && or ;."""
    found = []
    for piece in written(text, page):
        without_comment = re.split(r"  +|\s#|\s\.\.\.\s", piece)[0]
        without_comment = without_comment.replace("[", "").replace("]", "")  # [gan] may be left out
        found += [part.strip() for part in re.split(r"&&|;", without_comment) if COMMAND.fullmatch(part.strip())]
    return list(dict.fromkeys(found))


def documented():
    """{command: files that name it} for the whole course."""
    found = {}
    for name, text in sources().items():
        for command in commands(text, page=name in PAGES):
            found.setdefault(command, []).append(name)
    return found
