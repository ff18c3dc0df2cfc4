"""start.py as people start it: the first time and again, with and without a network, where something is in its way.

It is really run, environment and pip included; only the packages are tiny ones made here, in place of gigabytes.
"""

import ast
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import tiny
from tiny import LOCAL, environment, require, wheel

from helpers.files import COURSE

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send to a group of processes")
BIN = "Scripts" if os.name == "nt" else "bin"
WAITS = """import time
try:
    print("waiting", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1)  # as JupyterLab does, which shuts its kernels down
    raise SystemExit(7)
"""


def started(course, *arguments, code=None, **variables):
    """start.py, run from another folder; `code` is Python that runs instead, with `start` to import."""
    command = [sys.executable, str(course / "start.py")] if code is None else [sys.executable, "-c", code]
    return subprocess.run([*command, *arguments], cwd=course.parent, env=environment(course, variables), timeout=120,
                          capture_output=True, encoding="utf-8", errors="replace")  # fmt: skip


def said(run):
    """What the package that start.py ran said about itself."""
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.strip().splitlines()[-1])


def complaint(run):
    """The one sentence with which start.py ended."""
    assert run.returncode not in (0, -2), run.stdout
    assert "Traceback" not in run.stderr
    return run.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """(The course after its first start, what that printed); in a path with a blank and an accent."""
    course = tmp_path_factory.mktemp("Cours d'été") / "mon cours"
    course.mkdir()
    tiny.fill(course)
    return course, started(course, "setup")


@pytest.fixture
def course(first, tmp_path):
    """A copy of it, in another place: what a user gets who moves the folder."""
    return Path(shutil.copytree(first[0], tmp_path / "moved", symlinks=True))


@pytest.fixture
def bare(first, tmp_path):
    """The course before its first start."""
    return Path(shutil.copytree(first[0], tmp_path / "bare", ignore=shutil.ignore_patterns(".venv")))


def test_the_first_start_installs_what_was_tested_and_the_second_installs_nothing(first):
    course, run = first
    assert "once" in run.stdout and "jupyterlab-1.0" in run.stdout
    (course / ".venv" / "mine").touch()
    require_nothing = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    began = time.monotonic()
    again = started(course, "setup", **require_nothing)
    assert (again.stdout, again.stderr, again.returncode) == ("", "", 0)
    assert (course / ".venv" / "mine").exists()
    assert time.monotonic() - began < 10


def test_what_is_started_sees_its_own_environment_and_the_arguments(course):
    told = said(started(course, "--no-browser", "--port=9000"))
    assert told["arguments"][-2:] == ["--no-browser", "--port=9000"]
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in told["arguments"]
    assert Path(told["folder"]).samefile(course)
    assert Path(told["python"]).samefile(course / ".venv") and Path(told["VIRTUAL_ENV"]).samefile(course / ".venv")
    assert told["PYTHONPATH"] is None and told["PIP_TARGET"] is None
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    assert ("--allow-root" in told["arguments"]) == root
    assert said(started(course, "test", "-k", "toys"))["arguments"] == ["-k", "toys"]


def test_new_requirements_are_installed_into_the_environment_that_is_there(course):
    (course / ".venv" / "mine").touch()
    (course / "constraints.txt").write_text("jupyterlab==2.0\n", encoding="utf-8")
    assert said(started(course))["version"] == "2.0"
    assert (course / ".venv" / "mine").exists()


def test_an_environment_that_you_made_yourself_is_kept(course):
    (course / ".venv" / "course-ready").unlink()
    (course / ".venv" / "mine").touch()
    assert said(started(course))["version"] == "1.0"
    assert (course / ".venv" / "mine").exists()
    assert started(course, "setup").stdout == ""


@pytest.mark.slow
@pytest.mark.parametrize("what", ["unfinished", "of a Python that is gone", "of another Python"])
def test_a_broken_environment_is_made_again(course, what):
    ready, python = course / ".venv" / "course-ready", course / ".venv" / BIN
    (course / ".venv" / "mine").touch()
    if what == "unfinished":
        ready.write_text(what, encoding="utf-8")
    elif what == "of another Python":
        ready.write_text(ready.read_text(encoding="utf-8").rpartition(" ")[0] + " 3.99", encoding="utf-8")
    else:
        shutil.rmtree(python)
    assert said(started(course))["version"] == "1.0"
    assert not (course / ".venv" / "mine").exists()


def test_an_environment_elsewhere(course, tmp_path):
    elsewhere = (course / ".venv").rename(tmp_path / "other place")
    (elsewhere / "course-ready").unlink()
    told = said(started(course, "test", COURSE_VENV=str(elsewhere)))
    assert Path(told["python"]).samefile(elsewhere)
    assert not (course / ".venv").exists()


