"""Similarity matching for PyTorch: layers whose forward is pure and whose learning is an explicit local step."""

from .._optional import require

require("torch", extra="torch")

from .conv import ConvSimilarityMatching, SupervisedConvSimilarityMatching
from .dense import SimilarityMatching
from .distributed import all_reduce, share
from .layer import Layer
from .lenet import LeNet, pretrain_
from .patches import Patches
from .pooling import QuadrantPool2d
from .train import layers, load_checkpoint, save_checkpoint, train

__all__ = [
    "ConvSimilarityMatching",
    "Layer",
    "LeNet",
    "Patches",
    "QuadrantPool2d",
    "SimilarityMatching",
    "SupervisedConvSimilarityMatching",
    "all_reduce",
    "layers",
    "load_checkpoint",
    "pretrain_",
    "save_checkpoint",
    "share",
    "train",
]
