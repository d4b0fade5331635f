"""A similarity of compositions, learned so that what is left out is answered from the rest.

    d(x, x') = sum_e |g_e(x) - g_e(x')| + |z(x) - z(x')|     g_e: the amount of an element, or of a group of elements,
                                                             or a descriptor, on a learned rising scale;
                                                             z = t (V c, network(c))
    gated    g_e times exp(gate_e(descriptors))              what counts depends on the kind of material
    kernel   K_ij = 1 / (1 + d_ij),  P = (K + r I)^-1,       min  sum_i (P y)_i^2 / P_ii^2  +  sum_g |P_gg^-1 (P y)_g|^2
    recall   w_ij ~ exp(-d_ij), other systems,               min  sum_i |y_i - sum_j w_ij y_j|^2

The first sum of d is the one that forests have in the limit of random splits: an element counts for itself, wherever
the others are. ``1 / (1 + d)`` is the mean of ``exp(-s d)`` over scales, s ~ exp(-s): near and far count. The two sums
of ``kernel`` are the errors of kernel regression, in closed form, with each composition left out and with each element
system g left out whole. ``recall`` hides the query's own element system.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .._threads import one_torch_thread
from ..kernels.cityblock import cityblock, cityblock_gradient
from .features import GROUP_KINDS, N_DESCRIPTORS, Coordinates
from .recall import N_CURVED
from .schedule import rise_and_fall
from .weights import filled

Reading = Literal["kernel", "recall"]
#: compositions of a step of ``kernel``, drawn from so many times as many nearest to one: as dense as they are asked
_BATCH, _AROUND = 1000, 3
#: share of the error with whole element systems left out
_SYSTEMS = 0.3
#: the least noise of kernel regression
_FLOOR = 3e-3
#: of one reading: share of coordinates left out while learning, weight of a coordinate to start from
_DROPOUT = {"kernel": 0.4, "recall": 0.15}
_START = {"kernel": 0.5, "recall": 2.0}
#: features of the descriptors that a gate sees
_GATES = 4
#: weights learn so many times as quickly as the networks
_LR_MULTIPLIER = 4


class Similarity(nn.Module):
    """Coordinates weighed and added up by axis, then projected and bent; while learning, some are left out.

    Parameters
    ----------
    axis : (n_in,) int, coordinates of one axis are added: each rises with the amount of one element or group
    kind : (n_in,) int, coordinates of one kind share a weight, from which each departs
    groups : whether groups of elements are seen beside the elements themselves
    gated : whether a few features of the descriptors, the last coordinates, stretch and shrink each axis
    """

    #: weights that are logarithms
    logarithms = ("shared", "own", "log_ridge", "log_curved")
    #: how large these, the gate and other weights may be: distances then stay within single precision. What is learned
    #: stays below 6, 1 and 3
    largest: ClassVar[dict[str, float]] = dict.fromkeys(logarithms, 15.0) | {"gate.3.weight": 5.0, "": 100.0}

    def __init__(
        self, axis: NDArray, kind: NDArray, reading: Reading, *, groups: bool = True, gated: bool = False
    ) -> None:
        super().__init__()
        start, n_in, n_kinds = _START[reading], len(axis), int(kind.max()) + 1
        self.axis: Tensor
        self.kind: Tensor
        self.seen: Tensor
        self.register_buffer("axis", torch.from_numpy(axis), persistent=False)
        self.register_buffer("kind", torch.from_numpy(kind), persistent=False)
        self.register_buffer("seen", torch.from_numpy(np.float32(groups | ~np.isin(kind, GROUP_KINDS))))
        self.shared = nn.Parameter(torch.full((n_kinds,), float(np.log(start))))
        self.own = nn.Parameter(torch.zeros(n_in))
        self.log_ridge = nn.Parameter(torch.tensor(np.log(0.05), dtype=torch.float32))
        self.log_curved = nn.Parameter(torch.tensor(np.log(0.2 * start), dtype=torch.float32))
        self.projection = nn.Parameter(0.02 * torch.randn(n_in, N_CURVED - 32))
        first, last = nn.Linear(n_in, 128), nn.Linear(128, 32)
        nn.init.normal_(last.weight, 0, 0.02)
        self.bend = nn.Sequential(first, nn.SiLU(), nn.Dropout(0.2), last)
        self.dropout = _DROPOUT[reading]
        self.gate: nn.Module | None = None
        if gated:
            few, last = nn.Linear(2 * N_DESCRIPTORS, _GATES), nn.Linear(_GATES, int(axis.max()) + 1, bias=False)
            nn.init.normal_(last.weight, 0, 0.01)
            self.gate = nn.Sequential(few, nn.Tanh(), nn.Dropout(0.3), last)

    def forward(self, c: Tensor) -> Tensor:
        """(n, axes + N_CURVED) places, between which :func:`apart` measures."""
        c, weight = c * self.seen, self.weight
        if self.training:
            kept = torch.rand(c.shape[1], device=c.device) >= self.dropout
            c, weight = c * kept, weight / (1 - self.dropout)
        scale = torch.zeros(len(weight), int(self.axis.max()) + 1, dtype=c.dtype, device=c.device)
        scale = scale.index_put((torch.arange(len(weight), device=c.device), self.axis), weight.to(c.dtype))
        flat = c @ scale
        if self.gate is not None:
            flat = flat * self.gate(c[:, -2 * N_DESCRIPTORS :]).exp()
        return torch.cat([flat, self.log_curved.exp() * torch.cat([c @ self.projection, self.bend(c)], 1)], 1)

    @property
    def weight(self) -> Tensor:
        """(n_in,)"""
        return (self.shared[self.kind] + self.own).exp()

    @property
    def ridge(self) -> Tensor:
        return self.log_ridge.exp() + _FLOOR

    def weights(self) -> list[nn.Parameter]:
        """What has no decay, and learns quickly."""
        return [getattr(self, name) for name in self.logarithms]


@one_torch_thread(torch)
def learn(
    reading: Reading, where: Coordinates, c: NDArray, y: NDArray, systems: NDArray, *, seed: int, steps: int,
    groups: bool = True, gated: bool = False, device: str = "cpu", learned: Mapping[str, NDArray] | None = None,
) -> Similarity:  # fmt: skip
    """Learn a similarity for one way of reading it.

    Parameters
    ----------
    reading : "kernel" or "recall"
    where, c : the coordinates, and theirs of the compositions (n, n_coordinates)
    y : (n, k), "kernel" takes them less their centre; "recall" skips those that are nan
    systems : (n,) int
    learned : the weights, if they are known
    """
    torch.manual_seed(seed)
    rng, loss = np.random.default_rng(seed), {"kernel": _left_out, "recall": _recalled}[reading]
    rows, own = torch.from_numpy(c).to(device), torch.from_numpy(systems).to(device)
    values = torch.from_numpy(y).to(device, torch.float32)
    net = Similarity(where.axis, where.kind, reading, groups=groups, gated=gated).to(device)
    if learned is not None:
        return filled(net, learned)
    quick = net.weights()
    others = [p for p in net.parameters() if all(p is not q for q in quick)]
    optimiser = torch.optim.AdamW([{"params": others, "weight_decay": 0.02}, {"params": quick, "weight_decay": 0}])
    schedule = rise_and_fall(optimiser, [1e-2, _LR_MULTIPLIER * 1e-2], steps)
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
    """Mean squared error of kernel regression, with one composition left out and with its element system left out."""
    one = torch.eye(len(z), device=z.device)
    return _LeftOut.apply(1 / (1 + apart(z, z) * (1 - one)) + net.ridge * one, y, own)


def _recalled(net: Similarity, z: Tensor, y: Tensor, own: Tensor) -> Tensor:
    """Squared error of attention from a fifth of the compositions to the others of other element systems."""
    asked = max(1, len(z) // 5)
    near = -apart(z[:asked], z[asked:])
    weight = torch.softmax(near.masked_fill(own[:asked, None] == own[None, asked:], -1e9), 1)
    known = torch.isfinite(y)
    y, share = y.nan_to_num(), weight @ known[asked:].float()
    heard = (weight @ y[asked:]) / share.clamp_min(1e-6)
    return ((heard - y[:asked]) ** 2 * (known[:asked] & (share > 1e-3))).sum(0).div(asked).sum()


def apart(a: Tensor, b: Tensor) -> Tensor:
    """City-block on the axes, Euclidean on the last N_CURVED coordinates."""
    flat, p, q = a.shape[1] - N_CURVED, a[:, -N_CURVED:], b[:, -N_CURVED:]
    squared = (p**2).sum(1)[:, None] + (q**2).sum(1)[None] - 2 * p @ q.T
    curved = squared.clamp_min(1e-8).sqrt()  # with a gradient at 0
    if a.device.type != "cpu":
        return torch.cdist(a[:, :flat], b[:, :flat], p=1) + curved
    return _Cityblock.apply(a[:, :flat], b[:, :flat], a is b) + curved


class _Cityblock(torch.autograd.Function):
    """Distances by the kernel, several times as quick as torch's on a processor; ``same``: b is a."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, same: bool) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.same = same
        return torch.from_numpy(cityblock(a.numpy(), b.numpy()))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor | None, None]:
        a, b = (saved.numpy() for saved in ctx.saved_tensors)
        weight = grads[0].numpy()
        if ctx.same:
            return torch.from_numpy(cityblock_gradient(a, a, np.ascontiguousarray(weight + weight.T))), None, None
        left, right = cityblock_gradient(a, b, weight), cityblock_gradient(b, a, np.ascontiguousarray(weight.T))
        return torch.from_numpy(left), torch.from_numpy(right), None