def test_a_tilde_is_the_home_folder_and_nothing_is_the_usual_folder(bare, tmp_path):
    code = f"import sys; sys.path.insert(0, {str(bare)!r}); import start; print(start.VENV)"
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    assert started(bare, code=code, COURSE_VENV="~/mine", **home).stdout.strip() == str(tmp_path / "mine")
    assert started(bare, code=code, COURSE_VENV="").stdout.strip() == str(bare / ".venv")


def old_pythons():
    """Interpreters older than 3.11 on this machine: pyenv's, and those on the path."""
    found = sorted(Path.home().glob(".pyenv/versions/*/bin/python"))
    names = ("python2", "python2.7", *(f"python3.{minor}" for minor in range(5, 11)))
    found += [Path(path) for path in map(shutil.which, names) if path and ".pyenv" not in path]
    return [path for path in found if not path.parent.parent.name.startswith(("3.11", "3.12", "3.13", "3.14"))]


@pytest.mark.skipif(not old_pythons(), reason="no Python older than 3.11 on this machine")
def test_old_pythons_say_what_they_need():
    for python in old_pythons():
        run = subprocess.run([python, str(COURSE / "start.py")], capture_output=True, encoding="utf-8", timeout=60)
        assert run.returncode == 1, python
        assert run.stderr.startswith("The course needs Python 3.11 or newer") and run.stderr.count("\n") == 1


def test_old_pythons_can_read_it():
    tree = ast.parse((COURSE / "start.py").read_text(encoding="utf-8"), feature_version=(3, 6))
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign))]


def test_a_word_that_it_does_not_know(bare):
    assert complaint(started(bare, "tset")) == "start.py does not know 'tset': write test, setup, or nothing."
    assert not (bare / ".venv").exists()


def test_help_sets_nothing_up(bare):
    assert "python3 start.py test" in started(bare, "--help").stdout
    assert not (bare / ".venv").exists()


def test_python_without_venv(bare):
    code = f"import sys; sys.path.insert(0, {str(bare)!r}); sys.modules['ensurepip'] = None; import start; "
    assert "sudo apt install python{}.{}-venv".format(*sys.version_info) in complaint(
        started(bare, code=code + "start.main(['setup'])")
    )
    assert not (bare / ".venv").exists()


@pytest.mark.slow
def test_a_small_disk(bare):
    code = (
        f"import sys; sys.path.insert(0, {str(bare)!r}); import start; start.GIGABYTES = 10**9; start.main(['setup'])"
    )
    for _ in range(2):  # the second start has to look again
        sentence = complaint(started(bare, code=code))
        assert "needs 1000000000 GB" in sentence and "GB are free" in sentence


def test_a_folder_that_cannot_be_written(bare):
    sentence = complaint(started(bare, COURSE_VENV=str(bare / "start.py" / "venv")))
    assert sentence.startswith("Cannot write to") and "COURSE_VENV" in sentence


def test_a_folder_with_other_things_is_left_alone(bare):
    sentence = complaint(started(bare, COURSE_VENV=str(bare)))
    assert "holds other things" in sentence
    assert (bare / "start.py").exists()


def test_an_environment_that_is_of_no_use_is_left_alone_if_you_made_it(course):
    (course / ".venv" / "course-ready").unlink()
    shutil.rmtree(course / ".venv" / BIN)
    (course / ".venv" / "mine").touch()
    assert "not made by start.py: delete it" in complaint(started(course))
    assert (course / ".venv" / "mine").exists()


@pytest.mark.parametrize("yours", [True, False])
def test_a_failure_of_pip_costs_no_environment(course, yours):
    if yours:
        (course / ".venv" / "course-ready").unlink()
    (course / ".venv" / "mine").touch()
    packages = (course / "requirements.txt").read_text(encoding="utf-8")
    require(course, *LOCAL, "not-there-yet")
    for _ in range(2):
        assert complaint(started(course)).startswith("pip could not install the packages")
    (course / "requirements.txt").write_text(packages, encoding="utf-8")
    assert said(started(course))["version"] == "1.0"
    assert (course / ".venv" / "mine").exists()


def test_without_a_network(course):
    require(course, "not-there-yet")
    with socket.socket() as nobody:  # bound, but nobody listens
        nobody.bind(("127.0.0.1", 0))
        index = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        run = started(course, PIP_INDEX_URL=index, PIP_RETRIES="1")
    assert "could not reach the network" in complaint(run) and "No network?" in complaint(run)
    assert "No network?" in (COURSE / "README.md").read_text(encoding="utf-8")


def test_a_machine_that_never_sees_the_network(course):
    """README's two lines at "No network?", the first with the packages that are here in place of a network."""
    (course / "wheels").rename(course / "network")
    require(course, "jupyterlab", "pytest")
    download = ["-m", "pip", "download", "-r", "requirements.txt", "-c", "constraints.txt", "-d", "wheels"]
    network = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "network", "PYTHONPATH": "", "PIP_TARGET": ""}
    python = next((course / ".venv" / BIN).glob("python*"))
    subprocess.run([python, *download], cwd=course, env=environment(course, network), check=True, timeout=120)
    shutil.rmtree(course / "network")
    subprocess.run([python, "-m", "pip", "uninstall", "-y", "-q", "jupyterlab"], check=True, timeout=120)
    assert said(started(course, PIP_NO_INDEX="1", PIP_FIND_LINKS="wheels"))["version"] == "1.0"


