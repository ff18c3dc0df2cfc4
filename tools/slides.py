"""A lesson as slides: `python -m tools.slides autoencoder` writes one file into slides/, which needs no network.

Every text of the lesson begins a slide, and every output follows on one of its own; code can be unfolded. Arrow keys,
space or a presenter turn the pages, and printing gives a page for each. Formulas are MathML, which browsers show
without help (`pip install latex2mathml`). Sliders live in the notebook: show the deck, and JupyterLab for what moves.
"""

import argparse
import html
import re
from importlib.util import find_spec
from pathlib import Path

from nbconvert.filters import Highlight2HTML, markdown2html

from helpers.files import COURSE, CourseError, atomic
from tools import notebooks

FOLDER = COURSE / "slides"
HOUSEKEEPING = 3  # the first cells of every lesson, which no slide shows
MATH = re.compile(r"\$\$(.+?)\$\$|(?<![\\$])\$([^$\n]+?)\$", re.S)
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
html {{ scroll-snap-type: y mandatory; font: 2.6vmin/1.45 system-ui, sans-serif; color: #222 }}
body {{ margin: 0 }}
section {{ box-sizing: border-box; min-height: 100vh; padding: 5vh 10vw; scroll-snap-align: start; display: flex;
  flex-direction: column; justify-content: center; break-after: page }}
section > p.where {{ color: #777; margin: 0 0 2vh; font-size: 80% }}
h1 {{ font-size: 200% }} h2 {{ font-size: 150% }} a {{ color: #0072B2 }}
img {{ display: block; margin: 0 auto; max-width: 100%; max-height: 76vh; width: auto; min-height: 40vh;
  object-fit: contain }}
pre {{ font-size: 80%; white-space: pre-wrap }} details {{ margin-top: 2vh; color: #555 }}
blockquote {{ border-left: 0.3em solid #E69F00; margin: 0; padding-left: 1em }}
table {{ border-collapse: collapse; font-size: 75% }}
td, th {{ border-bottom: 1px solid #ccc; padding: 0.3em 0.8em; text-align: left }}
math[display=block] {{ font-size: 120%; margin: 2vh 0 }}
{highlight}
</style>
{slides}
<script>
addEventListener("keydown", event => {{
  const step = {{ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1}}[event.key];
  if (!step || event.target.closest("summary")) return;
  event.preventDefault();
  const all = [...document.querySelectorAll("section")];
  const here = all.findIndex(s => s.getBoundingClientRect().bottom > innerHeight / 2);
  if (step > 0 && all[here].getBoundingClientRect().bottom > 1.05 * innerHeight) return scrollBy(0, 0.8 * innerHeight);
  all[Math.min(Math.max(here + step, 0), all.length - 1)].scrollIntoView();
}});
</script></html>
"""


def as_html(text):
    """Markdown as HTML, its formulas as MathML."""
    from latex2mathml.converter import convert  # not in requirements.txt: only this tool needs it

    formulas = []

    def keep(match):
        formulas.append(convert(match[1] or match[2], display="block" if match[1] else "inline"))
        return f"FORMULA{len(formulas) - 1}ENDS"

    page = re.sub(r'<a class="anchor-link".*?</a>', "", markdown2html(MATH.sub(keep, text)))
    return re.sub(r"FORMULA(\d+)ENDS", lambda match: formulas[int(match[1])], page)


def shown(output, heading):
    """An output as HTML, or "" for what needs a kernel; a figure without words of its own gets the heading above it."""
    data = output.get("data", {})
    if "image/png" in data:
        words = output.metadata.get("image/png", {}).get("alt") or heading
        return f'<img alt="Figure: {html.escape(words)}" src="data:image/png;base64,{data["image/png"].strip()}">'
    if "text/markdown" in data:
        return as_html(data["text/markdown"])
    words = output.get("text", "")
    return f"<pre>{html.escape(words)}</pre>" if words.strip() else ""


def slides(notebook):
    """The notebook's slides, as HTML, one string each."""
    pages, heading, code_cells = [], "", 0

    def where():
        return f'<p class="where">{html.escape(heading)}</p>'

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for part in re.split(r"\n(?=## )", cell.source):
                found = re.match(r"#+ (.+)", part)
                heading = found[1] if found else heading
                pages.append([as_html(part)] if found else [where(), as_html(part)])
        else:
            outputs = [text for text in (shown(output, heading) for output in cell.outputs) if text]
            pages += [[where(), *outputs]] if outputs else []
            code_cells += 1
            if code_cells > HOUSEKEEPING:
                pages[-1].append(f"<details><summary>code</summary>{Highlight2HTML()(cell.source)}</details>")
    return ["<section>" + "\n".join(parts) + "</section>" for parts in pages]


def export(path, folder=FOLDER):
    """Write the slides of a notebook; returns their path."""
    from pygments.formatters import HtmlFormatter

    notebook = notebooks.read(path)
    title = re.match(r"# (.+)", notebook.cells[0].source)[1]
    page = PAGE.format(title=title, slides="\n".join(slides(notebook)),
                       highlight=HtmlFormatter().get_style_defs(".highlight"))  # fmt: skip
    target = Path(folder) / f"{path.stem}.html"
    with atomic(target) as partial:
        partial.write_text(page, encoding="utf-8", newline="\n")
    return target


def main(arguments):
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        "python -m tools.slides", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lessons", nargs="*", default=[""], metavar="lesson", help="gan, denoising ... (default: all)")
    options = parser.parse_args(arguments)
    if not find_spec("latex2mathml"):
        raise CourseError("slides need one package more: pip install latex2mathml")
    for path in notebooks.named(options.lessons, notebooks.lessons):
        print(export(path).relative_to(COURSE).as_posix())


if __name__ == "__main__":
    notebooks.command(main)
