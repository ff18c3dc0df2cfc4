"""The course as a web site: `python -m tools.site` writes it to _site/html, from the notebooks as they are committed.

python -m tools.site                   the book; sliders, games and questions answer without a kernel
python -m tools.site gan variational   record these lessons only; the others show what was recorded before
python -m tools.site --as-recorded     record nothing
python -m tools.site --single          besides, each lesson as one file that needs nothing else, in _site/single
python -m tools.site --zip             besides, the whole site as one file to hand out: unpack it, open index.html

It takes packages of its own: `pip install -r site/requirements.txt`. To record a lesson, a copy of it runs without
training (steps = 0), which takes up to a minute, and a picture is kept for every position of its sliders. That is done
once, and again when the lesson, the helpers or the weights change.
"""

import argparse
import base64
import hashlib
import html
import json
import mimetypes
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from string import Template
from unittest import mock

import nbformat

from helpers.files import CHECKSUMS, COURSE, CourseError, atomic
from helpers.recording import KIND
from tools import notebooks

FOLDER = COURSE / "_site"
SETTINGS = COURSE / "site"
NEEDED = ("sphinx", "myst_nb", "sphinx_book_theme", "math_core", "ziamath", "fontTools", "brotli", "bs4")
TEXTS = ("README.md", "TEACHING.md", "CONTRIBUTING.md", "PUBLISHING.md", "CHANGELOG.md", "data/README.md")
HOUSEKEEPING = 3  # the first code cells of every notebook, which a page folds
LARGEST = 6_000_000  # bytes of a lesson's page with all its pictures
LINK = re.compile(r"(?<=\]\()(?!https?://|#|mailto:)([^)\s#]+)(#[^)\s]*)?(?=\))")
FENCE = re.compile(r"^(`{3,}).*?^\1`*$", re.M | re.S)
SUMMARY = '<summary><span class="toctree-toggle"'  # an arrow of the theme, without words for a screen reader
ARROW = SUMMARY, SUMMARY.replace("y>", 'y aria-label="show or hide the page behind it">')
UNANSWERED = "You made no guess."
INDEX = """# From Autoencoders to Diffusion

{introduction}

Read it here, move its sliders, answer its questions. To change the code and do the exercises, open a lesson in Colab or
Binder (the rocket at the top of its page), or [at home]({address}#start).

{lessons}

```{{toctree}}
:hidden:
:caption: Lessons

{toc}
```

```{{toctree}}
:hidden:
:caption: Beside the lessons

terms
TEACHING
README
CONTRIBUTING
PUBLISHING
CHANGELOG
data/README
```
"""


# Recordings: what sliders, games and questions show, from a copy of the lesson that runs without training


def recordings(path, folder):
    """{cell's id: [recording, ...]} of a lesson; kept in `folder`, and made anew where it has changed."""
    kept = folder / f"{path.stem}-{state(path)}.json"
    if not kept.exists():
        notebook = notebooks.fresh(path, steps=0)
        with tempfile.TemporaryDirectory() as results, mock.patch.dict(os.environ, {"COURSE_RECORD": "1"}):
            seconds = notebooks.execute(notebook, path.parent, results=results)
        found = {cell.id: [output.data[KIND] for output in cell.outputs if KIND in output.get("data", {})]
                 for cell in notebooks.code_cells(notebook)}  # fmt: skip
        for old in folder.glob(f"{path.stem}-*.json"):
            old.unlink()
        with atomic(kept) as partial:
            partial.write_text(json.dumps(found), encoding="utf-8", newline="\n")
        print(f"recorded {path.stem}: {seconds:.0f} s, {kept.stat().st_size / 1e6:.1f} MB", flush=True)
    return json.loads(read(kept))


def recorded(path, folder):
    """As `recordings`, of whatever was kept last."""
    kept = next(folder.glob(f"{path.stem}-*.json"), None)
    return json.loads(read(kept)) if kept else {}


def state(path):
    """A checksum of all that a recording of this lesson depends on."""
    sources = "\0".join(cell.source for cell in notebooks.code_cells(notebooks.read(path)))
    texts = [file.read_bytes() for file in sorted((COURSE / "helpers").rglob("*.py"))]
    return hashlib.sha256(b"\0".join([sources.encode(), CHECKSUMS.read_bytes(), *texts])).hexdigest()[:12]


# Pages: notebooks and texts as Sphinx reads them


