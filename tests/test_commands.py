"""Every command that the course documents is known here, together with the way in which it is tried.

A command that a page gains makes the first test fail until it has an entry in TRIED. What needs a network, conda,
Windows or minutes of training is tried as far as it goes without: its entry says how.
"""

import io
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import commands
import pytest
import tiny
import yaml

from helpers.files import COURSE
from tools import notebooks

NOTEBOOK = "notebooks/00_start_here.ipynb"
WINDOWS = (r".venv\Scripts\python", ".venv/bin/python"), ("\\", "/"), ("py -m", "python3 -m")


def as_it_stands(command, course):
    """Run it in a copy of the course."""
    run = subprocess.run(words(command), cwd=course, capture_output=True, encoding="utf-8", timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr


def parsed(command, course):
    """It would train for minutes. Its own parser accepts each word of it: of one more word, it names that one alone."""
    status, _, error = here(f"{command} --nonsense")
    assert status == 2
    assert error.rstrip().endswith("error: unrecognized arguments: --nonsense")


def here(command):
    """(Exit status, stdout, stderr) of `python -m ...` in this process, which has imported PyTorch already."""
    _, _, module, *arguments = shlex.split(command)
    out, error = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(error), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [module, *arguments])
        patch.delitem(sys.modules, module, raising=False)
        with pytest.raises(SystemExit) as end:
            runpy.run_module(module, run_name="__main__")
    for stream in (out, error):
        stream.seek(0)
    return end.value.code, out.read(), error.read()


def empty_folder(command, course):
    """It fetches its sources, or takes them from a folder: with one that is empty, it says what is missing."""
    (course / "FOLDER").mkdir(exist_ok=True)
    arguments = [*words(command.removesuffix(" FOLDER")), "FOLDER"]
    run = subprocess.run(arguments, cwd=course, capture_output=True, encoding="utf-8", timeout=120)
    assert run.returncode == 1
    assert "is missing from FOLDER" in run.stderr


def in_data(command, course):
    """`cd data` and this are one line."""
    if command != "cd data":
        if not shutil.which("sha256sum"):
            pytest.skip("this system has no sha256sum; helpers.files checks the same sums")
        as_it_stands(command, course / "data")
    assert "cd data && sha256sum -c SHA256SUMS" in commands.sources()["data/README.md"]


def conda(command, course):
    """There is no conda here: the file that it reads names what is activated (test_requirements.py reads the rest)."""
    name = yaml.safe_load((course / "environment.yml").read_text(encoding="utf-8"))["name"]
    assert command.split()[-1] in ("environment.yml", name)


def clone(command, course):
    """The address is the course's; from the folder that lies here, in its place, the command fetches a course."""
    assert command.endswith(f" {notebooks.address()}")
    if not (shutil.which("git") and (COURSE / ".git").exists()):
        pytest.skip("this course has no git history: it was unpacked from a ZIP")
    target = course.parent / "clone"
    arguments = [*shlex.split(command)[:-1], "--no-checkout", "--quiet", COURSE.as_uri(), str(target)]
    subprocess.run(arguments, check=True, timeout=120)
    count = ["git", "-C", str(target), "rev-list", "--count", "HEAD"]
    assert subprocess.check_output(count, encoding="utf-8", timeout=60).strip() == "1"


def pip_names(command, course):
    """It asks the network. .ci/run installs the same package: tests/requirements.txt names it."""
    assert re.search(
        rf"^{command.split()[-1]}\b", (course / "tests/requirements.txt").read_text(encoding="utf-8"), re.M
    )


def jupyter(command, course):
    """test_start.py opens JupyterLab; here, the program answers to this name and the notebook is there."""
    program, lab, notebook = words(command)
    assert (course / notebook).is_file()
    assert subprocess.check_output([Path(sys.executable).with_name(program), lab, "--version"], timeout=60)


def ci(command, course):
    """It runs these tests: its syntax is right. (test_requirements.py: what it ends with.)"""
    subprocess.run(["bash", "-n", ".ci/run"], cwd=course, check=True, timeout=60)


def ci_line(command, course):
    """It asks the network. .ci/run has the same line, with the environment's own Python."""
    line = command.replace("python", '"$COURSE_VENV/bin/python"', 1)
    assert line in (course / ".ci/run").read_text(encoding="utf-8").splitlines()


