"""The web edition: what is recorded of sliders, games and questions, and the pages that show it without a kernel.

The pages are built here, with one lesson recorded anew and the others as `python -m tools.site` recorded them last in
_site, if it did; or COURSE_SITE names a folder of pages. Skipped without Sphinx (pip install -r site/requirements.txt).
"""

import base64
import functools
import http.server
import io
import json
import os
import re
import shutil
import threading
import zipfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import demo
import numpy as np
import pytest
import torch
from PIL import Image

from helpers import recording
from helpers.exercises.quiz import Choice, Prediction
from helpers.widgets import player, sliders
from tools import notebooks, site

SPHINX = all(map(find_spec, site.NEEDED))
BLANK = np.zeros((4, 6))
CONTROL = ".recording input, .recording select"


def decoded(record):
    """The pictures of a recording as uint8 arrays (H, W, 3), put together as the page's script does it."""
    width, height = record["size"]
    ground = opened(record["ground"], "RGB") if record["ground"] else None
    found = []
    for strip in record["strips"]:
        strip = opened(strip, "RGBA")
        for frame in np.split(strip, len(strip) // height):
            clear = frame[..., 3:] == 0
            found.append(np.where(clear, ground, frame[..., :3]) if ground is not None else frame[..., :3])
    assert all(frame.shape == (height, width, 3) for frame in found)
    return found


def opened(picture, mode):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert(mode))


# Recordings


def level(a, b):
    """A picture that tells both values: a in the left half, b in the right one."""
    picture = BLANK.copy()
    picture[:, :3], picture[:, 3:] = a / 10, b / 10
    return picture


def test_every_position_has_its_picture():
    record = sliders(level, {"a": (0, 3, 1, 2), "b": [5, 7]}, width=90, zoom=3).recorded()
    assert [control["labels"] for control in record["controls"]] == [["0", "1", "2", "3"], ["5", "7"]]
    assert [control["start"] for control in record["controls"]] == [2, 0]
    assert (record["size"], record["width"], record["sharp"]) == ([6, 4], 90, True)
    frames = decoded(record)
    told = [(round(f[0, 0, 0] / 25.5), round(f[0, 5, 0] / 25.5)) for f in frames]
    assert told == [(a, b) for a in range(4) for b in (5, 7)]


def test_words_are_a_list_and_numbers_a_slider():
    record = sliders(lambda who, x: BLANK, {"who": ["cat", "dog"], "x": (0.0, 1.0, 0.25, 0.5)}).recorded()
    who, x = record["controls"]
    assert who == {"name": "who", "labels": ["cat", "dog"], "start": 0, "words": True}
    assert x == {"name": "x", "labels": ["0.00", "0.25", "0.50", "0.75", "1.00"], "start": 2, "words": False}


def test_a_fine_grid_is_thinned_and_keeps_its_start_and_its_ends():
    calls = []
    fine = dict.fromkeys("ab", (-2.0, 2.0, 0.01, 0.5))
    record = sliders(lambda a, b: calls.append((a, b)) or BLANK, fine).recorded()
    assert len(decoded(record)) == len(calls) - 1 <= recording.POSITIONS < 2 * len(calls)
    for control in record["controls"]:
        assert (control["labels"][0], control["labels"][-1]) == ("-2.00", "2.00")
        assert control["labels"][control["start"]] == "0.50"


def test_too_many_bytes_are_thinned_too(monkeypatch):
    noise = np.random.default_rng(0).random((40, 20, 30))
    explorer = sliders(lambda i: noise[i], {"i": (0, 39, 1, 7)})
    monkeypatch.setattr(recording, "BYTES", 10_000)
    record = explorer.recorded()
    assert recording.size(record) <= 10_000
    (control,) = record["controls"]
    assert control["labels"][control["start"]] == "7" and len(control["labels"]) < 40
    assert len(decoded(record)) == len(control["labels"])


def test_what_pictures_share_is_kept_once():
    page = np.random.default_rng(0).random((60, 60))

    def marked(i):
        page_i = page.copy()
        page_i[i] = 1
        return page_i

    record = sliders(marked, {"i": (0, 39, 1, 0)}).recorded()
    assert record["ground"] and recording.size(record) < 40 * 60 * 60 / 4
    assert all((frame[i] == 255).all() for i, frame in enumerate(decoded(record)))


def test_recording_leaves_the_lesson_as_it_was():
    explorer = sliders(lambda a: torch.rand(4, 6) * a, {"a": (0.0, 1.0, 0.1, 0.5)})
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    picture = explorer.picture.value
    explorer.recorded()
    assert (torch.rand(3) == expected).all()
    assert (explorer.picture.value, explorer.controls["a"].value) == (picture, 0.5)


