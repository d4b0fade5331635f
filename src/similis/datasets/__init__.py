"""Data: drawn from known models, read from real sets, or streamed from files of any size."""

from __future__ import annotations

from .blocks import read_blocks, shape_hint
from .real import MFEAT_VIEWS, load_digits, load_fashion_mnist, load_mfeat, load_mnist, load_orl_faces, mnist_halves
from .sources import DataFile, Dataset, cache_folder, catalog, dataset, fetch
from .synthetic import Views, correlated_views, gaussian_blobs, ring, spiked_covariance

__all__ = [
    "MFEAT_VIEWS",
    "DataFile",
    "Dataset",
    "Views",
    "cache_folder",
    "catalog",
    "correlated_views",
    "dataset",
    "fetch",
    "gaussian_blobs",
    "load_digits",
    "load_fashion_mnist",
    "load_mfeat",
    "load_mnist",
    "load_orl_faces",
    "mnist_halves",
    "read_blocks",
    "ring",
    "shape_hint",
    "spiked_covariance",
]