class _LeftOut(torch.autograd.Function):
    """The error of :func:`_left_out` of a positive definite K, with its gradient in closed form.

    The errors are ``u_i / P_ii`` and ``P_gg^-1 u_g``, ``u = P y``. Their gradient by P is of low rank but for blocks of
    one element system each, so that the gradient by K, ``-P (dP) P``, takes one product of whole matrices.
    """

    @staticmethod
    def forward(ctx: Any, K: Tensor, y: Tensor, own: Tensor) -> Tensor:
        P = torch.cholesky_inverse(torch.linalg.cholesky(K))
        factor = torch.linalg.cholesky(P * (own[:, None] == own[None]))
        u, p = P @ y, P.diagonal()[:, None]
        alone, together = u / p, torch.cholesky_solve(u, factor)
        by_alone, by_together = (2 * s / y.numel() * e for s, e in ((1 - _SYSTEMS, alone), (_SYSTEMS, together)))
        by_u = torch.cholesky_solve(by_together, factor)
        _, system = own.unique(return_inverse=True)
        blocks = (by_alone * alone / p).sum(1, keepdim=True) * P
        for left, right in zip(by_u.T[..., None], together.T[..., None], strict=True):
            blocks += left * torch.zeros_like(P).index_add_(0, system, right * P)[system]
        ctx.save_for_backward(P @ blocks - P @ (by_u + by_alone / p) @ u.T)
        return (1 - _SYSTEMS) * (alone**2).mean() + _SYSTEMS * (together**2).mean()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return grads[0] * ctx.saved_tensors[0], None, None