class Book:
    """The sources of the site in `folder`, and its pictures, which go to `pictures` beside the pages."""

    def __init__(self, folder, html_folder):
        self.folder, self.pictures = folder, html_folder / "pictures"
        self.pages = {page.relative_to(COURSE).as_posix() for page in notebooks.paths()} | set(TEXTS)

    def write(self, name, text):
        """Write one source."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")

    def picture(self, page, data, kind):
        """Keep a picture in base64 (once); returns its address as seen from a page two folders down."""
        content = base64.b64decode(data)
        name = f"{page.stem}/{hashlib.sha256(content).hexdigest()[:16]}.{kind}"
        target = self.pictures / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return f"{'../' * len(page.relative_to(COURSE).parent.parts)}pictures/{name}"

    def linked(self, text, page):
        """Markdown whose links to files that are no pages of the book lead to the repository."""

        def replace(match):
            target, rest = match[1], match[2] or ""
            there = Path(os.path.normpath(page.parent / target))
            if not there.is_relative_to(COURSE) or not there.exists():
                return match[0]
            name = there.relative_to(COURSE).as_posix()
            if name in self.pages or there.suffix == ".png":
                return match[0]
            return f"{notebooks.address()}/{'tree' if there.is_dir() else 'blob'}/main/{name}{rest}"

        return LINK.sub(replace, text)

    def text(self, name):
        """A Markdown file of the course as a page; pictures from elsewhere (badges) become their words."""
        text = re.sub(r"!\[([^]]*)\]\(https?://[^)]*\)", r"\1", read(COURSE / name))
        return self.linked(text, COURSE / name)

    def lesson(self, path, records, solutions):
        """A notebook as a page; records: as `recordings` returns them; solutions: {exercise: Markdown}."""
        notebook = notebooks.read(path)
        new, guesses, number = [], {}, 0
        for cell in notebook.cells:
            new.append(cell)
            if cell.cell_type == "markdown":
                cell.source = self.linked(cell.source, path)
                continue
            widgets = iter(records.get(cell.id, ()))
            number += 1
            if number <= HOUSEKEEPING:
                cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
            if asked := re.search(r"^(\w+) = Prediction\(", cell.source, re.M):
                guesses[asked[1]] = f"{path.stem}-{number}"
            heard = iter([guesses.get(name) for name in re.findall(r"(\w+)\.reveal\(", cell.source)])
            cell.outputs = [self.output(path, output, widgets, guesses, heard) for output in cell.outputs]
            for exercise in re.findall(r'check\("([\w.]+)"', cell.source):
                if exercise in solutions:
                    new.append(nbformat.v4.new_markdown_cell(solutions[exercise]))
        notebook.cells = new
        return notebook

    def output(self, path, output, widgets, guesses, heard):
        """An output as a page shows it."""
        data = output.get("data", {})
        if "image/png" in data:
            address = self.picture(path, data["image/png"], "png")
            words = html.escape(output.metadata.get("image/png", {}).get("alt", ""), quote=True)
            return as_html(f'<img class="figure" loading="lazy" src="{address}" alt="Figure: {words}">')
        if data.get("text/html") == notebooks.PLACEHOLDER:
            record = next(widgets, None)
            return as_html(self.recording(path, record, guesses)) if record else output
        if UNANSWERED in output.get("text", ""):
            return as_html(f"<pre>{answered(html.escape(output.text.strip()), heard)}</pre>")
        return output

    def recording(self, path, record, guesses):
        """A recorded slider, game or question as HTML; its pictures become files."""
        record = dict(record)
        if record["kind"] == "question":
            record["answers"] = [told.replace("Now run the cells below and see.", "Now read on.")
                                 for told in record["answers"]]  # fmt: skip
            record["guess"] = list(guesses.values())[-1] if guesses and "right" not in record else ""
        else:
            record["strips"] = [self.picture(path, strip, "webp") for strip in record["strips"]]
            record["ground"] = record["ground"] and self.picture(path, record["ground"], "webp")
        text = json.dumps(record, ensure_ascii=False).replace("</", "<\\/")
        return f'<div class="recording"><script type="application/json">{text}</script></div>'


def as_html(text):
    """An output that shows this HTML."""
    return nbformat.v4.new_output("display_data", data={"text/html": text, "text/plain": ""})


def answered(text, heard):
    """The text with a mark around each guess that was not made, for the guess that its reader makes on the page."""
    return re.sub(UNANSWERED, lambda match: f'<span data-guess="{next(heard, "")}">{UNANSWERED}</span>', text)


def solutions(path):
    """{exercise: Markdown that unfolds its solution} from the notebook of solutions of a lesson, if there is one."""
    file = path.parent / "solutions" / path.name
    if not file.exists():
        return {}
    found, parts = {}, []
    for cell in notebooks.read(file).cells:
        if cell.cell_type == "code":
            parts.append(f"```python\n{cell.source}\n```")
            continue
        for text in re.split(r"^(?=#+ )", cell.source, flags=re.M):
            if heading := re.match(r"## (\d+)\. .*\n*", text):
                parts = found.setdefault(f"{notebooks.topic(path)}.{heading[1]}", [])
            elif text.startswith("#"):
                parts = []
            parts.append(text[heading.end() :] if heading else text)
    end = f"The same with its outputs: [solutions](solutions/{path.name})."
    return {
        name: "\n\n".join(['<details class="solution"><summary>Solution</summary>', *some, end, "</details>"])
        for name, some in found.items()
    }


def terms():
    """The page of symbols and terms: the sections of the first lesson that hold its tables of them."""
    first = notebooks.lessons()[0]
    cells = [cell.source for cell in notebooks.read(first).cells if cell.cell_type == "markdown"]
    chosen = [source for source in cells if re.match(r"## .*(symbol|term|word)", source, re.I)]
    text = re.sub(r"(?<=\]\()(?=\d\d_)", "notebooks/", "\n\n".join(chosen))
    return re.sub("^##", "#", text, flags=re.M) + "\n"


def index(book):
    """The first page: README's introduction and its table of lessons."""
    parts = re.split(r"^## ", book.text("README.md").replace("[Open in Colab]", "[Colab]"), flags=re.M)
    table = next(part for part in parts if part.startswith("The lessons\n"))
    toc = "\n".join(f"notebooks/{path.stem}" for path in notebooks.lessons())
    introduction = parts[0].split("\n", 1)[1].strip()
    return INDEX.format(introduction=introduction, lessons=f"## {table}", address=notebooks.address(), toc=toc)