def site_packages(command, course):
    """It asks the network. .ci/run installs the same file: tests/requirements.txt names it."""
    name = command.split()[-1]
    assert (course / name).is_file()
    assert f"-r ../{name}" in (course / "tests/requirements.txt").read_text(encoding="utf-8").splitlines()


def in_sequence(command, course):
    """It belongs to the lines of pip, which test_the_lines_of_pip_in_sequence runs."""
    assert [line for line in sequence("With pip alone") if line.startswith(plain(command))]


def in_test(file, name):
    """It is tried there, and that test exists."""

    def exists(command, course):
        assert f"def {name}(" in (COURSE / "tests" / file).read_text(encoding="utf-8")

    return exists


def colab(command, course):
    """It installs for minutes. .ci/run makes that environment by the same command, for test_colab_versions.py."""
    made = command.removesuffix(" FOLDER").replace("python", '"$COURSE_VENV/bin/python"', 1)
    assert made in (course / ".ci/run").read_text(encoding="utf-8")


STARTS = in_test("test_start.py", "test_what_is_started_sees_its_own_environment_and_the_arguments")
OFFLINE = in_test("test_start.py", "test_a_machine_that_never_sees_the_network")
PUSHED = in_test("test_commands.py", "test_a_course_is_pushed_to_an_empty_repository")
TRIED = {
    "python3 start.py": STARTS,
    "python3 start.py --no-browser": STARTS,
    "python3 start.py test": STARTS,
    "python3 start.py setup": in_test(
        "test_start.py", "test_the_first_start_installs_what_was_tested_and_the_second_installs_nothing"
    ),
    "python3 start.py test --fast": in_test("test_conftest.py", "test_fast_leaves_out_notebooks_and_slow_tests"),
    "python3 -m pip download -r requirements.txt -c constraints.txt -d wheels": OFFLINE,
    "PIP_NO_INDEX=1 PIP_FIND_LINKS=wheels python3 start.py": OFFLINE,
    "python3 -m venv .venv": in_sequence,
    ".venv/bin/python -m pip": in_sequence,
    ".venv/bin/python -m pip install -r requirements.txt -c constraints.txt": in_sequence,
    f".venv/bin/python -m jupyterlab {NOTEBOOK}": in_sequence,
    ".venv/bin/python -m pytest": in_sequence,
    "py -m venv .venv": in_sequence,
    r".venv\Scripts\python -m pip install -r requirements.txt -c constraints.txt": in_sequence,
    r".venv\Scripts\python -m jupyterlab notebooks\00_start_here.ipynb": in_sequence,
    r".venv\Scripts\python -m pytest": in_sequence,
    "python -m pip install latex2mathml": pip_names,
    "pip install latex2mathml": pip_names,
    "python -m pip install voila": pip_names,
    "python -m voila demo/01_autoencoder.ipynb": in_test("test_browser.py", "test_a_demonstration_in_voila"),
    "conda env create -f environment.yml": conda,
    "conda activate autoencoders-to-diffusion": conda,
    f"jupyter lab {NOTEBOOK}": jupyter,
    f"git clone --depth 1 {notebooks.address()}": clone,
    "git remote add origin https://github.com/OWNER/NAME": PUSHED,
    "git remote set-url origin https://github.com/OWNER/NAME": PUSHED,
    "git push -u origin main": PUSHED,
    "git fetch --unshallow": PUSHED,
    "git init -b main": PUSHED,
    "bash .ci/run": ci,
    "python -m pip install -r tests/requirements.txt -c constraints.txt": ci_line,
    "python -m pytest --fast": in_test("test_conftest.py", "test_fast_leaves_out_notebooks_and_slow_tests"),
    "python -m ruff check .": as_it_stands,
    "python -m ruff format .": as_it_stands,
    "cd data": in_data,
    "sha256sum -c SHA256SUMS": in_data,
    "python -m tools.data": empty_folder,
    "python -m tools.data FOLDER": empty_folder,
    "python -m tools.faces": in_test("test_faces.py", "test_drawing_some_faces_again_gives_the_same_pixels"),
    "python -m tools.attributes": in_test("test_attributes.py", "test_the_command_trains_and_ships"),
    "python -m tools.slides autoencoder": as_it_stands,
    "python -m tools.notebooks demo gan": as_it_stands,
    "python -m tools.notebooks demo autoencoder": as_it_stands,
    "python -m tools.notebooks demo autoencoder gan reverse_diffusion": as_it_stands,
    "python -m tools.notebooks address": as_it_stands,
    "python -m tools.notebooks export": as_it_stands,
    # test_site.py builds the site, one file and a ZIP.
    "python -m tools.site": parsed,
    "python -m tools.site gan variational": parsed,
    "python -m tools.site --as-recorded": parsed,
    "python -m tools.site --single": parsed,
    "python -m tools.site --zip": parsed,
    "python -m pip install -r site/requirements.txt": site_packages,
    "pip install -r site/requirements.txt": site_packages,
    # test_tools.py runs these with a small lesson and few steps.
    "python -m tools.notebooks run autoencoder": parsed,
    "python -m tools.notebooks run autoencoder --ship": parsed,
    "python -m tools.notebooks run gan": parsed,
    "python -m tools.notebooks run gan --ship": parsed,
    "python -m tools.notebooks run gan --steps 8000 --ship": parsed,
    "python -m tools.notebooks run reverse_diffusion --steps 9000 --ship": parsed,
    "python -m tools.notebooks try": parsed,
    "python -m tools.notebooks try gan --dataset digits --steps 30": parsed,
    "python -m tools.notebooks try gan --steps 30": parsed,
    "python -m tools.notebooks try --dataset digits": parsed,
    "python -m tools.notebooks try autoencoder reverse_diffusion text_to_image comparison --steps 60": parsed,
    "python -m pytest tests/test_parameters.py": in_test(
        "test_parameters.py", "test_a_lesson_runs_with_somebodys_own_pictures"
    ),
    "python -m tools.notebooks try --steps 1": parsed,
    "python -m pytest tests/test_second_device.py": in_test(
        "test_second_device.py", "test_a_lesson_runs_on_the_device_without_training"
    ),
    "python -m pytest tests/test_display.py": in_test("test_display.py", "test_figures_show_dark_on_white"),
    "python -m pytest tests/test_site.py": in_test("test_site.py", "test_no_page_asks_the_outside_or_complains"),
    "python -m tests.colab_environment FOLDER": colab,
    "python -m tools.samples variational gan conditional_gan reverse_diffusion": parsed,
    "python -m tools.samples variational --steps 45000": parsed,
    "python -m tools.samples gan --steps 11500": parsed,
    "python -m tools.samples gan --steps 11500 --seed 1": parsed,
    "python -m tools.samples gan --steps 11500 --seed 2 --record": parsed,
    "python -m tools.samples reverse_diffusion flow_matching --steps 9000 --record": parsed,
    "python -m tools.samples gan --model GAN --steps 11500 --record": parsed,
    'python -m tools.samples gan --model "VAE, larger" --set vae_steps=25200 --record': parsed,
    "python -m tools.samples conditional_gan --steps 12000 --record": parsed,
    'python -m tools.samples gan --model "VAE, larger" --set vae_steps=5600': parsed,
    'python -m tools.samples gan --model "VAE, larger" --set vae_steps=25200': parsed,
    "python -m tools.samples conditional_gan --steps 12000": parsed,
    "python -m tools.samples reverse_diffusion --steps 9000": parsed,
    "python -m tools.samples reverse_diffusion flow_matching": parsed,
    "python -m tools.samples reverse_diffusion flow_matching --steps 9000": parsed,
    "python -m tools.marks FOLDER": in_test("test_marks.py", "test_what_a_learner_writes_is_what_a_teacher_reads"),
    "python -m tools.judges": parsed,
    "python -m tools.judges FOLDER": parsed,
    "python -m tools.judges --only judge_digits": parsed,
    "python -m tools.move 07 08": in_test("test_move.py", "test_a_moved_lesson_is_named_by_its_new_number_everywhere"),
    "python -m tests.mutations": in_test("test_tools.py", "test_a_lesson_is_broken"),
    "python -m tests.mutations gan": in_test("test_tools.py", "test_a_lesson_is_broken"),
}


