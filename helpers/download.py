"""The full data sets through torchvision, for those who have the network: whole, or not there at all."""

import http.client
import os
import shutil
import socket

import torchvision

from helpers.files import DATA, CourseError

FULL = DATA / "full"
SOURCES = {"fashion": torchvision.datasets.FashionMNIST, "digits": torchvision.datasets.MNIST}
SILENCE = 30.0  # seconds without a byte before a server counts as gone


def full_arrays(name):
    """{train_images: (60000, 28, 28) uint8, train_labels: (60000,), test_images, test_labels} of a full data set."""
    source = SOURCES[name]
    if not os.path.isdir(FULL / source.__name__):  # False, not an error, in a folder that another user may read alone
        download(source, name)
    arrays = {}
    for split in ("train", "test"):
        try:
            data = source(FULL, train=split == "train")
        except (RuntimeError, OSError, ValueError) as error:
            folder = f"data/full/{source.__name__}"
            raise CourseError(f"{folder} is incomplete; delete that folder and run this cell again") from error
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = data.data.numpy(), data.targets.numpy()
    return arrays


def download(source, name):
    """Download into a waiting room; move to data/full only when every file has its published MD5 and is unpacked.

    name: the data set that is the shipped part of this one.
    """
    waiting = FULL / "incomplete"
    raw = waiting / source.__name__ / "raw"
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        if raw.is_dir():  # an earlier try broke off: whole archives are kept (their MD5 is checked), the rest goes
            for file in raw.iterdir():
                if file.suffix != ".gz":
                    file.unlink()
        source(waiting, download=True)
    except (OSError, http.client.HTTPException, RuntimeError, EOFError) as error:
        raise CourseError(
            f"the full {source.__name__} could not be downloaded ({one_line(error)}); "
            f"the data set {name!r} needs no network, or run this cell again to go on where it stopped"
        ) from error
    finally:
        socket.setdefaulttimeout(patience)
    shutil.move(waiting / source.__name__, FULL / source.__name__)


def one_line(error):
    """The last line of an error's message, or its kind where it has none."""
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
