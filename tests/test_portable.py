"""What would break on Windows or on a Mac, looked for on any machine: names, text files, terminals, calls."""

import ast
import json
import re
import shutil
import subprocess

import pytest

from helpers.files import COURSE, RESERVED
from tools import notebooks

SHIPPED = [
    COURSE / "start.py",
    COURSE / "conftest.py",
    *(COURSE / "tools").glob("*.py"),
]
SHIPPED += (COURSE / "helpers").rglob("*.py")
TESTS = [*(COURSE / "tests").rglob("*.py")]
TERMINAL = [
    *SHIPPED[:1],
    *(COURSE / "tools").glob("*.py"),
    COURSE / "tests" / "mutations.py",
]
POSIX = {"fork", "forkpty", "getuid", "geteuid", "setuid", "getgid", "uname", "killpg", "getpgid", "mkfifo", "SIGALRM",
         "SIGKILL", "SIGHUP", "popen", "fcntl", "resource", "pwd", "termios"}  # fmt: skip


def name(path):
    return path.relative_to(COURSE).as_posix()


def source(path):
    """The Python in a file: its text, or the code cells of a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n".join("".join(c["source"]) + "\n" for c in json.loads(text)["cells"] if c["cell_type"] == "code")


def calls(text):
    """(line, name of what is called, its ast.Call) of every call."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            yield node.lineno, getattr(node.func, "attr", getattr(node.func, "id", "")), node


def text_mode(call, position):
    """Whether a call of `open` certainly opens a text file: its mode, which stands at `position`, holds no "b"."""
    mode = next((word.value for word in call.keywords if word.arg == "mode"), None)
    if mode is None and len(call.args) > position:
        mode = call.args[position]
    return mode is None or (isinstance(mode, ast.Constant) and isinstance(mode.value, str) and "b" not in mode.value)


def without_encoding(text):
    """Lines that read or write text in whatever encoding the machine prefers."""
    found = []
    for line, called, call in calls(text):
        words = {word.arg: word.value for word in call.keywords}
        method = isinstance(call.func, ast.Attribute)
        bad = len(call.args) < {"read_text": 1, "write_text": 2}.get(called, 0)  # the encoding may stand last
        bad |= called == "open" and not method and text_mode(call, 1)
        first = call.args[0] if call.args else None  # path.open("w"), not Image.open(file)
        is_path = first is None or (isinstance(first, ast.Constant) and re.fullmatch("[rwaxbt+]+", str(first.value)))
        bad |= called == "open" and method and bool(is_path) and text_mode(call, 0)
        bad |= called in ("run", "Popen", "check_output") and ("text" in words or "universal_newlines" in words)
        if bad and "encoding" not in words:
            found.append(f"line {line}: {called}(...) states no encoding")
    return found


def posix_only(text):
    """Lines that Windows cannot run, unless the file asks first whether it can."""
    found = [f"line {line}: shell" for line, _, call in calls(text) if "shell" in {word.arg for word in call.keywords}]
    for node in ast.walk(ast.parse(text)):
        used = getattr(node, "attr", None) if isinstance(node, ast.Attribute) else None
        used = node.names[0].name if isinstance(node, ast.Import) else used
        if used in POSIX and f'hasattr(os, "{used}")' not in text:
            found.append(f"line {node.lineno}: {used}")
        if isinstance(node, ast.Constant) and node.value == "HOME":
            found.append(f"line {node.lineno}: HOME; Path.home() knows it everywhere")
    return found


@pytest.mark.parametrize("path", [*SHIPPED, *TESTS, *notebooks.paths()], ids=name)
def test_text_is_read_and_written_in_a_stated_encoding(path):
    assert without_encoding(source(path)) == []


@pytest.mark.parametrize("path", [*SHIPPED, *notebooks.paths()], ids=name)
def test_nothing_runs_on_posix_alone(path):
    assert posix_only(source(path)) == []


@pytest.mark.parametrize("path", [*(COURSE / "tools").glob("*.py")], ids=name)
def test_what_tools_write_has_the_same_line_ends_everywhere(path):
    written = [call for _, called, call in calls(source(path)) if called == "write_text"]
    assert [call.lineno for call in written if "newline" not in {word.arg for word in call.keywords}] == []


@pytest.mark.parametrize("path", TERMINAL, ids=name)
def test_what_commands_print_fits_a_windows_terminal(path):
    words = [
        n.value for n in ast.walk(ast.parse(source(path))) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]
    assert [word for word in words if word.encode("cp1252", errors="ignore").decode("cp1252") != word] == []


@pytest.mark.parametrize(
    "bad",
    [
        "p.read_text()", "p.write_text('a')", "open('a')", "open('a', 'w')", "p.open()", "p.open('w')",
        "p.open(mode='a')", "subprocess.run(['a'], text=True)",
    ],
)  # fmt: skip
def test_a_missing_encoding_is_noticed(bad):
    assert len(without_encoding(bad)) == 1


@pytest.mark.parametrize(
    "good",
    [
        "p.read_text(encoding='utf-8')", "p.write_text('a', 'utf-8')", "open('a', 'rb')", "open('a', encoding='utf-8')",
        "p.open('wb')", "Image.open(file)", "p.open(mode='rb')", "subprocess.run(['a'], text=True, encoding='utf-8')",
    ],
)  # fmt: skip
def test_a_stated_encoding_is_not(good):
    assert without_encoding(good) == []


@pytest.mark.parametrize(
    "bad",
    ["os.fork()", "subprocess.run('a', shell=True)", "os.environ['HOME']", "import fcntl", "signal.SIGALRM"],
)
def test_what_is_posix_alone_is_noticed(bad):
    assert len(posix_only(bad)) == 1


def test_ruff_finds_no_unstated_encoding():
    ruff = shutil.which("ruff")
    if not ruff:
        pytest.skip("ruff is not installed")
    command = [ruff, "check", "--no-cache", "--preview", "--select", "PLW1514", "--output-format", "concise", "."]
    done = subprocess.run(command, cwd=COURSE, capture_output=True)
    assert done.returncode == 0, done.stdout.decode()


def unportable(names):
    """What is wrong with paths (strings with "/") for Windows or a Mac."""
    found = [f"{name}: longer than 150" for name in names if len(name) > 150]
    for name in names:
        for part in name.split("/"):
            if re.search(r'[<>:"\\|?*\x00-\x1f]|[. ]$', part) or RESERVED.fullmatch(part):
                found.append(f"{name}: {part!r} is forbidden")
    lower = [name.casefold() for name in names]
    return found + [f"{name}: another differs in case alone" for name in names if lower.count(name.casefold()) > 1]


def test_file_names_are_possible_everywhere():
    if not (COURSE / ".git").exists() or not shutil.which("git"):
        pytest.skip("this is no clone: nobody can tell the course's files from yours")
    listed = ["git", "-c", f"safe.directory={COURSE.as_posix()}", "ls-files", "-z", "-co", "--exclude-standard"]
    names = subprocess.run(listed, cwd=COURSE, capture_output=True, check=True).stdout.decode().split("\0")
    assert len(names) > 100
    assert unportable([name for name in names if name]) == []


@pytest.mark.parametrize(
    "names", [["a:b"], ["con.txt"], ["x/nul"], ["a."], ["a /b"], ["a?"], ["A/b", "a/b"], ["x" * 151], ["a\\b"]]
)
def test_a_name_that_is_not_is_noticed(names):
    assert unportable(names)
    assert unportable(["a/b.txt", "console.py", ".gitignore"]) == []