def words(command):
    """The words of a command, this Python in place of whichever one `python` is."""
    program, *arguments = shlex.split(command)
    return [sys.executable if program == "python" else program, *arguments]


def plain(command):
    """A line for Windows as it would be elsewhere; any other as it is."""
    for windows, elsewhere in WINDOWS:
        command = command.replace(windows, elsewhere)
    return command


def sequence(title):
    """The lines of code below a title of README's "Other ways to run it"."""
    below = commands.sources()["README.md"].split(f"**{title}**")[1].split("\n\n**")[0]
    return [line.strip() for line in below.splitlines() if line.startswith("    ")]


def test_every_documented_command_is_known():
    assert {command: files for command, files in commands.documented().items() if command not in TRIED} == {}
    assert set(TRIED) - set(commands.documented()) == set(), "no page has these any more"


def test_commands_are_found_wherever_they_stand():
    page = "Type `python a.py`, or:\n\n    cd b && git  pull # now\n    x = 1\n\nnot python c.py; `python`, `pip`\n"
    assert commands.commands(page, page=True) == ["cd b", "python a.py"]
    docstring = "Help.\n\npython -m d gan      does it\npython -m e --f ... and more: `bash g [h]`\n"
    assert commands.commands(docstring, page=False) == ["python -m d gan", "python -m e --f", "bash g h"]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the course, whose files a command may change."""
    copy = tmp_path_factory.mktemp("commands") / "course"
    left_out = (".git", ".venv", "results", "full", "__pycache__", "demo", "slides", "wheels", "_site")
    return Path(shutil.copytree(COURSE, copy, ignore=shutil.ignore_patterns(*left_out)))


@pytest.mark.slow
@pytest.mark.parametrize("command", TRIED)
def test_a_documented_command(command, course):
    before = {path.name: path.read_bytes() for path in (course / "notebooks").glob("*.ipynb")}
    TRIED[command](command, course)
    assert {path.name: path.read_bytes() for path in (course / "notebooks").glob("*.ipynb")} == before


@pytest.mark.slow
def test_the_tests_hold_in_a_folder_from_a_zip(course):
    """Those whose outcome depends on git: the copy has no history."""
    files = [f"tests/test_{name}.py" for name in ("colab", "datasets", "faces", "samples", "store")]
    chosen = ["-k", "colab or damaged or missing or checksum or advice", "-n", "0", "-q", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *files, *chosen]
    run = subprocess.run(command, cwd=course, capture_output=True, encoding="utf-8", timeout=300)
    assert run.returncode == 0, run.stdout


@pytest.mark.slow
@pytest.mark.parametrize("begun_as", ["zip", "shallow clone"])
def test_a_course_is_pushed_to_an_empty_repository(tmp_path, begun_as):
    """PUBLISHING's commands, with a small history and a folder in place of GitHub."""
    if not shutil.which("git"):
        pytest.skip("git is not here")

    def git(*words, folder="course"):
        settings = ("user.name=a", "user.email=a@b", "commit.gpgsign=false", "core.hooksPath=")
        named = [word for setting in settings for word in ("-c", setting)]
        return subprocess.check_output(["git", *named, *words], cwd=tmp_path / folder, encoding="utf-8", timeout=60)

    for folder in ("first", "public"):
        (tmp_path / folder).mkdir()
    git("init", "--bare", "-b", "main", folder="public")
    git("init", "-b", "main", folder="first")
    for text in "ab":
        (tmp_path / "first" / "file").write_text(text, encoding="utf-8")
        git("add", "--all", folder="first")
        git("commit", "-m", text, folder="first")
    address = (tmp_path / "public").as_uri()
    if begun_as == "zip":
        (tmp_path / "course").mkdir()
        shutil.copyfile(tmp_path / "first" / "file", tmp_path / "course" / "file")
        git("init", "-b", "main")
        git("add", "--all")
        git("commit", "-m", "b")
        git("remote", "add", "origin", address)
    else:
        git("clone", "--depth", "1", (tmp_path / "first").as_uri(), "course", folder=".")
        git("fetch", "--unshallow")
        git("remote", "set-url", "origin", address)
    git("push", "-u", "origin", "main")
    assert git("show", "main:file", folder="public") == "b"


@pytest.mark.slow
def test_the_lines_of_pip_in_sequence(tmp_path):
    """README's lines for pip, with tiny packages in place of the large; those for Windows are the same."""
    lines = sequence("With pip alone")
    assert [plain(line) for line in sequence("Windows")] == lines
    tiny.fill(tmp_path)
    variables = tiny.environment(tmp_path, {"PYTHONPATH": "", "PIP_TARGET": ""})
    python = str(Path(".venv", "Scripts" if os.name == "nt" else "bin", "python"))
    for line in lines:
        program, *arguments = line.split()
        command = [sys.executable if program == "python3" else str(tmp_path / python), *arguments]
        run = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, encoding="utf-8", timeout=120)
        assert run.returncode == 0, run.stderr
        if arguments[1] in ("jupyterlab", "pytest"):
            assert Path(json.loads(run.stdout)["python"]).samefile(tmp_path / ".venv")