def write_book(folder, html_folder, records):
    """Write all sources; records: {lesson's path: its recordings}."""
    book = Book(folder, html_folder)
    for name in TEXTS:
        book.write(name, book.text(name))
    book.write("README.md", re.sub(r"\A# .*", "# How to run it, and how it is made", book.text("README.md")))
    book.write("terms.md", terms())
    book.write("index.md", index(book))
    shutil.copytree(COURSE / "docs", folder / "docs", dirs_exist_ok=True)
    for path in notebooks.lessons():
        page = book.lesson(path, records[path], solutions(path))
        if (path.parent / "solutions" / path.name).exists():
            behind = f"```{{toctree}}\n:hidden:\n\nsolutions/{path.stem}\n```"
            page.cells.append(nbformat.v4.new_markdown_cell(behind))
        book.write(f"notebooks/{path.name}", nbformat.writes(page))
    for path in notebooks.lessons("", notebooks.NOTEBOOKS / "solutions"):
        book.write(f"notebooks/solutions/{path.name}", nbformat.writes(book.lesson(path, {}, {})))


# The site


def build(folder=FOLDER, record=None):
    """Write the site to `folder`/html; record: the lessons to be recorded, None for all. Returns the pages' folder."""
    missing = [name for name in NEEDED if not find_spec(name)]
    if missing:
        raise CourseError(f"the site needs {', '.join(missing)}: pip install -r site/requirements.txt")
    book, pages, kept = folder / "book", folder / "html", folder / "recordings"
    for old in (book, pages):
        shutil.rmtree(old, ignore_errors=True)
    kept.mkdir(parents=True, exist_ok=True)
    lessons = notebooks.lessons()
    records = {path: recordings(path, kept) if record is None or path in record else recorded(path, kept)
               for path in lessons}  # fmt: skip
    write_book(book, pages, records)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", str(SETTINGS), "-d",
               str(folder / "doctrees"), "-b", "html", str(book), str(pages)]  # fmt: skip
    if subprocess.run(command, cwd=COURSE).returncode:
        raise CourseError("Sphinx was not content; its sentences stand above")
    for page in pages.rglob("*.html"):  # the theme's arrows have no words for a screen reader
        page.write_text(read(page).replace(*ARROW), encoding="utf-8", newline="\n")
    for path in notebooks.paths():
        shutil.copyfile(path, pages / "_sources" / path.relative_to(COURSE))
    write_font(pages)
    (pages / ".nojekyll").touch()
    if heavy := [name for name, size in sizes(pages).items() if size > LARGEST]:
        raise CourseError(f"larger than {LARGEST / 1e6:.0f} MB with their pictures: {', '.join(heavy)}")
    return pages


