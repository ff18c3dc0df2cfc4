"""Set the course up and open it. Needs Python 3.11 or newer, and a network the first time.

python3 start.py            set up, then open JupyterLab at lesson 00; what else you write goes to JupyterLab
python3 start.py test       set up, then run the tests; what else you write goes to pytest
python3 start.py setup      set up, no more

On Windows write py instead of python3. The packages go to the folder .venv beside this file, or to the folder that the
environment variable COURSE_VENV names. A Python that is too old must be able to read this file far enough to say so:
for that reason alone it has no f-strings.
"""

from __future__ import print_function

import hashlib
import os
import shutil
import signal
import subprocess
import sys

HERE = tuple(sys.version_info[:2])
OLDEST, TESTED = (3, 11), [(3, 11), (3, 12), (3, 13)]  # with those that were tested, constraints.txt holds
COURSE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.abspath(os.path.expanduser(os.environ.get("COURSE_VENV") or os.path.join(COURSE, ".venv")))
PYTHON = os.path.join(VENV, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))
READY = os.path.join(VENV, "course-ready")  # says what was installed; none where you made .venv yourself
UNFINISHED = "unfinished"  # in READY while .venv is made; with " for Python 3.11" while packages are missing
GIGABYTES = 13 if sys.platform.startswith("linux") else 3  # half of it stays; the rest is downloads and pip's cache
LESSON = "/lab/tree/notebooks/00_start_here.ipynb"  # in JupyterLab's address
FOREIGN = ("PYTHONHOME", "PYTHONPATH", "PIP_PREFIX", "PIP_TARGET", "PIP_USER")  # would mix in other packages


def environment():
    """The environment variables for what we start: as if .venv were activated, without other environments' traces."""
    own = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    path = os.path.dirname(PYTHON) + os.pathsep + own.get("PATH", os.defpath)
    return dict(own, VIRTUAL_ENV=VENV, PATH=path, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")


def read(path):
    """The bytes of a file; none where there is no such file."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def note(text):
    """Write READY, and its folder where it is missing; stops with a sentence where that cannot be done."""
    try:
        os.makedirs(VENV, exist_ok=True)
        with open(READY, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        reason = (VENV, error.strerror)
        sys.exit("Cannot write to %s (%s): set COURSE_VENV to a folder of your own, such as ~/course-venv." % reason)


def version():
    """Which Python .venv has, as (3, 11); () where it does not run, has no pip, or is too old."""
    try:
        command = [PYTHON, "-c", "import pip, sys; print(*sys.version_info[:2])"]
        said = subprocess.check_output(command, env=environment(), stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return ()
    found = tuple(map(int, said.split()))
    return found if found >= OLDEST else ()


def wanted(found):
    """What READY says once everything is installed for Python `found`, as (3, 11)."""
    files = [read(os.path.join(COURSE, name)) for name in ("requirements.txt", "constraints.txt")]
    return "%s for Python %s" % (hashlib.sha256(b"\n".join(files)).hexdigest(), ".".join(map(str, found)))


def setup():
    """Make .venv and install the packages, unless that was done; stops with a sentence where it cannot be done."""
    found, ready = version(), read(READY).decode("utf-8", "replace")
    if found and ready == wanted(found):
        return
    print("Setting the course up in %s. This takes some minutes, once." % VENV, flush=True)
    if not found or (ready and ready.split()[-1] != wanted(found).split()[-1]):  # half made, or of another Python
        found = make_venv()
    note(" ".join([UNFINISHED] + wanted(found).split()[1:]))  # should pip fail, the next start tries pip again, no more
    errors = pip_install(found)
    if errors:
        sys.exit(explained(errors, found))
    note(wanted(found))


def make_venv():
    """Make .venv, in place of an older one of its own but of nothing else; returns its Python's version, as (3, 11)."""
    inside = os.listdir(VENV) if os.path.isdir(VENV) else []
    if inside and os.path.basename(READY) not in inside:
        what = "an environment without pip or with an old Python" if "pyvenv.cfg" in inside else "other things"
        sys.exit("%s holds %s, not made by start.py: delete it, or let COURSE_VENV name a new folder." % (VENV, what))
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        sys.exit("This Python has no venv and ensurepip. On Debian or Ubuntu: sudo apt install python%d.%d-venv" % HERE)
    try:
        if inside:
            shutil.rmtree(VENV)
    except OSError as error:
        sys.exit("Cannot replace %s (%s): close what still runs there, and start again." % (VENV, error.strerror))
    note(UNFINISHED)
    base = getattr(sys, "_base_executable", sys.executable)  # not an environment's, which may be the one replaced here
    failed = subprocess.call([base, "-m", "venv", VENV], env=environment())
    found = version()
    if failed or not found:
        sys.exit("Python could not make its environment in %s; the lines above say why." % VENV)
    free = shutil.disk_usage(VENV).free / 1e9
    if free < GIGABYTES:
        sys.exit("The disk is too small: setting up needs %d GB at %s, and %.1f GB are free." % (GIGABYTES, VENV, free))
    return found


def pip_install(found):
    """Install the packages for Python `found`, as (3, 11); returns "", or what pip wrote to stderr before it failed."""
    constraints = ["-c", "constraints.txt"] if found in TESTED else []
    command = [PYTHON, "-m", "pip", "install", "-r", "requirements.txt"] + constraints
    pip = subprocess.Popen(command, cwd=COURSE, env=environment(), stderr=subprocess.PIPE)
    lines = []
    try:
        for line in pip.stderr:
            lines.append(line.decode("utf-8", "replace"))
            print(lines[-1], end="", file=sys.stderr, flush=True)
        return ("".join(lines) or "pip failed") if pip.wait() else ""
    finally:
        pip.terminate()


def explained(errors, found):
    """One sentence for what pip wrote to stderr."""
    if "No space left" in errors:
        return "The disk is full: setting up needs %d GB. (TMPDIR names the folder of pip's downloads.)" % GIGABYTES
    if any(word in errors for word in ("Retrying (", "Could not fetch URL", "timed out")):
        return 'pip could not reach the network: connect and start again, or go on as README.md says at "No network?"'
    if "No matching distribution found for torch" in errors or "Cannot install torch" in errors:
        return "PyTorch has no build of Python %d.%d for this machine: use Python 3.11 to 3.14, or Colab." % found
    return "pip could not install the packages; its last lines say why. Mend that, and start again."


def run(module, *arguments):
    """`python -m module` with .venv, in the course's folder; returns its exit status. Ctrl-C is its to answer."""
    child = subprocess.Popen([PYTHON, "-m", module] + list(arguments), cwd=COURSE, env=environment())
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            pass  # JupyterLab asks whether to stop, pytest says what it has


def main(arguments):
    """Do what the command line asks for; returns the exit status."""
    command = arguments[0] if arguments and not arguments[0].startswith("-") else ""
    if command not in ("", "test", "setup"):
        sys.exit("start.py does not know %r: write test, setup, or nothing." % command)
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    setup()
    if command == "setup":
        return 0
    if command == "test":
        return run("pytest", *arguments[1:])
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # JupyterLab refuses root without
    return run("jupyterlab", "--ServerApp.root_dir=" + COURSE, "--LabApp.default_url=" + LESSON, *(root + arguments))


if __name__ == "__main__":
    if HERE < OLDEST:
        sys.exit("The course needs Python 3.11 or newer (python.org has it); this is %d.%d." % HERE)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nStopped. Start again whenever you like.")
