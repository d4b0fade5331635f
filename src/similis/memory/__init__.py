"""Attention that denoises: posterior means over a context, calibrated by the noise.

The torch modules (``LinearAttentionDenoiser`` and its kin) are imported when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .._optional import require
from .baselines import context_mean, james_stein, kde_tweedie, mean_shift, npmle, one_step, pca_projection
from .calibrate import Settings, balance, calibrate, diagnose
from .cloud import kernel_mean, log_density
from .energy import AssociativeMemory, retrieve
from .mixtures import MixturePrior, symmetric_mixture
from .particles import depth, flow, gaussian_variance, horizon, refine, two_stage
from .patches import denoise_image, denoise_images
from .priors import LinearTask, MixtureTask, Prompts, SphereTask
from .systems import empirical_bayes, in_context_denoising
from .train import predict, train

if TYPE_CHECKING:
    from .attention import (
        GaussianAttentionDenoiser,
        LinearAttentionDenoiser,
        SoftmaxAttentionDenoiser,
        TwoStageAttentionDenoiser,
    )

__all__ = [
    "AssociativeMemory",
    "GaussianAttentionDenoiser",
    "LinearAttentionDenoiser",
    "LinearTask",
    "MixturePrior",
    "MixtureTask",
    "Prompts",
    "Settings",
    "SoftmaxAttentionDenoiser",
    "SphereTask",
    "TwoStageAttentionDenoiser",
    "balance",
    "calibrate",
    "context_mean",
    "denoise_image",
    "denoise_images",
    "depth",
    "diagnose",
    "empirical_bayes",
    "flow",
    "gaussian_variance",
    "horizon",
    "in_context_denoising",
    "james_stein",
    "kde_tweedie",
    "kernel_mean",
    "log_density",
    "mean_shift",
    "npmle",
    "one_step",
    "pca_projection",
    "predict",
    "refine",
    "retrieve",
    "symmetric_mixture",
    "train",
    "two_stage",
]


def __getattr__(name: str) -> object:
    """Import torch late."""
    if name.endswith("AttentionDenoiser") and name in __all__:
        require("torch", extra="torch")
        return getattr(import_module(f"{__name__}.attention"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
