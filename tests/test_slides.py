"""Slides: one file for a lesson, everything inside it, nothing asked of the network."""

import re
from html.parser import HTMLParser

import nbformat
import pytest

from tools import notebooks, slides

pytest.importorskip("latex2mathml", reason="latex2mathml is not installed (pip install latex2mathml)")
LESSONS = notebooks.lessons()


class Outside(HTMLParser):
    """Collects what a page loads, and the text outside code, outputs and formulas."""

    def __init__(self):
        super().__init__()
        self.loaded, self.text, self.inside = [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in ("script", "link", "img", "iframe"):
            self.loaded.append(attributes.get("src") or attributes.get("href") or "inline")
        if tag in ("pre", "code", "math", "script", "style"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.text.append(data)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_deck_is_complete_and_asks_nothing_of_the_network(path, tmp_path):
    page = slides.export(path, tmp_path).read_text(encoding="utf-8")
    reader = Outside()
    reader.feed(page)
    assert {source.split(",")[0] for source in reader.loaded} <= {"data:image/png;base64", "inline"}
    notebook = notebooks.read(path)
    figures = sum("image/png" in o.get("data", {}) for c in notebook.cells for o in c.get("outputs", []))
    assert page.count("<img ") == figures
    words = "".join(reader.text)
    assert not re.search(r"\$|\\[a-z]|FORMULA|Run this cell to get", words)
    assert page.count("<section>") == page.count("</section>") > 15


def test_formulas_become_mathml():
    page = slides.as_html("Let $x_0$ be it, for \\$5 or $2:\n\n$$ \\sqrt{\\bar\\alpha_t} $$")
    assert page.count("<math") == 2
    assert "<msqrt>" in page and "<msub>" in page
    assert "5 or $2" in page


def test_headings_begin_slides_and_outputs_stand_alone():
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    cells = [text("# T\n\nfirst"), *(code("housekeeping") for _ in range(3))]
    cells += [text("a\n\n## B\n\nb"), code("silent = 1"), code("1 < 2")]
    cells[-1].outputs = [nbformat.v4.new_output("stream", name="stdout", text="<out>")]
    pages = slides.slides(nbformat.v4.new_notebook(cells=cells))
    assert len(pages) == 4
    assert "housekeeping" not in "".join(pages)
    assert "silent" in pages[2] and ">B</h2>" in pages[2]
    assert '<p class="where">B</p>' in pages[3] and "&lt;out&gt;" in pages[3]