class Counter:
    """A game whose picture tells the count."""

    def __init__(self):
        self.count = 0

    def up(self, by):
        self.count += by

    def reset(self, by):
        self.count = 0


def told(counter, by):
    return np.full((2, 2), counter.count / 255)


@pytest.fixture
def game():
    """(Counter, the player that shows it)."""
    counter = Counter()
    actions = {"up": counter.up, "twice": partial(counter.up), "reset": counter.reset}
    return counter, player(partial(told, counter), actions, {"by": [1, 10]}, play="up")


def test_a_game_is_recorded_move_by_move_for_each_setting(game):
    counter, explorer = game
    record = explorer.recorded()
    assert (record["actions"], record["play"], counter.count) == (["up", "twice", "reset"], "up", 0)
    frames = [frame[0, 0, 0] for frame in decoded(record)]
    for by, nodes in zip((1, 10), record["settings"], strict=True):
        here = 0
        for move in range(1, recording.FILM + 1):
            here = nodes[here][1]["up"]
            assert frames[nodes[here][0]] == by * move
        assert nodes[here][1] == {"reset": 0}, "the recording ends here, and reset leads to the start"
        assert frames[nodes[nodes[nodes[0][1]["twice"]][1]["up"]][0]] == 2 * by


def test_a_question_is_recorded_with_its_answers():
    choice = Choice("Why?", {"because": "No.", "so": "Yes."}, right="so")
    assert choice.recorded() == {
        "kind": "question", "question": "Why?", "options": ["because", "so"],
        "answers": ["Not quite. No.", "Right. Yes."], "right": "so",
    }  # fmt: skip
    guess = Prediction("How many?", ["one", "two"])
    guess.buttons[1].click()
    assert "Noted: one" in guess.recorded()["answers"][0]
    assert guess.chosen == "two"


def test_only_the_site_asks_for_recordings(monkeypatch):
    explorer = sliders(lambda a: BLANK, {"a": (0, 3, 1, 0)})
    monkeypatch.delenv("COURSE_RECORD", raising=False)
    assert recording.KIND not in explorer._repr_mimebundle_()
    monkeypatch.setenv("COURSE_RECORD", "1")
    assert explorer._repr_mimebundle_()[recording.KIND] == explorer.recorded()


# What a page is made of


@pytest.fixture
def book(tmp_path):
    return site.Book(tmp_path / "book", tmp_path / "html")


def test_links_to_files_that_are_no_pages_lead_to_the_repository(book):
    lesson = notebooks.lessons()[0]
    where = f"{notebooks.address()}"
    for link, expected in (
        ("01_autoencoder.ipynb", "01_autoencoder.ipynb"),
        ("../README.md#start", "../README.md#start"),
        ("../environment.yml", f"{where}/blob/main/environment.yml"),
        ("solutions", f"{where}/tree/main/notebooks/solutions"),
        ("https://example.org", "https://example.org"),
        ("#terms", "#terms"),
    ):
        assert book.linked(f"see [it]({link}).", lesson) == f"see [it]({expected})."


@pytest.mark.parametrize("path", notebooks.lessons(), ids=lambda path: path.stem)
def test_each_exercise_unfolds_its_solution(path, book):
    exercises = {name for cell in notebooks.code_cells(notebooks.read(path))
                 for name in site.re.findall(r'check\("([\w.]+)"', cell.source)}  # fmt: skip
    assert set(site.solutions(path)) == exercises
    for text in site.solutions(path).values():
        assert text.startswith("<details") and text.endswith("</details>") and "```python" in text


@pytest.mark.parametrize("path", notebooks.lessons(), ids=lambda path: path.stem)
def test_a_guess_is_set_beside_what_was_measured(path, book):
    page = book.lesson(path, {}, {})
    guesses = sum("= Prediction(" in cell.source for cell in page.cells)
    marks = site.re.findall(r'data-guess=\\?"([\w-]+)\\?"', json.dumps([cell.get("outputs") for cell in page.cells]))
    assert len(marks) == len(set(marks)) == guesses


def test_terms_are_the_tables_of_the_first_lesson():
    text = site.terms()
    assert text.startswith("# Symbols and terms\n") and text.count("# ") == 1
    assert "(notebooks/08_forward_diffusion.ipynb)" in text


# The site in Chromium, with the outside blocked


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The site's folder; at least lesson 00 is recorded. COURSE_SITE names one that is built already."""
    if built := os.environ.get("COURSE_SITE"):
        return Path(built).resolve()
    if not SPHINX:
        pytest.skip("Sphinx is not installed (pip install -r site/requirements.txt)")
    folder = tmp_path_factory.mktemp("site")
    if (site.FOLDER / "recordings").is_dir():
        shutil.copytree(site.FOLDER / "recordings", folder / "recordings")
    return site.build(folder, notebooks.lessons("start_here"))


