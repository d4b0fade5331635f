"""Data: drawn from known models, read from real sets, or streamed from files of any size."""

from __future__ import annotations

from .blocks import read_blocks, shape_hint
from .movies import moved_patches, pairs, shifted_textures
from .real import (
    MFEAT_VIEWS,
    load_digits,
    load_fashion_mnist,
    load_mfeat,
    load_mnist,
    load_natural_images,
    load_orl_faces,
    load_photographs,
    mnist_halves,
)
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
    "load_natural_images",
    "load_orl_faces",
    "load_photographs",
    "mnist_halves",
    "moved_patches",
    "pairs",
    "read_blocks",
    "ring",
    "shape_hint",
    "shifted_textures",
    "spiked_covariance",
]
