"""A lesson's number stands in its file name; whatever else names it agrees, and nothing that is kept has a number."""

import ast
import re
from pathlib import Path

import pytest

from helpers.files import COURSE, DATA
from tools import move, notebooks

TOPICS = move.topics()
LESSONS = [path.stem for path in notebooks.lessons()]
LINK = re.compile(r"\[(?:[Ll]esson )?(\d\d)([^\]\n]*)\]\(([^)\s]*?(\d\d_\w+)\.ipynb)[^)]*\)")
FILE = re.compile(rf"\b\d\d_(?:{'|'.join(sorted(TOPICS, key=len, reverse=True))})\b")
BARE = re.compile(r"(?<![\d.,:=-])\b0\d\b(?![.,:]?\d|[-/])")  # no year, no decimal, no time: so is a lesson written
EXAMPLE = re.compile(r"tools\.move \d\d \d\d")
SHOWS = "tools/move.py"  # its help gives numbers as examples


def texts():
    """{place: text} of everything that may name a lesson, tests apart: each cell of a notebook is a place."""
    pages = {path.relative_to(COURSE).as_posix(): path.read_text(encoding="utf-8") for path in move.pages()}
    found = {place: text for place, text in pages.items() if not place.startswith("tests/")}
    for path in notebooks.paths():
        cells = notebooks.read(path).cells
        found |= {f"{path.parent.name}/{path.stem}, cell {i}": cell.source for i, cell in enumerate(cells)}
    return found


def title(path):
    """The title of a notebook, "05 · An opponent for a loss"."""
    return re.match(r"# (.+)", notebooks.read(path).cells[0].source)[1]


TITLES = {path.stem: title(path) for path in notebooks.lessons()}


def strangers(text):
    """What in `text` names a lesson that does not exist, or names one in a way that `move` would not follow."""
    text = EXAMPLE.sub("", text)
    places = dict(move.references(text))
    found = [f"lesson {number} does not exist" for number in places.values() if number not in TOPICS.values()]
    found += [
        f"{name} does not exist" for name in FILE.findall(text) if name[:2] in TOPICS.values() and name not in LESSONS
    ]
    for match in BARE.finditer(text):
        if match.start() not in places:
            found.append(f'write "lesson {match[0]}" in {text[max(0, match.start() - 30) : match.end() + 20]!r}')
    found += [f'write two digits in "{words}"' for words in re.findall(r"\b[Ll]essons? \d\b", text)]
    return found + [
        f"exercises have topics: {name}" for name in re.findall(r"(?:check|hint|exercise)\(\s*[\"']\d", text)
    ]


def disagreements(text):
    """Links of `text` whose words name another lesson than the one they lead to, or give it another title."""
    found = []
    for match in LINK.finditer(text):
        number, words, _, target = match.groups()
        right = TITLES.get(target, "").replace(" · ", " ")
        if target not in TITLES or number != target[:2] or (words and f"{number}{words}" != right):
            found.append(f"{match[0]} leads to {right or 'nothing'}")
    return found


def test_every_reference_names_a_lesson_that_exists():
    assert {place: found for place, text in texts().items() if place != SHOWS and (found := strangers(text))} == {}


def test_the_words_of_a_link_and_its_target_agree():
    assert {place: found for place, text in texts().items() if (found := disagreements(text))} == {}


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("lesson 19", 1), ("Lessons 00 to 19", 1), ("lessons 00, 19 and 19", 2), ("a network (19)", 1),
        ("from 01 on", 1), ("(00 and 01 are told)", 2), ("lesson 5", 1), ("97_gan", 1), ("00_gan_training", 1),
        ('check("05.1", f)', 1), ("[00](00_start_here.ipynb)", 0), ("codes z (32)", 0), ("lesson 00, 10 images", 0),
        ("python -m tools.move 97 98", 0),
        ("0.05, 0.07 or 1.00; 2020-01-01, 10:00, range(10), (10, 30), Odena et al. [10]", 0),
    ],
)  # fmt: skip
def test_a_reference_to_nothing_is_noticed(text, complaints):
    assert len(strangers(text)) == complaints


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("[01](00_start_here.ipynb)", 1), ("[lesson 01](../00_start_here.ipynb)", 1), ("[00](00_start_here.ipynb)", 0),
        ("[00 Start here](notebooks/00_start_here.ipynb)", 0), ("[00 Begin here](notebooks/00_start_here.ipynb)", 1),
        ("lesson [97](97_nothing.ipynb)", 1), ("[a lesson](00_start_here.ipynb)", 0),
    ],
)  # fmt: skip
def test_a_link_that_says_something_else_is_noticed(text, complaints):
    assert len(disagreements(text)) == complaints


