"""Pairs of consecutive frames whose motion is known, and pairs from a movie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from .._errors import InputError
from .._random import Seed, generator

Matrix = NDArray[np.float64]


def pairs(movie: ArrayLike) -> NDArray:
    """Consecutive frames of a movie, side by side.

        row t = (frame t, frame t + 1)

    Parameters
    ----------
    movie : array (T, p) or (T, height, width)
        Frames in order of time; those of more than one axis are flattened.

    Returns
    -------
    array (T - 1, 2 p)

    Raises
    ------
    InputError
        If there are fewer than two frames.
    """
    frames = np.asarray(movie)
    if frames.ndim < 2 or len(frames) < 2:
        raise InputError(f"movie of shape {frames.shape}; expected at least two frames, (T, p) or (T, height, width)")
    frames = frames.reshape(len(frames), -1)
    return np.concatenate([frames[:-1], frames[1:]], axis=1)


def shifted_textures(
    n_samples: int = 20_000,
    n_pixels: int = 5,
    *,
    smoothing: float = 20.0,
    pitch: int = 20,
    max_shift: int = 10,
    random_state: Seed | None = None,
) -> tuple[Matrix, Matrix]:
    """Rows of pixels that look at a one-dimensional texture before and after it has moved by a fraction of a pixel.

        texture = white noise * Gaussian(smoothing), of unit variance;   frame = every pitch-th sample of it

    Parameters
    ----------
    n_samples, n_pixels : int
    smoothing : float, default 20
        Standard deviation of the blur, in fine samples.
    pitch : int, default 20
        Fine samples between pixels.
    max_shift : int, default 10
        Shifts are uniform over the integers from -max_shift to max_shift fine samples.
    random_state : int, Generator or None

    Returns
    -------
    X : array (n_samples, 2 n_pixels)
        Frame before, frame after.
    shift : array (n_samples,)
        In pixels; positive towards higher pixel numbers.

    Raises
    ------
    InputError
        If a size is below one or the smoothing is not positive.
    """
    if min(n_samples, n_pixels, pitch, max_shift) < 1 or not smoothing > 0:
        raise InputError(
            f"n_samples={n_samples}, n_pixels={n_pixels}, pitch={pitch}, max_shift={max_shift}, smoothing={smoothing}; "
            "expected integers >= 1 and a positive smoothing"
        )
    rng, margin = generator(random_state), max_shift + int(4 * smoothing)
    noise = rng.standard_normal((n_samples, (n_pixels - 1) * pitch + 1 + 2 * margin))
    steps = rng.integers(-max_shift, max_shift + 1, n_samples)

    def lens(shift: int) -> Matrix:
        away = np.arange(noise.shape[1])[:, None] - (margin - shift + pitch * np.arange(n_pixels))
        weights = np.exp(-0.5 * (away / smoothing) ** 2)
        return weights / np.linalg.norm(weights, axis=0)

    before, after = noise @ lens(0), np.empty((n_samples, n_pixels))
    for shift in np.unique(steps):
        after[steps == shift] = noise[steps == shift] @ lens(shift)
    return np.concatenate([before, after], axis=1), steps / pitch


def moved_patches(
    images: Sequence[ArrayLike] | None = None,
    n_samples: int = 20_000,
    shape: tuple[int, int] = (5, 5),
    *,
    motion: Literal["translation", "cardinal", "horizontal", "rotation"] = "translation",
    pitch: float = 4.0,
    largest: float = 0.5,
    random_state: Seed | None = None,
) -> tuple[Matrix, Matrix]:
    """Patches of pictures before and after they have moved by a fraction of a pixel.

    The pictures are blurred by a Gaussian of one pixel pitch, as by a lens, brought to zero mean and unit variance, and
    read between their own pixels by cubic splines.

    Parameters
    ----------
    images : sequence of 2-D arrays or None
        None: sixteen pictures of white noise, which the blur makes into textures.
    n_samples : int
    shape : (int, int), default (5, 5)
        Pixels of a patch, down and across.
    motion : default "translation"
        "translation": any direction; "cardinal": up, down, left or right; "horizontal": left or right; "rotation":
        about the centre of the patch.
    pitch : float, default 4
        Pixels of the picture between pixels of the patch.
    largest : float, default 0.5
        Shifts are uniform up to so many pixels of the patch; angles up to so many pixels at half the patch's side.
    random_state : int, Generator or None

    Returns
    -------
    X : array (n_samples, 2 height width)
        Patch before, patch after, in row-major order.
    moved : array (n_samples, 2), or (n_samples,) for rotations
        Shift down and to the right, in pixels of the patch; angles in radians, positive from down towards right.

    Raises
    ------
    InputError
        If a word is unknown or a picture is too small for the patch.
    """
    rng = generator(random_state)
    if motion not in ("translation", "cardinal", "horizontal", "rotation"):
        raise InputError(f"motion={motion!r}; expected 'translation', 'cardinal', 'horizontal' or 'rotation'")
    pictures = [rng.standard_normal((256, 256)) for _ in range(16)] if images is None else images
    grid = np.indices(shape).reshape(2, -1).T - (np.array(shape) - 1) / 2  # (p, 2), about the centre
    reach = np.hypot(*shape) / 2 + largest + 1
    which = rng.integers(len(pictures), size=n_samples)
    moved = _motions(motion, n_samples, largest, max(shape), rng)
    before, after = np.empty((2, n_samples, len(grid)))
    for i, picture in enumerate(pictures):
        at = np.flatnonzero(which == i)
        blurred = ndimage.gaussian_filter(np.asarray(picture, float), pitch)
        room = np.array(blurred.shape) - 1 - 2 * reach * pitch
        if room.min() < 0:
            raise InputError(
                f"picture {i} of shape {blurred.shape} has no room for patches of {shape} at pitch {pitch}"
            )
        spline = ndimage.spline_filter((blurred - blurred.mean()) / blurred.std())
        centres = reach * pitch + room * rng.random((len(at), 2))
        for frame, places in ((before, grid[None]), (after, _undone(motion, grid, moved[at]))):
            where = centres[:, None] + pitch * places
            frame[at] = ndimage.map_coordinates(spline, where.transpose(2, 0, 1), prefilter=False)
    return np.concatenate([before, after], axis=1), moved


def _motions(motion: str, n: int, largest: float, side: int, rng: np.random.Generator) -> Matrix:
    size = rng.uniform(-largest, largest, n)
    if motion == "rotation":
        return size / (side / 2)
    angle = rng.uniform(0, np.pi, n) if motion == "translation" else np.pi / 2 * (rng.random(n) < 0.5)
    angle = np.full(n, np.pi / 2) if motion == "horizontal" else angle
    return size[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])


def _undone(motion: str, grid: Matrix, moved: Matrix) -> Matrix:
    """Where in the picture the pixels of the patch look after it has moved: (n, p, 2)."""
    if motion != "rotation":
        return grid[None] - moved[:, None]
    cos, sin = np.cos(moved)[:, None], np.sin(moved)[:, None]
    down, right = grid.T
    return np.stack([cos * down + sin * right, cos * right - sin * down], axis=2)