@pytest.mark.parametrize("version", ["", "2.2", "2.7"])
def test_a_machine_for_which_there_is_no_pytorch(course, version):
    require(course, *LOCAL, "jupyterlab", "torch>=2.6")
    if version:  # one that is too old, or another than the constraints name
        wheel(course / "wheels", "torch", version, "")
        (course / "constraints.txt").write_text("torch==2.14.1\n", encoding="utf-8")
    assert complaint(started(course)).startswith("PyTorch has no build of Python 3.")


def test_another_failure_of_pip(course):
    require(course, *LOCAL, "not-there-yet")
    assert complaint(started(course)).startswith("pip could not install the packages")


def test_a_full_disk(bare):
    code = f"import sys; sys.path.insert(0, {str(bare)!r}); import start; print(start.explained(sys.argv[1], (3, 11)))"
    error = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    assert started(bare, error, code=code).stdout.startswith("The disk is full: setting up needs")


def interrupted(course, ready, **variables):
    """start.py after Ctrl-C, pressed as soon as `ready(output so far)`; returns (exit status, stdout and stderr)."""
    process = subprocess.Popen([sys.executable, str(course / "start.py")], env=environment(course, variables),
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
    output = b""
    while not ready(output):
        output += process.stdout.read1()
        assert process.poll() is None, output
    os.killpg(process.pid, signal.SIGINT)
    output += process.stdout.read()
    return process.wait(30), output.decode("utf-8")


@posix
def test_ctrl_c_is_answered_by_what_was_started(course):
    wheel(course / "wheels", "jupyterlab", "3.0", WAITS)
    (course / "constraints.txt").write_text("jupyterlab==3.0\n", encoding="utf-8")
    status, output = interrupted(course, lambda output: b"waiting" in output)
    assert status == 7
    assert "Traceback" not in output


@posix
def test_ctrl_c_during_the_installation(course):
    require(course, "not-there-yet")
    with socket.create_server(("127.0.0.1", 0)) as slow:  # takes the call and never answers
        index = f"http://127.0.0.1:{slow.getsockname()[1]}/"

        def asked(_):
            slow.accept()
            return True

        status, output = interrupted(course, asked, PIP_INDEX_URL=index)
    assert status == 1
    assert output.rstrip().endswith("Stopped. Start again whenever you like.")
    assert "start.py" not in output
    assert (course / ".venv" / "course-ready").read_text(encoding="utf-8").startswith("unfinished for Python 3.")


@pytest.fixture
def real(tmp_path):
    """The real course, as after its first start: an environment that borrows the packages of the one we run in."""
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    (site,) = folder.glob("[Ll]ib/site-packages") if os.name == "nt" else folder.glob("lib/*/site-packages")
    (site / "borrowed.pth").write_text("\n".join(path for path in sys.path if "site-packages" in path), "utf-8")
    code = f"import sys; sys.path.insert(0, {str(COURSE)!r}); import start; start.note(start.wanted(start.version()))"
    assert started(COURSE, code=code, COURSE_VENV=str(folder)).returncode == 0
    return folder


def test_jupyterlab_opens_at_the_first_lesson_even_if_the_port_is_taken(real, tmp_path):
    own = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR")}
    own |= {"COURSE_VENV": str(real), "JUPYTERLAB_DIR": str(Path(sys.prefix, "share", "jupyter", "lab"))}
    with socket.create_server(("127.0.0.1", 0)) as taken, (tmp_path / "log").open("w+", encoding="utf-8") as log:
        port = taken.getsockname()[1]
        command = [sys.executable, str(COURSE / "start.py"), "--no-browser", f"--port={port}"]
        lab = subprocess.Popen(command, env=environment(COURSE, own), cwd=tmp_path, stdout=log, stderr=log)
        try:
            address = announced(lab, tmp_path / "log")
            assert f":{port}/" not in address
            assert "/lab/tree/notebooks/00_start_here.ipynb?token=" in address
            page = urllib.request.urlopen(address, timeout=30)
            assert (page.status, b"JupyterLab" in page.read()) == (200, True)
            file = address.replace("/lab/tree/", "/api/contents/")
            assert json.load(urllib.request.urlopen(file, timeout=30))["type"] == "notebook"
        finally:
            lab.terminate()
            lab.wait(30)


def announced(lab, log, seconds=90):
    """The address on 127.0.0.1 that JupyterLab prints."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and lab.poll() is None:
        for word in log.read_text(encoding="utf-8").split():
            if word.startswith("http://127.0.0.1"):
                return word
        time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8"))
