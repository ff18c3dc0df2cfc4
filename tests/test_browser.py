"""The lessons as a class meets them: JupyterLab in Chromium, Run All without training, every control by keyboard and
by mouse. Skipped where playwright or Chromium is missing. To look yourself: `COURSE_SCREENSHOTS=folder` keeps a picture
of every control, `COURSE_THEME="JupyterLab Dark"` and `COURSE_WINDOW=400x800` change the scene.
"""

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import demo
import pytest

from helpers.files import COURSE
from tools import notebooks

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install playwright)")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not demo.CHROMIUM, reason="no Chromium here (Debian: apt-get install chromium)"),
]

SLOWEST = 0.5  # seconds from key to picture, the median of a lesson; 0.1 on an idle machine
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
READY = """async () => {
    const lab = window.jupyterapp, session = lab.shell.currentWidget.context.sessionContext;
    await lab.shell.currentWidget.context.ready; await session.ready; await session.session.kernel.info; }"""
DONE = """count => { const cells = jupyterapp.shell.currentWidget.content.model.cells;
    return [...cells].filter(c => c.type === 'code' && c.executionCount).length >= count
        && jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.status === 'idle'; }"""
OUTPUTS = """() => [...jupyterapp.shell.currentWidget.content.model.cells].filter(c => c.type === 'code')
    .flatMap(c => c.outputs.toJSON())"""
SCROLL = """i => { const book = jupyterapp.shell.currentWidget.content;
    book.activeCellIndex = i; return book.scrollToItem(i, 'center'); }"""


