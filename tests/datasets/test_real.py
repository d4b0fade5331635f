"""Real data: known first samples, damaged files, downloads from a local server."""

from __future__ import annotations

import gzip
import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from similis import datasets
from similis._errors import InputError, SimilisError
from similis.datasets.idx import read_idx
from similis.datasets.sources import DATASETS, DataFile


def needs(name):
    return pytest.mark.skipif(
        not datasets.dataset(name).available, reason=f"{name} is not on this computer: set SIMILIS_DATA to its folder"
    )


def test_digits():
    X, labels = datasets.load_digits()
    assert X.shape == (1797, 64)
    assert (X.min(), X.max()) == (0, 1)
    assert labels[:10].tolist() == list(range(10))


@pytest.mark.data
@needs("mnist")
def test_mnist_and_its_halves():
    X, labels = datasets.load_mnist("test")
    assert X.shape == (10_000, 784)
    assert X.dtype == np.float32
    assert (X.min(), X.max()) == (0, 1)
    assert labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]  # as printed in countless tutorials
    (left, right), same = datasets.mnist_halves("test", dtype=np.float64)
    joined = np.concatenate([left.reshape(-1, 28, 14), right.reshape(-1, 28, 14)], axis=2)
    np.testing.assert_allclose(joined.reshape(-1, 784), X, atol=1e-7)
    np.testing.assert_array_equal(same, labels)
    assert len(datasets.load_mnist("train")[1]) == 60_000


@pytest.mark.data
@needs("fashion-mnist")
def test_fashion_mnist():
    X, labels = datasets.load_fashion_mnist("test")
    assert X.shape == (10_000, 784)
    assert np.bincount(labels).tolist() == [1000] * 10


@pytest.mark.data
@needs("orl-faces")
def test_orl_faces_stand_upright():
    X, labels = datasets.load_orl_faces()
    assert X.shape == (400, 1024)
    assert 0 <= X.min() < X.max() <= 1
    assert np.bincount(labels).tolist() == [10] * 40
    mean = X.reshape(-1, 32, 32).mean(0)
    # Upright faces are symmetric from left to right and not from top to bottom.
    across, down = np.abs(mean - mean[:, ::-1]).mean(), np.abs(mean - mean[::-1]).mean()
    assert across < down / 2


@pytest.mark.data
@needs("mfeat")
def test_mfeat_views():
    views, labels = datasets.load_mfeat(datasets.MFEAT_VIEWS)
    assert [view.shape for view in views] == [(2000, d) for d in (216, 76, 64, 6, 240, 47)]
    assert np.bincount(labels).tolist() == [200] * 10
    pix = dict(zip(datasets.MFEAT_VIEWS, views, strict=True))["pix"].reshape(-1, 16, 15)
    # A zero has a hole, a one has not: so the labels fit the pixels and the pixels are row by row.
    assert pix[labels == 0, 7:9, 7].mean() < 1 < 4 < pix[labels == 1, 7:9, 6:9].max(axis=(1, 2)).mean()


@pytest.mark.data
@needs("coil20")
def test_coil20_is_twenty_rings_of_upright_objects():
    X, labels = datasets.load_coil20()
    assert X.shape == (1440, 1024)
    assert (X.min(), X.max()) == (0, 1)
    np.testing.assert_array_equal(labels, np.repeat(np.arange(20), 72))
    duck = X[labels == 0]
    step, opposite = (np.linalg.norm(duck - np.roll(duck, shift, axis=0), axis=1) for shift in (-1, 36))
    assert step.max() < opposite.min()  # also from the last view to the first: a closed ring
    car = X[labels == 2][0].reshape(32, 32)
    tall, wide = ((np.arange(32) - 15.5) ** 2 @ car.sum(axis=axis) for axis in (1, 0))
    assert wide > 2 * tall  # it drives, it does not stand on its bumper


@pytest.mark.data
@needs("supercon")
def test_supercon():
    names, tc = datasets.load_supercon()
    assert len(set(names)) == len(tc) == 16_414
    assert (names[0], tc[0]) == ("Ba0.4K0.6Fe2As2", 31.2)
    assert (tc.min(), tc.max(), (tc == 0).sum()) == (0, 143, 3_966)