@pytest.mark.parametrize("path", notebooks.paths(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_title_and_file_name_agree(path):
    expected = TITLES[path.stem] if path.stem in LESSONS and path.parent == notebooks.NOTEBOOKS else None
    assert title(path) == (expected or f"{TITLES[path.stem].rstrip('?')}: solutions")
    assert title(path).startswith(f"{path.stem[:2]} · ")


def table(text):
    """The first cells of the table of lessons in `text`, "00 Start here", without marks and links."""
    rows = re.findall(r"^\| (?:\[|\*\*)(\d\d [^|]+?)(?:\]\([^)]*\)|\*\*) \|", text, re.M)
    return rows


def test_the_tables_name_every_lesson_in_order():
    names = [words.replace(" · ", " ") for words in TITLES.values()]
    assert table((COURSE / "README.md").read_text(encoding="utf-8")) == names
    first = notebooks.read(notebooks.lessons()[0])
    assert [row for cell in first.cells for row in table(cell.source)] == names


def test_the_teachers_page_has_every_title_in_order():
    page = (COURSE / "TEACHING.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (.+): class \d+ min$", page, re.M) == list(TITLES.values())


# What is kept has topics


def topic_of(name):
    """The longest topic that `name` begins with, as the store finds a lesson; None without one."""
    fitting = [topic for topic in TOPICS if f"{name}_".startswith(f"{topic}_")]
    return max(fitting, key=len, default=None)


def test_no_file_that_is_kept_carries_a_number():
    kept = [*DATA.rglob("*.safetensors"), *DATA.rglob("*.npz"), *(COURSE / "helpers").rglob("*.py")]
    assert [path.name for path in kept if re.match(r"_?\d\d|.*lesson_?\d", path.stem)] == []


def test_shipped_weights_begin_with_the_topic_of_a_lesson():
    names = [path.stem for path in notebooks.WEIGHTS.glob("*.safetensors")]
    assert len(names) > 20
    assert [name for name in names if not topic_of(name) and not name.startswith("judge_")] == []


def named_calls(source, *functions):
    """(function, the text that its first argument begins with) of the calls of `functions` in `source`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and getattr(node.func, "id", "") in functions:
            first = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
            if isinstance(first, ast.Constant):
                yield node.func.id, first.value


@pytest.mark.parametrize("path", notebooks.paths(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_a_lesson_trains_and_asks_carries_its_topic(path):
    about, found = notebooks.topic(path), []
    for cell in notebooks.read(path).cells:
        if cell.cell_type == "code":
            found += named_calls(cell.source, "train_or_load", "check", "hint", "save_samples", "load_weights")
    for called, name in found:
        if called == "train_or_load":
            assert topic_of(name.rstrip("_")) == about, name
        elif called == "load_weights":
            assert topic_of(name.rstrip("_")) or name.startswith("judge"), name
        elif called == "save_samples":
            assert not re.match(r"\d", name), name
        else:
            assert re.fullmatch(rf"{about}\.[123]", name), name


def test_each_lesson_has_its_exercises_in_a_module_of_its_topic():
    modules = {path.stem for path in Path(COURSE, "helpers", "exercises").glob("*.py")} - {"__init__", "quiz"}
    assert modules == set(TOPICS) - {"start_here"}
