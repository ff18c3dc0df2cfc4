"""The full sets from a server on this machine: a good one, and every way in which it can fail."""

import functools
import gzip
import hashlib
import http.server
import socket
import threading

import numpy as np
import pytest

from helpers import download
from helpers.datasets import load

SIZES = {"train": 20, "t10k": 10}


def idx(array):
    """A uint8 array in the format of the MNIST files."""
    lengths = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes()


@functools.cache
def archives():
    """{name: bytes} of four small files such as the real servers have, in torchvision's order."""
    random = np.random.default_rng(0)
    contents = {}
    for split, n in SIZES.items():
        images = random.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = (np.arange(n) % 10).astype(np.uint8)
        contents[f"{split}-images-idx3-ubyte.gz"] = gzip.compress(idx(images), mtime=0)
        contents[f"{split}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels), mtime=0)
    return contents


NAMES = list(archives())
BAD = NAMES[2]  # the first two files arrive whole, the third makes trouble, the fourth is never asked for


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `archives()`; what goes wrong with the file BAD is the server's `fault`."""

    def do_GET(self):
        name = self.path.lstrip("/")
        self.server.asked.add(name)
        content, fault = archives()[name], self.server.fault if name == BAD else None
        half = len(content) // 2
        if fault == "garbage":
            self.wfile.write(b"this is not HTTP\r\n\r\n")
        if fault in ("garbage", "hung up"):
            return
        if fault == "forbidden":
            self.send_error(403)
            return
        if fault == "silent":
            self.server.closing.wait(5)  # long after SILENCE
        body = {"short": content[:half], "corrupted": content[::-1]}.get(fault, content)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:half])
        if fault == "stalled":
            self.server.closing.wait(5)
        if fault != "cut off":
            self.wfile.write(body[half:])

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Remembers which files were asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.fault, self.asked, self.closing = None, set(), threading.Event()

    def handle_error(self, request, client_address):
        pass  # a client that hangs up early is no news


@pytest.fixture(params=["fashion", "digits"])
def name(request):
    return request.param


@pytest.fixture
def server(name, tmp_path, monkeypatch):
    """A server that torchvision takes for the data set's only one; what it sends lands in `tmp_path`."""
    server = Server()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    source = download.SOURCES[name]
    monkeypatch.setattr(source, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.setattr(source, "resources", [(n, hashlib.md5(c).hexdigest()) for n, c in archives().items()])
    monkeypatch.setattr(download, "FULL", tmp_path)
    monkeypatch.setattr(download, "SILENCE", 0.5)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()


def assert_whole(arrays):
    for split, files in (("train", "train"), ("test", "t10k")):
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        assert images.dtype == np.uint8
        assert idx(images) == gzip.decompress(archives()[f"{files}-images-idx3-ubyte.gz"])
        assert idx(labels.astype(np.uint8)) == gzip.decompress(archives()[f"{files}-labels-idx1-ubyte.gz"])


def test_a_good_server_gives_the_whole_set(server, name):
    assert_whole(download.full_arrays(name))
    assert server.asked == set(NAMES)


def test_the_second_call_needs_no_network(server, name):
    download.full_arrays(name)
    server.asked.clear()
    assert_whole(download.full_arrays(name))
    assert not server.asked


def test_load_gives_the_full_set_as_images(server, name):
    train, test = load(f"{name}_full")
    assert train.images.shape == (20, 1, 28, 28)
    assert test.images.shape == (10, 1, 28, 28)
    assert train.labels.tolist() == [*range(10), *range(10)]


def test_the_patience_of_other_connections_is_left_as_it_was(server, name):
    before = socket.getdefaulttimeout()
    download.full_arrays(name)
    assert socket.getdefaulttimeout() == before


FAULTS = ["cut off", "short", "corrupted", "forbidden", "silent", "stalled", "hung up", "garbage"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", ["fashion"], indirect=True)
def test_after_a_failure_the_same_call_fetches_what_was_missing(server, name, fault, refuses, tmp_path):
    server.fault = fault
    with refuses("FashionMNIST could not be downloaded", f"the data set {name!r} needs no network"):
        load(f"{name}_full")
    assert not (tmp_path / "FashionMNIST").exists()
    assert server.asked == set(NAMES[:3])
    assert socket.getdefaulttimeout() is None

    server.fault = None
    server.asked.clear()
    assert len(load(f"{name}_full")[0]) == 20
    assert server.asked == set(NAMES[2:])
    assert (tmp_path / "FashionMNIST").is_dir()


def test_no_server_at_all_is_a_sentence_too(server, name, refuses):
    server.shutdown()
    server.server_close()
    with refuses("could not be downloaded", f"the data set {name!r} needs no network"):
        download.full_arrays(name)


def test_a_download_that_broke_off_while_unpacking_heals(server, name, tmp_path):
    raw = tmp_path / "incomplete" / download.SOURCES[name].__name__ / "raw"
    raw.mkdir(parents=True)
    for archive, content in archives().items():
        (raw / archive).write_bytes(content)
        (raw / archive.removesuffix(".gz")).write_bytes(gzip.decompress(content)[:100])
    assert_whole(download.full_arrays(name))
    assert not server.asked


def test_a_full_set_that_lost_a_file_says_what_to_delete(server, name, refuses, tmp_path):
    download.full_arrays(name)
    next(tmp_path.glob("*/raw/t10k-images-idx3-ubyte")).unlink()
    with refuses("delete", download.SOURCES[name].__name__):
        download.full_arrays(name)


def test_a_folder_of_somebody_else_is_a_sentence_too(stranger):
    said = stranger("""
download.FULL = files.own_folder("full")
datasets.load("fashion_full")
""")
    last = said.strip().splitlines()[-1]
    assert last.startswith("helpers.files.CourseError: the full FashionMNIST could not be downloaded")
    assert "Permission denied" in last and "needs no network" in last
