"""Pictures as clouds of patches: attention among the patches themselves, then their overlaps averaged.

A patch loses its mean, and is turned to the principal directions of all patches. Along the leading ones the prior is
learned by two-stage attention; along the others, where noise prevails, it is taken as Gaussian. The kernel would see no
two patches as neighbours if all directions took part.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._errors import InputError
from .._random import Seed, generator
from .admit import count, floats, positive
from .calibrate import calibrate
from .cloud import Engine, kernel_mean
from .particles import refine

#: step of a layer: few layers are enough for patches, and each costs the square of their number
STEP = 0.5


def denoise_images(
    images: Sequence[np.ndarray], noise: float, *, patch: int = 7, n_components: int = 12, n_tokens: int = 12_000,
    engine: Engine = "auto", random_state: Seed = None,
) -> list[np.ndarray]:  # fmt: skip
    """Remove noise of known variance from pictures that resemble each other, with nothing but these pictures.

    Parameters
    ----------
    images : sequence of (height, width) arrays, grey, noisy; their patches form one cloud
    noise : float > 0, variance of the noise per pixel
    patch : int >= 2, side of a patch in pixels
    n_components : int >= 0, leading directions along which attention works; 0 leaves the Gaussian prior alone
    n_tokens : int, patches in the refined cloud, drawn at random when there are more; time grows with its square
    engine : as in :func:`similis.memory.kernel_mean`
    random_state : int, Generator, RandomState or None

    Returns
    -------
    list of arrays of the shapes given, float32 or, where the picture holds float64 or whole numbers, float64

    Raises
    ------
    InputError
        For pictures that are not two-dimensional, finite and at least a patch in size, or parameters out of range.
    """
    noise, patch, n_tokens = positive("noise", noise), count("patch", patch, 2), count("n_tokens", n_tokens, 4)
    images = [floats(f"images[{i}]", image) for i, image in enumerate(images)]
    if not images or any(min(image.shape) < patch for image in images):
        shapes = [image.shape for image in images]
        raise InputError(f"images of shapes {shapes}; expected grey pictures, each at least {patch} x {patch}")
    level = float(np.mean([image.mean(dtype=float) for image in images]))
    kinds, images = [image.dtype for image in images], [(image - level).astype(np.float32) for image in images]
    rng, n, k = generator(random_state), patch * patch, min(count("n_components", n_components), patch * patch - 1)
    parts = [np.lib.stride_tricks.sliding_window_view(im, (patch, patch)).reshape(-1, n) for im in images]
    means = [part.mean(1, keepdims=True) for part in parts]
    rows = np.concatenate([part - mean for part, mean in zip(parts, means, strict=True)])
    variances, V = np.linalg.eigh(rows.T.astype(float) @ rows / len(rows))
    variances, V = variances[::-1], V[:, ::-1].astype(np.float32)
    rows = rows @ V
    clean = rows * np.maximum(0, 1 - noise / np.maximum(variances, noise)).astype(np.float32)
    tokens = rows[rng.permutation(len(rows))[:n_tokens], :k]
    if k and len(tokens) >= 4:
        chosen = calibrate(tokens, noise, eta=STEP, random_state=rng)
        tokens = refine(tokens, chosen.beta, chosen.n_layers, STEP, engine=engine)
        clean[:, :k] = kernel_mean(rows[:, :k], tokens, 1 / noise, engine=engine)
    ends = np.cumsum([len(part) for part in parts])[:-1]
    pieces = zip(np.split(clean @ V.T, ends), means, images, kinds, strict=True)
    return [
        (_assembled(piece + mean, image.shape, patch) + kind.type(level)).astype(kind)
        for piece, mean, image, kind in pieces
    ]


def denoise_image(image: np.ndarray, noise: float, **words: object) -> np.ndarray:
    """One picture, as :func:`denoise_images`, whose keywords it takes."""
    return denoise_images([image], noise, **words)[0]  # type: ignore[arg-type]


def _assembled(patches: np.ndarray, shape: tuple[int, ...], side: int) -> np.ndarray:
    """The mean of all patches that cover a pixel."""
    high, wide = shape[0] - side + 1, shape[1] - side + 1
    total, count = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    grid = patches.reshape(high, wide, side, side)
    for i in range(side):
        for j in range(side):
            total[i : i + high, j : j + wide] += grid[:, :, i, j]
            count[i : i + high, j : j + wide] += 1
    return total / count
