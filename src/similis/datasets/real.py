"""Real data sets as arrays: one sample a row, pixels in [0, 1] and in row-major order."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._errors import InputError
from .._optional import require
from .idx import read_idx
from .sources import dataset

Split = Literal["train", "test"]
Labels = NDArray[np.int64]

MFEAT_VIEWS = ("fac", "fou", "kar", "mor", "pix", "zer")  # in the order of the file


def load_digits() -> tuple[NDArray[np.float64], Labels]:
    """Return scikit-learn's 8 x 8 digits.

    Returns
    -------
    X : array (1797, 64)
        In [0, 1].
    labels : array (1797,)
        0 to 9.
    """
    from sklearn.datasets import load_digits as bundled

    X, labels = bundled(return_X_y=True)
    return X / 16.0, labels.astype(np.int64)


def load_mnist(split: Split = "train", *, dtype: DTypeLike = np.float32) -> tuple[NDArray, Labels]:
    """Return MNIST.

    Parameters
    ----------
    split : "train" or "test"
        60,000 or 10,000 images.
    dtype : dtype, default float32

    Returns
    -------
    X : array (n, 784)
        Images of 28 x 28, in [0, 1].
    labels : array (n,)
        0 to 9.

    Raises
    ------
    InputError
        If the split is unknown or a file is damaged.
    SimilisError
        If the files are absent and cannot be downloaded.
    """
    return _idx_images("mnist", split, dtype)


def load_fashion_mnist(split: Split = "train", *, dtype: DTypeLike = np.float32) -> tuple[NDArray, Labels]:
    """Return Fashion-MNIST, laid out like MNIST.

    Parameters
    ----------
    split : "train" or "test"
        60,000 or 10,000 images.
    dtype : dtype, default float32

    Returns
    -------
    X : array (n, 784)
        Images of 28 x 28, in [0, 1].
    labels : array (n,)
        0 T-shirt, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.

    Raises
    ------
    InputError
        If the split is unknown or a file is damaged.
    SimilisError
        If the files are absent and cannot be downloaded.
    """
    return _idx_images("fashion-mnist", split, dtype)


def load_cifar10_jpeg(split: Split = "train", *, dtype: DTypeLike = np.float32) -> tuple[NDArray, Labels]:
    """Return CIFAR-10 as decoded from JPEG files, in a random order that is always the same.

    The files are lossy (RMS error about 8 grey levels): accuracies are not comparable with published ones.

    Parameters
    ----------
    split : "train" or "test"
        50,000 or 10,000 images.
    dtype : dtype, default float32

    Returns
    -------
    X : array (n, 3072)
        Images of 3 x 32 x 32, channels first, in [0, 1].
    labels : array (n,)
        0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.

    Raises
    ------
    InputError
        If the split is unknown, or the file is absent (it has no public address) or damaged.
    MissingDependencyError
        If Pillow is absent, which comes with matplotlib.
    """
    if split not in ("train", "test"):
        raise InputError(f"split: got {split!r}, expected 'train' or 'test'.")
    Image = require("PIL.Image", extra="plot")
    with np.load(dataset("cifar10-jpeg").files[0].fetch()) as packed:
        content, offsets, labels = packed["jpeg"], packed["offsets"], packed["y"]
        chosen = np.flatnonzero(packed["is_test"] == (split == "test"))
    chosen = np.random.default_rng(0).permutation(chosen)  # the file is sorted by class
    X = np.empty((len(chosen), 3, 32, 32), dtype)
    for image, i in zip(X, chosen, strict=True):
        pixels = np.asarray(Image.open(BytesIO(content[offsets[i] : offsets[i + 1]].tobytes())).convert("RGB"))
        image[...] = pixels.transpose(2, 0, 1)
    X /= 255
    return X.reshape(len(X), -1), labels[chosen].astype(np.int64)


def mnist_halves(split: Split = "train", *, dtype: DTypeLike = np.float32) -> tuple[tuple[NDArray, NDArray], Labels]:
    """Return the left and right halves of MNIST's images as two views.

    Parameters
    ----------
    split : "train" or "test"
    dtype : dtype, default float32

    Returns
    -------
    (X, Y) : arrays (n, 392)
        Columns 0 to 13 and 14 to 27 of every image, 28 x 14 each.
    labels : array (n,)

    Raises
    ------
    InputError
        If the split is unknown or a file is damaged.
    SimilisError
        If the files are absent and cannot be downloaded.
    """
    X, labels = load_mnist(split, dtype=dtype)
    left, right = np.split(X.reshape(-1, 28, 28), 2, axis=2)
    return (left.reshape(-1, 392), right.reshape(-1, 392)), labels


def load_orl_faces(*, dtype: DTypeLike = np.float64) -> tuple[NDArray, Labels]:
    """Return the ORL faces: ten pictures of each of 40 people.

    Parameters
    ----------
    dtype : dtype, default float64

    Returns
    -------
    X : array (400, 1024)
        Images of 32 x 32, in [0, 1].
    labels : array (400,)
        0 to 39.

    Raises
    ------
    InputError
        If the file is absent (it has no public address) or damaged.
    """
    content = _read_mat("orl-faces")
    return _upright(content["X"]).astype(dtype) / 255, content["Y"].ravel().astype(np.int64) - 1


def load_coil20(*, dtype: DTypeLike = np.float64) -> tuple[NDArray, Labels]:
    """Return COIL-20: 20 objects on a turntable, each a closed ring of 72 views.

    Parameters
    ----------
    dtype : dtype, default float64

    Returns
    -------
    X : array (1440, 1024)
        Images of 32 x 32, in [0, 1]; the views of an object follow each other in steps of 5 degrees.
    labels : array (1440,)
        0 to 19.

    Raises
    ------
    InputError
        If the file is absent (it has no public address) or damaged.
    """
    content = _read_mat("coil20")
    return _upright(content["X"]).astype(dtype), content["Y"].ravel().astype(np.int64) - 1


def load_mfeat(
    views: Sequence[str] = ("fou", "kar"), *, dtype: DTypeLike = np.float64
) -> tuple[tuple[NDArray, ...], Labels]:
    """Return views of the UCI Multiple Features digits, sorted by class as published: shuffle before streaming.

    Parameters
    ----------
    views : sequence of str, default ("fou", "kar")
        Among fac (216 profile correlations), fou (76 Fourier), kar (64 Karhunen-Loeve), mor (6 morphological), pix (240
        pixel averages, 16 x 15, 0 to 6) and zer (47 Zernike).
    dtype : dtype, default float64

    Returns
    -------
    views : tuple of arrays (2000, n_features)
        In the units of the file.
    labels : array (2000,)
        0 to 9.

    Raises
    ------
    InputError
        If a view is unknown, or the file is absent (it has no public address) or damaged.
    """
    unknown = [view for view in views if view not in MFEAT_VIEWS]
    if unknown or isinstance(views, str):
        raise InputError(f"views: got {views!r}, expected a sequence of names among {', '.join(MFEAT_VIEWS)}.")
    content = _read_mat("mfeat")
    stored = dict(zip(MFEAT_VIEWS, content["X"].ravel(), strict=True))
    labels = np.repeat(np.arange(10), 200)  # the file is sorted, its digit 0 is the first class
    return tuple(stored[view].astype(dtype) for view in views), labels


def _idx_images(name: str, split: str, dtype: DTypeLike) -> tuple[NDArray, Labels]:
    if split not in ("train", "test"):
        raise InputError(f"split: got {split!r}, expected 'train' or 'test'.")
    first = 0 if split == "train" else 2
    images, labels = (read_idx(file.fetch()) for file in dataset(name).files[first : first + 2])
    return images.reshape(len(images), -1).astype(dtype) / np.asarray(255, dtype), labels.astype(np.int64)


def _upright(X: NDArray) -> NDArray:
    """Images of 32 x 32 stored column by column, row by row."""
    return X.reshape(-1, 32, 32).transpose(0, 2, 1).reshape(-1, 1024)


def _read_mat(name: str) -> dict:
    from scipy.io import loadmat

    return loadmat(dataset(name).files[0].fetch())


def load_photographs() -> list[NDArray[np.float64]]:
    """Return scikit-learn's two bundled photographs in grey, a temple and a flower.

    Returns
    -------
    list of two arrays (427, 640)
        In [0, 1].

    Raises
    ------
    MissingDependencyError
        If Pillow is absent, which comes with matplotlib.
    """
    require("PIL", extra="plot")
    from sklearn.datasets import load_sample_images

    return [image.mean(axis=2) / 255 for image in load_sample_images().images]


def load_natural_images() -> list[NDArray[np.float64]]:
    """Return the 13 grey natural images of the ICA literature.

    Returns
    -------
    list of 13 arrays (256, 512)
        In [0, 1].

    Raises
    ------
    InputError
        If a file is absent (they have no public address) or damaged.
    MissingDependencyError
        If Pillow is absent, which comes with matplotlib.
    """
    Image = require("PIL.Image", extra="plot")
    return [np.asarray(Image.open(file.fetch()), float) / 255 for file in dataset("natural-images").files]