def test_catalog_describes_everything():
    records = datasets.catalog()
    assert [record.name for record in records] == [
        "digits",
        "mnist",
        "fashion-mnist",
        "cifar10-jpeg",
        "orl-faces",
        "mfeat",
        "natural-images",
        "photographs",
        "yale-b",
        "coil20",
        "graphs",
        "supercon",
    ]
    for record in records:
        assert record.description
        assert record.shape
        assert record.licence
        assert record.source
        assert record.available or record.path is None
    with pytest.raises(InputError, match="there are digits, mnist"):
        datasets.fetch("mnits")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: datasets.load_mnist("valid"), "split"),
        (lambda: datasets.load_mfeat(["fou", "foo"]), "views"),
        (lambda: datasets.load_mfeat("fou"), "views"),
    ],
)
def test_wrong_names(call, words):
    with pytest.raises(InputError, match=words):
        call()


GOOD = b"\0\0\x08\x02" + (2).to_bytes(4, "big") + (3).to_bytes(4, "big") + bytes(range(6))


def test_idx_is_row_major(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(GOOD, mtime=0))
    assert read_idx(tmp_path / "x.gz").tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(GOOD, mtime=0)[:-5], "not a complete gzip"),
        (b"plain", "not a complete gzip"),
        (gzip.compress(b"", mtime=0), "begins with 0x"),
        (gzip.compress(b"\0\0\x0d\x02" + GOOD[4:], mtime=0), "not idx bytes"),
        (gzip.compress(b"\0\0\x08\x09" + GOOD[4:], mtime=0), "not idx bytes"),
        (gzip.compress(GOOD[:9], mtime=0), "inside its header"),
        (gzip.compress(GOOD[:-1], mtime=0), "6 bytes, but 5 follow"),
        (gzip.compress(GOOD + b"!", mtime=0), "6 bytes, but 7 follow"),
    ],
)
def test_damaged_idx_is_refused(tmp_path, content, words):
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_idx(tmp_path / "x.gz")


BYTES = b"the content of a data file"
SUM = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def folders(tmp_path, monkeypatch):
    for name in ("data", "cache", "served"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("SIMILIS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SIMILIS_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def server(folders):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            """Say nothing."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folders / "served"))
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}/"
    httpd.shutdown()
    httpd.server_close()


def test_the_given_folder_wins_over_the_cache(folders):
    file = DataFile("a.bin", len(BYTES), SUM)
    (folders / "cache/a.bin").write_bytes(BYTES)
    assert file.fetch() == folders / "cache/a.bin"
    (folders / "data/a.bin").write_bytes(BYTES)
    assert file.fetch() == folders / "data/a.bin"


def test_a_damaged_or_truncated_file_is_named(folders):
    file = DataFile("a.bin", len(BYTES), SUM)
    (folders / "data/a.bin").write_bytes(BYTES[::-1])
    with pytest.raises(InputError, match=f"damaged, its SHA-256 is .*, expected {SUM}"):
        file.fetch()
    (folders / "data/a.bin").write_bytes(BYTES[:-1])
    with pytest.raises(InputError, match="25 bytes, expected 26"):
        file.fetch()


def test_a_file_without_an_address_says_where_to_put_it(folders):
    for record in (DATASETS["orl-faces"], DATASETS["mfeat"]):
        assert not record.available
        with pytest.raises(InputError, match=r"put the file .* under the folder that SIMILIS_DATA names"):
            record.fetch()


def test_downloads_are_checked_and_kept(folders, server):
    pytest.importorskip("pooch", reason="the data extra is not installed")
    (folders / "served/a.bin").write_bytes(BYTES)
    file = DataFile("deep/a.bin", len(BYTES), SUM, server + "a.bin")
    assert file.fetch().read_bytes() == BYTES
    (folders / "served/a.bin").unlink()
    assert file.fetch() == folders / "cache/deep/a.bin"


@pytest.mark.parametrize("served", [BYTES[:-1], b"something else", None])
def test_a_bad_download_leaves_nothing_behind(folders, server, served):
    pytest.importorskip("pooch", reason="the data extra is not installed")
    if served is not None:
        (folders / "served/a.bin").write_bytes(served)
    with pytest.raises(SimilisError, match="could not be downloaded"):
        DataFile("a.bin", len(BYTES), SUM, server + "a.bin").fetch()
    assert list((folders / "cache").rglob("*")) == []