def sizes(pages):
    """{page: bytes} of the lessons' pages, with the pictures that they show."""
    return {
        path.stem: path.stat().st_size + sum(file.stat().st_size for file in (pages / "pictures" / path.stem).iterdir())
        for path in sorted((pages / "notebooks").glob("[0-9]*.html"))
    }


def write_font(pages):
    """Put the font of the formulas beside the pages, cut down to the characters that they use."""
    from fontTools import subset

    formulas = re.findall(r"<math.*?</math>", "".join(map(read, pages.rglob("*.html"))), re.S)
    used = set(html.unescape(re.sub("<.*?>", "", "".join(formulas)))) | {chr(0x221A)}  # the sign of a root
    options = subset.Options(flavor="woff2", layout_features=["*"])
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(used))
    fonts = Path(find_spec("ziamath").origin).parent / "fonts"
    with subset.load_font(fonts / "STIXTwoMath-Regular.ttf", options) as font:
        cutter.subset(font)
        subset.save_font(font, pages / "_static" / "math.woff2", options)


def read(path):
    """The text of a file."""
    return path.read_text(encoding="utf-8")


def single(page, folder):
    """Write a page of the site as one file that needs nothing beside it; returns its path."""
    from bs4 import BeautifulSoup

    article = BeautifulSoup(read(page), "html.parser").find("article", class_="bd-article")
    for picture in article.find_all("img"):
        picture["src"] = inside(page.parent / picture["src"])
    for script in article.select(".recording script"):
        record = json.loads(script.string)
        for key in record.keys() & {"strips", "ground"}:
            files = record[key]
            record[key] = [inside(page.parent / file) for file in files] if key == "strips" else files and inside(
                page.parent / files)  # fmt: skip
        script.string = json.dumps(record).replace("</", "<\\/")
    address = notebooks.address()
    for link in article.find_all("a", href=re.compile(r"^(?!\w+:|#)")):
        target, anchor, part = link["href"].partition("#")
        there = Path(os.path.normpath(page.parent / target)).relative_to(page.parent.parent)
        if there.parent.name != page.parent.name:
            link["href"] = notebooks.pages(address) + there.as_posix() + anchor + part
    static = page.parent.parent / "_static"
    course = read(static / "course.css").replace("math.woff2", inside(static / "math.woff2"))
    text = Template(read(SETTINGS / "single.html")).substitute(
        title=html.escape(article.h1.get_text().rstrip("#")), article=article, course=course, address=address,
        pages=notebooks.pages(address), pygments=read(static / "pygments.css"),
        script=read(static / "recordings.js"))  # fmt: skip
    target = folder / page.name
    with atomic(target) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    return target


def inside(path):
    """The content of a file as an address that holds it."""
    kind = mimetypes.guess_type(path.name)[0] or f"image/{path.suffix[1:]}"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def packed(pages, target):
    """Write the site as a ZIP with one folder in it; returns its path."""
    with atomic(target) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(pages.rglob("*")):
            if file.is_file():
                archive.write(file, Path(target.stem, file.relative_to(pages)))
    return target


def main(arguments):
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        "python -m tools.site", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lessons", nargs="*", metavar="lesson", help="gan, denoising ...: record these (default: all)")
    parser.add_argument("--as-recorded", action="store_true", help="record nothing")
    parser.add_argument("--single", action="store_true", help="besides, each lesson as one file, in _site/single")
    parser.add_argument("--zip", action="store_true", help="besides, the site as one file, _site/NAME.zip")
    options = parser.parse_args(arguments)
    record = notebooks.named(options.lessons, notebooks.lessons) if options.lessons or options.as_recorded else None
    pages = build(record=record)
    written = [pages / "index.html"]
    if options.single:
        written += [
            single(pages / "notebooks" / f"{path.stem}.html", FOLDER / "single") for path in notebooks.lessons()
        ]
    if options.zip:
        written.append(packed(pages, FOLDER / f"{notebooks.address().rpartition('/')[2]}.zip"))
    for name, size in sizes(pages).items():
        print(f"{name}: {size / 1e6:.1f} MB with its pictures")
    for path in written:
        print(f"{path.relative_to(COURSE).as_posix()}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    notebooks.command(main)
