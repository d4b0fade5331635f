"""Similarity matching for PyTorch: layers whose forward is pure and whose learning is an explicit local step."""

from .._optional import require

require("torch", extra="torch")

from ..memory import (
    GaussianAttentionDenoiser,
    LinearAttentionDenoiser,
    SoftmaxAttentionDenoiser,
    TwoStageAttentionDenoiser,
)
from .conv import ConvLayer, ConvSimilarityMatching, SupervisedConvSimilarityMatching
from .dense import SimilarityMatching
from .distributed import all_reduce, share
from .layer import Layer
from .lenet import LeNet, pretrain_
from .patches import Patches
from .pooling import QuadrantPool2d
from .train import layers, load_checkpoint, save_checkpoint, train

__all__ = [
    "ConvLayer",
    "ConvSimilarityMatching",
    "GaussianAttentionDenoiser",
    "Layer",
    "LeNet",
    "LinearAttentionDenoiser",
    "Patches",
    "QuadrantPool2d",
    "SimilarityMatching",
    "SoftmaxAttentionDenoiser",
    "SupervisedConvSimilarityMatching",
    "TwoStageAttentionDenoiser",
    "all_reduce",
    "layers",
    "load_checkpoint",
    "pretrain_",
    "save_checkpoint",
    "share",
    "train",
]
