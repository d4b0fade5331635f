"""A similarity of compositions, learned so that what is left out is answered from the rest.

    z(c) = (a * c, V c, network(c))                        coordinates c of a composition, weights a, V and the network
    kernel   P = (exp(-t |z_i - z_j|) + r I)^-1,           min  sum_i (P y)_i^2 / P_ii^2  +  sum_g |P_gg^-1 (P y)_g|^2
    recall   w_ij ~ exp(-t |z_i - z_j|), other systems,    min  sum_i |y_i - sum_j w_ij y_j|^2

The two sums of ``kernel`` are the errors of kernel regression, in closed form, with each composition left out and with
each element system g left out whole. ``recall`` hides the query's own element system.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Reading = Literal["kernel", "recall"]
#: compositions of a step of ``kernel``, drawn from so many times as many nearest to one: as dense as they are asked
_BATCH, _AROUND = 1000, 3
#: the least noise of kernel regression
_FLOOR = 3e-3
#: of one reading: share of coordinates left out while learning, sharpness and noise to start from
_DROPOUT = {"kernel": 0.3, "recall": 0.15}
_START = {"kernel": (0.5, 0.05), "recall": (5.0, 0.05)}


class Similarity(nn.Module):
    """Coordinates weighed, projected, and bent by a small network; while learning, whole coordinates are left out."""

    def __init__(self, n_in: int, reading: Reading, rank: int = 64, hidden: int = 128) -> None:
        super().__init__()
        sharpness, ridge = _START[reading]
        self.log_weight = nn.Parameter(torch.zeros(n_in))
        self.log_sharpness = nn.Parameter(torch.tensor(np.log(sharpness), dtype=torch.float32))
        self.log_ridge = nn.Parameter(torch.tensor(np.log(ridge), dtype=torch.float32))
        self.projection = nn.Parameter(0.02 * torch.randn(n_in, rank))
        first, last = nn.Linear(n_in, hidden), nn.Linear(hidden, 32)
        nn.init.normal_(last.weight, 0, 0.02)
        self.bend = nn.Sequential(first, nn.SiLU(), nn.Dropout(0.2), last)
        self.dropout = _DROPOUT[reading]

    def forward(self, c: Tensor) -> Tensor:
        if self.training:
            c = c * (torch.rand(c.shape[1], device=c.device) >= self.dropout)
        return torch.cat([c * self.log_weight.exp(), c @ self.projection, self.bend(c)], 1)

    @property
    def sharpness(self) -> Tensor:
        return self.log_sharpness.exp()

    @property
    def ridge(self) -> Tensor:
        return self.log_ridge.exp() + _FLOOR

    def scales(self) -> tuple[float, float]:
        """Sharpness and noise as they were learned."""
        return self.sharpness.item(), self.ridge.item()


def learn(
    reading: Reading, c: NDArray, y: NDArray, systems: NDArray, *, seed: int, steps: int, device: str = "cpu"
) -> Similarity:
    """Learn a similarity for one way of reading it.

    Parameters
    ----------
    reading : "kernel" or "recall"
    c : (n, n_coordinates)
    y : (n, k), "kernel" takes them less their centre; "recall" skips those that are nan
    systems : (n,) int
    """
    torch.manual_seed(seed)
    rng, loss = np.random.default_rng(seed), {"kernel": _left_out, "recall": _recalled}[reading]
    rows, own = torch.from_numpy(c).to(device), torch.from_numpy(systems).to(device)
    values = torch.from_numpy(y).to(device, torch.float32)
    net = Similarity(c.shape[1], reading).to(device)
    scalars = [net.log_sharpness, net.log_ridge]
    others = [p for p in net.parameters() if all(p is not scalar for scalar in scalars)]
    optimiser = torch.optim.AdamW([{"params": others, "weight_decay": 0.02}, {"params": scalars, "weight_decay": 0}])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=steps, pct_start=0.1)
    for _ in range(steps):
        chosen = torch.from_numpy(_around(c, rng) if reading == "kernel" else rng.permutation(len(c))[: 512 + 2048])
        error = loss(net, net(rows[chosen]), values[chosen], own[chosen])
        optimiser.zero_grad()
        error.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return net.eval()


def _around(c: NDArray, rng: np.random.Generator) -> NDArray[np.int64]:
    """Some of the compositions nearest to one drawn at random."""
    many, some = min(_AROUND * _BATCH, len(c)), min(_BATCH, len(c))
    if many == len(c):
        return rng.choice(len(c), some, replace=False)
    apart = ((c - c[rng.integers(len(c))]) ** 2).sum(1)
    return rng.choice(np.argpartition(apart, many)[:many], some, replace=False)


def _left_out(net: Similarity, z: Tensor, y: Tensor, own: Tensor) -> Tensor:
    """Mean squared error of kernel regression, half with one composition left out, half with its element system."""
    one = torch.eye(len(z), device=z.device)
    P = _Inverse.apply(torch.exp(-net.sharpness * distances(z, z) * (1 - one)) + net.ridge * one)
    Py = P @ y
    alone, together = Py / P.diagonal()[:, None], _Solve.apply(P * (own[:, None] == own[None]), Py)
    return 0.5 * (alone**2).mean() + 0.5 * (together**2).mean()


def _recalled(net: Similarity, z: Tensor, y: Tensor, own: Tensor) -> Tensor:
    """Squared error of attention from a fifth of the compositions to the others of other element systems."""
    asked = max(1, len(z) // 5)
    near = -net.sharpness * distances(z[:asked], z[asked:])
    weight = torch.softmax(near.masked_fill(own[:asked, None] == own[None, asked:], -1e9), 1)
    known = torch.isfinite(y)
    y, share = y.nan_to_num(), weight @ known[asked:].float()
    heard = (weight @ y[asked:]) / share.clamp_min(1e-6)
    return ((heard - y[:asked]) ** 2 * (known[:asked] & (share > 1e-3))).sum(0).div(asked).sum()


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean, with a gradient at 0."""
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return squared.clamp_min(1e-8).sqrt()


class _Inverse(torch.autograd.Function):
    """Of a positive definite matrix, with the gradient in closed form: twice as quick as that of its factor."""

    @staticmethod
    def forward(ctx: Any, K: Tensor) -> Tensor:
        P = torch.cholesky_inverse(torch.linalg.cholesky(K))
        ctx.save_for_backward(P)
        return P

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (P,) = ctx.saved_tensors
        return -P @ grads[0] @ P


class _Solve(torch.autograd.Function):
    """``A^-1 b`` of a positive definite A, with the gradient in closed form."""

    @staticmethod
    def forward(ctx: Any, A: Tensor, b: Tensor) -> Tensor:
        factor = torch.linalg.cholesky(A)
        x = torch.cholesky_solve(b, factor)
        ctx.save_for_backward(factor, x)
        return x

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        factor, x = ctx.saved_tensors
        b = torch.cholesky_solve(grads[0], factor)
        return -b @ x.T, b
