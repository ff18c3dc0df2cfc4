"""Give a lesson another number: `python -m tools.move 07 08`.

Its notebook and its solutions get new file names, and every text that names the lesson by its number or its file
follows: titles, links and their texts, "lesson 09", "(08)". Nothing else carries the number: weights, samples,
exercises and modules have the topic, which is the file name without the number. Lists and tables keep their order, and
nothing is executed: what the notebooks have printed follows at their next run.
"""

import argparse
import re
from functools import cache

from helpers.files import COURSE, CourseError, atomic, topics
from tools import notebooks

PAGES = ("README.md", "TEACHING.md", "data/README.md", ".github/workflows/tests.yml")
CODE = ("start.py", "conftest.py", "helpers", "tools", "tests")
MANY = r"\d\d(?:(?:, | and | or | to |, and )\d\d)*(?![\d.,]*\d)(?!\w)"


@cache  # a move changes numbers, not topics, and asks for every cell of every notebook
def pattern():
    """What names a lesson by its number: a file, a title, the text of a link, "lessons 04 and 05", "(04)", "**00 A**".

    The named group, of which a match has one, is what stands before the numbers.
    """
    names = "|".join(sorted(topics(), key=len, reverse=True))
    return re.compile(
        rf"(?P<file>\b)\d\d(?=_(?:{names})\b)"
        r"|(?P<title>^#+ )\d\d(?= ·)"
        r"|(?P<link>\[(?:lesson )?)\d\d(?=[^\]\n]*\]\([./a-z]*\d\d_)"
        r"|(?P<bold>\*\*)\d\d(?= [^*\n]+\*\*)"
        rf"|(?P<words>\b[Ll]essons? ){MANY}"
        r"|(?P<label>(?<= )\()[01]\d(?=\))",  # a lesson's number is below 20: "z (32)" is a size
        re.M,
    )


def references(text):
    """(position, number) of each place where `text` names a lesson by its number, in order."""
    for match in pattern().finditer(text):
        before = match[match.lastgroup]
        for number in re.finditer(r"\d\d", match.group()[len(before) :]):
            yield match.start() + len(before) + number.start(), number.group()


def renumbered(text, numbers):
    """`text` with each reference to a lesson in `numbers`, {old: new}, changed."""
    for position, number in reversed(list(references(text))):
        text = text[:position] + numbers.get(number, number) + text[position + 2 :]
    return text


def pages():
    """Every file of the course, notebooks apart, that may name a lesson, in order."""
    code = [path for name in CODE for path in ((COURSE / name).rglob("*.py") if "." not in name else [COURSE / name])]
    return [path for path in [*(COURSE / name for name in PAGES), *sorted(code)] if path.is_file()]


def move(old, new):
    """Give lesson `old` the number `new`; a CourseError if there is no such lesson, or the number is taken."""
    numbers = sorted(topics().values())
    if old not in numbers:
        raise CourseError(f"there is no lesson {old!r}; lessons are called {', '.join(numbers)}")
    if not re.fullmatch("[01][0-9]", new):
        raise CourseError(f"{new!r} is no number of a lesson; give two digits, 00 to 19")
    if new in numbers:
        raise CourseError(f"the number {new} is taken; move that lesson first")
    for path in notebooks.paths():
        notebook = notebooks.read(path)
        before = [cell.source for cell in notebook.cells]
        for cell in notebook.cells:
            cell.source = renumbered(cell.source, {old: new})
        if [cell.source for cell in notebook.cells] != before:
            notebooks.write(notebook, path)
    for path in pages():
        text = path.read_text(encoding="utf-8")
        if (changed := renumbered(text, {old: new})) != text:
            with atomic(path) as partial:
                partial.write_text(changed, encoding="utf-8", newline="\n")
    for path in notebooks.paths(f"{old}_"):
        path.rename(path.with_name(f"{new}{path.name[2:]}"))


def main(arguments):
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        "python -m tools.move", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", help="the lesson's number now")
    parser.add_argument("new", help="its new number, which no lesson has")
    options = parser.parse_args(arguments)
    move(options.old, options.new)


if __name__ == "__main__":
    notebooks.command(main)