def free_port():
    """A port that nobody listens to."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab of its own; returns (address, folder of the course)."""
    root, port = tmp_path_factory.mktemp("course"), free_port()
    (root / "helpers").symlink_to(COURSE / "helpers")
    (root / "notebooks").mkdir()
    kinds = ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_RUNTIME_DIR",
             "COURSE_RESULTS")  # fmt: skip
    folders = {kind: str(tmp_path_factory.mktemp("own") / kind) for kind in kinds}
    settings = Path(folders["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", "apputils-extension")
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}', encoding="utf-8")
    theme = os.environ.get("COURSE_THEME", "JupyterLab Light")
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}), encoding="utf-8")
    options = {
        "ServerApp.ip": "127.0.0.1", "ServerApp.port": port, "ServerApp.open_browser": False,
        "ServerApp.root_dir": root,
        "IdentityProvider.token": "", "ServerApp.allow_root": True, "LabApp.expose_app_in_browser": True,
        "LabApp.news_url": None, "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }  # fmt: skip
    command = ["jupyterlab", *(f"--{name}={value}" for name, value in options.items())]
    address = f"http://127.0.0.1:{port}"
    with serving(command, f"{address}/api", root / "log", folders):
        yield address, root


@contextmanager
def serving(command, url, log, environment=None):
    """`python -m command` in the background, ready when `url` answers, stopped at the end."""
    with log.open("w", encoding="utf-8") as file:
        server = subprocess.Popen([sys.executable, "-m", *command], env=os.environ | (environment or {}),
                                  stdout=file, stderr=subprocess.STDOUT)  # fmt: skip
    try:
        wait_for(url, server, log)
        yield
    finally:
        server.terminate()
        server.wait(20)


def wait_for(url, server, log, seconds=90):
    """Return as soon as `url` answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            return urllib.request.urlopen(url, timeout=2).read()
        except OSError:
            time.sleep(0.3)
    said = log.read_text(encoding="utf-8")[-2000:]
    raise AssertionError(f"{' '.join(server.args[1:3])} did not start: {said}")


def keep(page, name):
    """A screenshot, if somebody wants to look."""
    if folder := os.environ.get("COURSE_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder, f"{name}.png"))


def inside(locator, share):
    """The point (x, y) of the page at this share of an element's width, in the middle of its height."""
    box = locator.bounding_box()
    return box["x"] + share * box["width"], box["y"] + box["height"] / 2


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=demo.CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Tab:
    """A lesson's notebook, open in the browser, with everything that went wrong so far."""

    def __init__(self, lab, chromium, path, notebook):
        address, root = lab
        self.code = [(i, cell.source) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
        notebooks.write(notebook, root / "notebooks" / path.name)
        self.name, self.complaints, self.delays = path.stem, [], {}
        width, height = map(int, os.environ.get("COURSE_WINDOW", "1280x720").split("x"))  # a projector's size
        self.page = chromium.new_page(viewport={"width": width, "height": height})
        self.page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.look_at(request.url, address))
        self.page.goto(f"{address}/lab/tree/notebooks/{path.name}?reset")
        self.page.wait_for_function("window.jupyterapp?.shell.currentWidget?.context", timeout=90_000)
        self.page.evaluate(READY)
        if width < 800:  # a phone: the list of files would cover the lesson
            self.page.evaluate("() => { jupyterapp.commands.execute('application:toggle-left-area') }")

    def look_at(self, url, address):
        """Note a request that leaves this machine."""
        if not url.startswith((address, address.replace("http", "ws"), "data:", "blob:")):
            self.complaints.append(f"asked the outside: {url}")

    def run_all(self, seconds):
        """Run All; returns the seconds it took."""
        started = time.monotonic()
        self.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells') }")
        self.page.wait_for_function(DONE, arg=len(self.code), timeout=1000 * seconds, polling=200)
        return time.monotonic() - started

    def outputs(self):
        """The outputs of all code cells, as nbformat has them."""
        return self.page.evaluate(OUTPUTS)

    def cells(self, *words):
        """Each cell of the lesson that holds one of the words, scrolled to, as (position, locator)."""
        for i, source in self.code:
            if any(word in source for word in words):
                self.page.evaluate(SCROLL, i)
                cell = self.page.locator(f'.jp-Cell[data-windowed-list-index="{i}"]')
                cell.locator(".jp-OutputArea-output").first.wait_for(timeout=20_000)
                yield i, cell

    def changes(self, cell, act, what):
        """Do `act` and wait until the cell's picture is another one; note how long it took."""
        picture = cell.locator(".jp-OutputArea img").last
        picture.wait_for(timeout=20_000)
        before, started = picture.get_attribute("src"), time.perf_counter()
        act()
        while picture.get_attribute("src") == before:
            assert time.perf_counter() - started < 10, f"{self.name}: {what} does not change the picture"
        self.delays[what] = time.perf_counter() - started

    def move_sliders(self):
        """Every slider by a key and by the mouse, every list, every button above a picture."""
        for i, cell in self.cells("sliders(", "player("):
            handles, at = cell.locator(".noUi-handle"), f"in cell {i}"
            setting = cell.locator(".widget-play").count()  # sliders of a player only set what its buttons do
            for k in range(0 if setting else handles.count()):
                at_end = handles.nth(k).get_attribute("aria-valuenow") == handles.nth(k).get_attribute("aria-valuemax")
                handles.nth(k).focus()
                key = "ArrowLeft" if at_end else "ArrowRight"
                self.changes(cell, partial(self.page.keyboard.press, key), f"{key} on slider {k} {at}")
                base = cell.locator(".noUi-base").nth(k)
                beyond = inside(handles.nth(k), 0.5)[0] > inside(base, 0.5)[0]  # then click well before the middle
                place = inside(base, 0.1 if beyond else 0.9)
                self.changes(cell, partial(self.page.mouse.click, *place), f"a click on slider {k} {at}")
            for k, choice in enumerate(cell.locator("select").all()):
                self.changes(cell, partial(choice.select_option, index=1), f"list {k} {at}")
            for button in cell.locator("button.jupyter-button:not(.mod-active)").all():
                if label := button.inner_text().strip():
                    place = inside(button, 0.5)  # `button.click` would wait for animation frames first
                    self.changes(cell, partial(self.page.mouse.click, *place), f"button {label!r} {at}")
            keep(self.page, f"{self.name}_{i}")

    def type_sentences(self):
        """In every line to type in: another sentence and Enter, then one and the button, a slider, a word unknown."""
        for i, cell in self.cells("prompt("):
            line, note = cell.locator("input[type=text]").first, cell.locator(".widget-html-content").last
            draw, place = cell.get_by_role("button", name="draw", exact=True), f"in cell {i}"
            line.fill("a person with green pigtails")
            self.draws(cell, partial(line.press, "Enter"), f"Enter {place}")
            line.fill("a frowning face with sunglasses")
            self.draws(cell, draw.click, f"the button {place}")
            cell.locator(".noUi-handle").first.focus()
            self.draws(cell, partial(self.page.keyboard.press, "ArrowRight"), f"a slider {place}")
            line.fill("a dragon")
            line.press("Enter")
            playwright.expect(note).to_contain_text("never heard 'dragon'", timeout=10_000)
            line.fill("a face")
            self.draws(cell, partial(line.press, "Enter"), f"a known word again {place}")
            playwright.expect(note).to_be_empty()
            keep(self.page, f"{self.name}_{i}")

    def draws(self, cell, act, what):
        """As `changes`, for pictures that a network has to draw first; these may take seconds."""
        self.changes(cell, act, what)
        print(f"{self.name}: {what}, {self.delays.pop(what):.1f} s to the picture")

    def answer_questions(self):
        """Click an answer to every question; it has to reply."""
        for i, cell in self.cells("= Prediction(", "Choice("):
            cell.locator("button.jupyter-button").first.click()
            reply = cell.locator(".widget-html-content").last
            playwright.expect(reply).to_contain_text(re.compile(r"Noted|Right|Not quite"), timeout=10_000)
            keep(self.page, f"{self.name}_{i}")


@pytest.fixture
def tab(lab, chromium):
    """Opens lessons; afterwards shuts their kernels down."""
    opened = []

    def open_tab(path, notebook):
        opened.append(Tab(lab, chromium, path, notebook))
        return opened[-1]

    yield open_tab
    for one in opened:
        one.page.evaluate("() => jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
        one.page.close()


@pytest.mark.parametrize("path", notebooks.lessons(), ids=lambda path: path.stem)
def test_a_lesson_lives_in_jupyterlab(path, tab, record_property):
    notebook = demo.prepared(path)
    lesson = tab(path, notebook)
    seconds = lesson.run_all(300)
    demo.check(notebook, lesson.outputs())
    lesson.move_sliders()
    lesson.type_sentences()
    lesson.answer_questions()
    assert lesson.complaints == []
    record_property("seconds", round(seconds, 1))
    delays = {what: round(1000 * delay) for what, delay in lesson.delays.items()}
    record_property("milliseconds", delays)
    print(f"{path.stem}: Run All {seconds:.1f} s; ms from key or click to picture: {delays}")
    assert not delays or statistics.median(delays.values()) < 1000 * SLOWEST


def test_a_lesson_in_full_with_its_training(tab):
    (path,) = notebooks.lessons("autoencoder")
    lesson = tab(path, notebooks.fresh(path))
    lesson.run_all(900)
    assert [o for o in lesson.outputs() if o["output_type"] == "error" or o.get("name") == "stderr"] == []
    assert lesson.complaints == []


@pytest.mark.parametrize("topic", ["autoencoder", "forward_diffusion", "guided_diffusion"])
def test_a_demonstration_in_voila(topic, chromium, tmp_path, monkeypatch):
    pytest.importorskip("voila", reason="voila is not installed (pip install voila)")
    monkeypatch.setattr(notebooks, "DEMO", tmp_path / "demo")
    (tmp_path / "helpers").symlink_to(COURSE / "helpers")
    path = notebooks.demo(*notebooks.lessons(topic))
    port = free_port()
    command = ["voila", str(path), "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.abort())  # no network: it asks for icons
    with serving(command, f"http://127.0.0.1:{port}/voila/static/voila.js", tmp_path / "log"):
        page.goto(f"http://127.0.0.1:{port}", timeout=240_000)
        handle = page.locator(".noUi-handle").first
        handle.wait_for(timeout=240_000)
        picture = page.locator(".widget-vbox:has(.noUi-handle) img").first
        before = picture.get_attribute("src")
        handle.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("([i, s]) => i.src !== s", arg=[picture.element_handle(), before], timeout=10_000)
        assert "Traceback" not in page.content()
        keep(page, f"voila_{path.stem}")
    page.close()
