"""Data: drawn from known models, read from real sets, or streamed from files of any size."""

from __future__ import annotations

from .bars import bars
from .blocks import read_blocks, shape_hint
from .graphs import GRAPHS, load_graph, planted_partition, random_walk
from .mixing import shuffled
from .movies import moved_patches, pairs, shifted_textures
from .real import (
    MFEAT_VIEWS,
    load_cifar10_jpeg,
    load_coil20,
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
from .supercon import load_supercon
from .synthetic import Views, correlated_views, gaussian_blobs, ring, slow_signals, spiked_covariance

__all__ = [
    "GRAPHS",
    "MFEAT_VIEWS",
    "DataFile",
    "Dataset",
    "Views",
    "bars",
    "cache_folder",
    "catalog",
    "correlated_views",
    "dataset",
    "fetch",
    "gaussian_blobs",
    "load_cifar10_jpeg",
    "load_coil20",
    "load_digits",
    "load_fashion_mnist",
    "load_graph",
    "load_mfeat",
    "load_mnist",
    "load_natural_images",
    "load_orl_faces",
    "load_photographs",
    "load_supercon",
    "mnist_halves",
    "moved_patches",
    "pairs",
    "planted_partition",
    "random_walk",
    "read_blocks",
    "ring",
    "shape_hint",
    "shifted_textures",
    "shuffled",
    "slow_signals",
    "spiked_covariance",
]