@pytest.fixture(scope="module")
def address(pages):
    """The site, served on this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=pages))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not demo.CHROMIUM:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=demo.CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """`visit(url, ...)` opens a page in a window without a network; `.complaints` lists what went wrong."""
    contexts = []

    def open_page(url, within, **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.route(lambda asked: not asked.startswith((within, "data:", "blob:")), lambda route: route.abort())
        page.on("requestfailed", lambda asked: "ABORTED" in asked.failure or page.complaints.append(asked.url[:200]))
        page.on("response", lambda got: got.status >= 400 and page.complaints.append(f"{got.status} {got.url}"))
        page.on("console", lambda said: said.type in ("error", "warning") and page.complaints.append(said.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()


def names(pages):
    return sorted(page.relative_to(pages).as_posix() for page in pages.rglob("*.html") if "_static" not in page.parts)


@pytest.mark.slow
def test_there_is_a_page_for_everything(pages):
    expected = {path.relative_to(notebooks.COURSE).with_suffix(".html").as_posix() for path in notebooks.paths()}
    expected |= {name.replace(".md", ".html") for name in site.TEXTS} | {"index.html", "terms.html", "search.html"}
    assert expected <= set(names(pages))
    index = (pages / "index.html").read_text(encoding="utf-8")
    assert all(f'href="notebooks/{path.stem}.html"' in index for path in notebooks.lessons())


@pytest.mark.slow
def test_no_page_asks_the_outside_or_complains(pages, address, visit):
    page = visit(address, address)
    for name in names(pages):
        page.goto(f"{address}/{name}")
        page.wait_for_load_state("networkidle")
        assert page.complaints == [], name


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_as_dark_as_the_reader_likes(scheme, address, visit):
    page = visit(f"{address}/notebooks/00_start_here.html", address, color_scheme=scheme)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert page.complaints == []


@pytest.mark.slow
def test_no_page_is_wider_than_a_phone(pages, address, visit):
    page = visit(address, address, viewport={"width": 380, "height": 800})
    for name in names(pages):
        page.goto(f"{address}/{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 380, name


@pytest.mark.slow
def test_formulas_are_formulas(pages):
    for name in names(pages):
        text = (pages / name).read_text(encoding="utf-8")
        text = site.re.sub(r"<(script|pre|code|math)\b.*?</\1>", "", text, flags=site.re.S)
        words = site.re.sub(r"<.*?>", " ", text, flags=site.re.S)
        assert not site.re.search(r"\\(frac|sqrt|bar|alpha|mathbb|log)\b|\$\$", words), name


@pytest.mark.slow
def test_every_link_leads_to_a_page_and_to_a_part_of_it(pages):
    soup = pytest.importorskip("bs4")
    texts = {name: (pages / name).read_text(encoding="utf-8") for name in names(pages)}
    parsed = {name: soup.BeautifulSoup(text, "html.parser") for name, text in texts.items()}
    parts = {name: {tag["id"] for tag in page.find_all(id=True)} for name, page in parsed.items()}
    dead = []
    for name, page in parsed.items():
        for link in page.find_all("a", href=True):
            target, _, part = link["href"].partition("#")
            if site.re.match(r"\w+:", target):
                continue
            there = os.path.normpath(Path(name).parent / target) if target else name
            if not (pages / there).is_file() or (part and part not in parts.get(there, {part})):
                dead.append(f"{name}: {link['href']}")
    assert dead == []


@pytest.mark.slow
def test_a_page_with_its_pictures_stays_small(pages):
    assert set(site.sizes(pages)) == {path.stem for path in notebooks.lessons()}
    assert max(site.sizes(pages).values()) < site.LARGEST


def shown(box):
    """The number of the picture that a recording's canvas shows, and a checksum of its pixels."""
    return box.locator("canvas").evaluate("c => [c.dataset.shown, c.toDataURL()]")


def wait_until_drawn(page):
    page.wait_for_function("[...document.querySelectorAll('.recording canvas')].every(c => c.dataset.shown)")


MEASURED = """([box, key]) => new Promise(done => {
    const canvas = box.querySelector("canvas"), before = canvas.dataset.shown, started = performance.now();
    const look = () => canvas.dataset.shown !== before ? done(performance.now() - started)
        : performance.now() - started > 5000 ? done(null) : requestAnimationFrame(look);
    const input = box.querySelectorAll("input, select")[key];
    input.value = Number(input.value) + (Number(input.value) > 0 ? -1 : 1);
    input.dispatchEvent(new Event("input"));
    look(); })"""


def play_a_little(page, box):
    """Every button that is not grey, and the film."""
    seen = {shown(box)[0]}
    for button in box.locator("button[data-label]").all():
        if button.is_enabled():
            button.tap()
            page.wait_for_timeout(200)
            seen.add(shown(box)[0])
    assert len(seen) > 2
    box.get_by_role("button", name="play").tap()
    page.wait_for_timeout(1500)
    box.get_by_role("button", name="pause").tap()
    assert shown(box)[0] not in seen


