"""Settling of many samples at once, on any device: accelerated projected gradient that cannot step too far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._optional import require

if TYPE_CHECKING:
    from torch import Tensor

#: samples that settle together on a CPU: their outputs stay in the second-level cache
ROWS = 2048
#: iterations between two looks at whether the outputs still move
LOOK = 8


def relax(
    D: Tensor, A: Tensor, *, lower: float = 0.0, upper: float = float("inf"), l1: float = 0.0, iterations: int = 20,
    tolerance: float = 0.0,
) -> Tensor:  # fmt: skip
    """Settle every row: ``z = argmin_{lower <= z <= upper} z'Az - 2 z'd + 2 l1 |z|_1``.

    Nesterov's acceleration of ``z <- clip(z + (d - A z) / L)``, with L the largest eigenvalue of A: the step is at most
    half of what is stable, whatever A has become. It begins at the solution without bounds, ``A^-1 d``, clipped, which
    is worth about five iterations. A sample whose drive is nowhere above ``l1`` stays at 0 if outputs are nonnegative,
    and costs nothing.

    Parameters
    ----------
    D : (N, k) tensor, drives
    A : (k, k) tensor, symmetric and positive semidefinite
    lower, upper, l1 : floats, the domain
    iterations : int >= 1, at most so many
    tolerance : float >= 0, stop when no output moves by more than this times the largest output of its row (0: never)

    Returns
    -------
    (N, k) tensor

    References
    ----------
    Beck & Teboulle 2009, FISTA; O'Donoghue & Candes 2015, adaptive restart.
    """
    torch = require("torch", extra="torch")
    L = bounded(A)
    if L is None:
        return torch.full_like(D, float("nan"))
    unit = torch.eye(len(A), dtype=A.dtype, device=A.device)
    B, start = unit - A / L, torch.linalg.inv(A / L + 1e-3 * unit)
    heard = D
    if lower == 0.0:  # a drive that is no number is not quiet, so that it shows
        driven = (~(D.amax(1) <= l1)).nonzero()[:, 0]
        heard = D if len(driven) == len(D) else D.index_select(0, driven)
    if len(heard) == 0:
        return torch.zeros_like(D)
    pieces = heard.split(ROWS) if D.device.type == "cpu" else (heard,)
    settled = torch.cat([_relax(piece / L, B, start, lower, upper, l1 / L, iterations, tolerance) for piece in pieces])
    return settled if len(settled) == len(D) else torch.zeros_like(D).index_copy_(0, driven, settled)


def bounded(A: Tensor) -> Tensor | None:
    """The largest eigenvalue of A, if z'Az has a minimum, to rounding; None where it has none, or A holds NaN."""
    torch = require("torch", extra="torch")
    values = torch.linalg.eigvalsh(A)
    return values[-1] if bool(values[0] >= -len(A) * torch.finfo(A.dtype).eps * values[-1]) else None


def clip(R: Tensor, lower: float, upper: float, l1: float | Tensor) -> Tensor:
    """Settling with A = 1: the threshold l1, then the box."""
    if lower == 0.0:
        return (R - l1).clamp_(0.0, upper)
    return (R.sign() * (R.abs() - l1).clamp_(min=0.0)).clamp_(lower, upper)


def _relax(
    D: Tensor, B: Tensor, start: Tensor, lower: float, upper: float, l1: Tensor, iterations: int, tolerance: float
) -> Tensor:
    """The iteration z <- clip(B y + d), y ahead of z by its momentum; momentum that leads uphill is dropped."""
    torch = require("torch", extra="torch")
    if lower == 0.0:  # the threshold is a constant of the drive
        D, l1 = D - l1, torch.zeros_like(l1)

    def clipped(R: Tensor) -> Tensor:
        return R.clamp_(0.0, upper) if lower == 0.0 else clip(R, lower, upper, l1)

    Z = clipped(D @ start)
    ahead, t = Z, 1.0 if tolerance == 0.0 else D.new_ones(len(D), 1)
    for n in range(1, iterations):
        new = clipped(D.addmm(ahead, B))
        later = (1.0 + (1.0 + 4.0 * t * t) ** 0.5) / 2.0
        if tolerance:
            move = new - Z
            uphill = ((ahead - new) * move).sum(1, keepdim=True) > 0
            t, later = torch.where(uphill, 1.0, t), torch.where(uphill, 1.0, later)
            if n % LOOK == 0 and not bool((move.abs().amax(1) > tolerance * new.abs().amax(1)).any()):
                return new
        ahead, Z, t = Z.lerp(new, 1.0 + (t - 1.0) / later), new, later
    return Z