@pytest.mark.slow
@pytest.mark.parametrize("path", notebooks.lessons(), ids=lambda path: path.stem)
def test_every_control_of_a_lesson_moves_its_picture(path, pages, address, visit):
    page = visit(f"{address}/notebooks/{path.stem}.html", address, has_touch=True)
    boxes = page.locator(".recording:has(canvas)")
    if path == notebooks.lessons("start_here")[0]:
        assert boxes.count() == 1
    if not boxes.count():
        pytest.skip("not recorded")
    wait_until_drawn(page)
    for box in boxes.all():
        box.scroll_into_view_if_needed()
        page.wait_for_load_state("networkidle")
        game = box.locator("button").count()
        for number, control in enumerate(box.locator("input, select").all()):
            if game:
                continue
            before = shown(box)
            control.focus()
            at_end = control.evaluate("c => c.value === c.max || c.selectedIndex === c.options?.length - 1")
            page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
            page.wait_for_function("([c, n]) => c.dataset.shown !== n",
                                   arg=[box.locator("canvas").element_handle(), before[0]])  # fmt: skip
            assert shown(box)[1] != before[1]
            if control.get_attribute("type") == "range":
                assert control.get_attribute("aria-valuetext") in box.locator("canvas").get_attribute("aria-label")
                before, place = shown(box)[0], control.bounding_box()
                far = 0.1 if control.evaluate("c => c.value > c.max / 2") else 0.9
                control.tap(position={"x": far * place["width"], "y": place["height"] / 2})
                page.wait_for_timeout(100)
                assert shown(box)[0] != before
            delay = box.evaluate(MEASURED.replace("[box, key]", "box").replace("[key]", f"[{number}]"))
            assert delay is not None and delay < 50, f"{delay} ms"
        if game:
            play_a_little(page, box)
    assert page.complaints == []


@pytest.mark.slow
def test_every_arrow_beside_a_lesson_has_words(pages):
    text = site.read(pages / "index.html")
    arrows = re.findall(r"(<summary[^>]*>)<span class=\"toctree-toggle\"", text)
    assert len(arrows) >= len(notebooks.lessons()) - 1  # all but the first have solutions behind them
    assert set(arrows) == {'<summary aria-label="show or hide the page behind it">'}


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "terms", "notebooks/00_start_here"])  # long lessons take minutes
def test_everybody_can_read_a_page(name, scheme, address, visit):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = visit(f"{address}/{name}.html", address, color_scheme=scheme)
    found = axe.Axe().run(page).response["violations"]
    wrong = [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")]
    assert wrong == []


@pytest.mark.slow
def test_a_question_answers(address, visit):
    page = visit(f"{address}/notebooks/00_start_here.html", address)
    box = page.locator(".recording:has(.question)").first
    box.get_by_role("button", name="from the labels").click()
    assert box.locator(".reply").inner_text() == "Not quite. No label was used; look at the loss."
    box.get_by_role("button", name="from the images themselves").press("Enter")
    assert box.locator(".reply").inner_text().startswith("Right.")
    assert box.locator("[aria-pressed=true]").count() == 1


@pytest.mark.slow
def test_the_search_finds_a_term(address, visit):
    page = visit(f"{address}/search.html?q=reparameterisation", address)
    page.locator("#search-results li a").first.wait_for()
    assert page.locator("#search-results li").count() >= 1


@pytest.mark.slow
def test_one_file_is_a_whole_lesson(pages, visit, tmp_path):
    file = site.single(pages / "notebooks" / "00_start_here.html", tmp_path)
    page = visit(file.as_uri(), file.as_uri())
    wait_until_drawn(page)
    box, before = page.locator(".recording:has(canvas)").first, None
    before = shown(box)
    box.locator("input").first.press("ArrowRight")
    page.wait_for_timeout(200)
    assert shown(box)[1] != before[1]
    assert page.complaints == []
    assert page.locator("img").count() == page.locator("img[alt^=Figure]").count() > 2


@pytest.mark.slow
def test_the_site_in_a_zip_opens_from_a_file(pages, visit, tmp_path):
    with zipfile.ZipFile(site.packed(pages, tmp_path / "course.zip")) as archive:
        archive.extractall(tmp_path)
    home = tmp_path / "course"
    page = visit((home / "notebooks" / "00_start_here.html").as_uri(), home.as_uri())
    wait_until_drawn(page)
    page.locator(".recording input").first.press("ArrowRight")
    page.wait_for_timeout(200)
    assert page.locator(".recording canvas").first.get_attribute("data-shown") != "12"
    assert page.complaints == []
