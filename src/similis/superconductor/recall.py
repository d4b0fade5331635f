"""Recall: attention over the known compositions under a similarity that is learned.

    z(c) = (a * c, V c, network(c))                       coordinates c of a composition, weights a, V and the network
    learn    min sum_i |y_i - sum_j w_ij y_j|^2,          w_ij ~ exp(-t |z_i - z_j|) over j of OTHER element systems
    answer   (1 - m) k(z, Z) (K + r I)^-1 (y - median) + m sum_j w_j y_j,    K_ij = exp(-|z_i - z_j| / 2)

Keys of the query's own element system are hidden while learning, so that the similarity is one between systems; the
first term of the answer, kernel regression in closed form, then uses the nearest compositions of all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from torch import Tensor, nn

#: noise of the three targets in kernel regression: classes are noisier
_RIDGE = (0.01, 0.03, 0.03)
_MIX, _BLOCK = 0.3, 4096


class Embedding(nn.Module):
    """Coordinates weighed, projected, and bent by a small network; while learning, whole coordinates are left out."""

    def __init__(self, n_in: int, rank: int = 64, hidden: int = 128, dropout: float = 0.15) -> None:
        super().__init__()
        self.log_weight = nn.Parameter(torch.zeros(n_in))
        self.log_sharpness = nn.Parameter(torch.tensor(np.log(5.0), dtype=torch.float32))
        self.projection = nn.Parameter(0.02 * torch.randn(n_in, rank))
        first, last = nn.Linear(n_in, hidden), nn.Linear(hidden, 32)
        nn.init.normal_(last.weight, 0, 0.02)
        self.bend = nn.Sequential(first, nn.SiLU(), nn.Dropout(0.2), last)
        self.dropout = dropout

    def forward(self, c: Tensor) -> Tensor:
        if self.training:
            c = c * (torch.rand(c.shape[1], device=c.device) >= self.dropout)
        return torch.cat([c * self.log_weight.exp(), c @ self.projection, self.bend(c)], 1)


def train_embedding(
    c: NDArray, targets: NDArray, systems: NDArray, *, seed: int, steps: int, device: str = "cpu",
    batch: int = 512, n_keys: int = 2048, rate: float = 1e-2,
) -> Embedding:  # fmt: skip
    """Learn the similarity from compositions of other element systems.

    Parameters
    ----------
    c : (n, n_coordinates)
    targets : (n, 3), see :func:`similis.superconductor.model.targets`
    systems : (n,) int
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    rows, own = torch.from_numpy(c).to(device), torch.from_numpy(systems).to(device)
    known = torch.from_numpy(np.isfinite(targets)).to(device)
    y = torch.from_numpy(np.nan_to_num(targets)).to(device, torch.float32)
    net = Embedding(c.shape[1]).to(device)
    optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    batch, n_keys = min(batch, len(c)), min(n_keys, len(c))
    for _ in range(steps):
        query, key = (torch.from_numpy(rng.choice(len(c), size, replace=False)) for size in (batch, n_keys))
        z = net(rows[torch.cat([query, key])])
        near = -net.log_sharpness.exp() * distances(z[:batch], z[batch:])
        near = near.masked_fill(own[query][:, None] == own[key][None], -1e9)
        weight = torch.softmax(near, 1)
        share = weight @ known[key].float()
        heard_of = (weight @ y[key]) / share.clamp_min(1e-6)
        heard = known[query] & (share > 1e-3)
        loss = ((heard_of - y[query]) ** 2 * heard).sum(0).div(batch).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return net.eval()


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean, with a gradient at 0."""
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    return squared.clamp_min(1e-8).sqrt()


class Recall:
    """The embedded known compositions Z, what is remembered of them, and the answer to an embedded query."""

    def __init__(self, Z: NDArray, y: NDArray, sharpness: float, coefficients: NDArray | None = None) -> None:
        self.Z, self.y, self.sharpness = np.ascontiguousarray(Z, np.float32), y, float(sharpness)
        self.centre = np.array([np.median(column[np.isfinite(column)]) for column in y.T])
        self.coefficients = self._solve() if coefficients is None else coefficients

    def _solve(self) -> NDArray[np.float32]:
        """``(K + ridge I)^-1 (y - centre)``: a factorisation for Tc, where it is known, and one for the classes."""
        found = np.zeros(self.y.shape, np.float32)
        for columns in (np.arange(1), np.arange(1, self.y.shape[1])):
            if not len(columns):
                continue
            rows = np.flatnonzero(np.isfinite(self.y[:, columns[0]]))
            K = _kernel(self.Z[rows], self.Z[rows], 0.5)
            K[np.diag_indices(len(rows))] = 1 + _RIDGE[columns[0]]
            right = (self.y[np.ix_(rows, columns)] - self.centre[columns]).astype(np.float32)
            found[np.ix_(rows, columns)] = cho_solve(cho_factor(K, lower=True, overwrite_a=True), right)
        return found

    def __call__(self, z: NDArray) -> NDArray[np.float64]:
        """(n, 3) answers to queries of embeddings z."""
        known = np.isfinite(self.y).astype(np.float32)
        values = np.concatenate([np.nan_to_num(self.y), known], 1).astype(np.float32)
        answers = []
        for block in np.array_split(np.asarray(z, np.float32), -(-len(z) // _BLOCK)):
            apart = _apart(block, self.Z)
            exact = np.exp(-0.5 * apart) @ self.coefficients + self.centre
            apart -= apart.min(1, keepdims=True)
            both = np.exp(-self.sharpness * apart) @ values
            attended = both[:, : len(self.centre)] / np.maximum(both[:, len(self.centre) :], 1e-12)
            answers.append((1 - _MIX) * exact + _MIX * attended)
        return np.concatenate(answers).astype(np.float64)

    def nearest(self, z: NDArray) -> NDArray[np.float64]:
        """(n,) distance to the nearest known superconductor."""
        known = self.Z[np.isfinite(self.y[:, 0])]
        blocks = np.array_split(np.asarray(z, np.float32), -(-len(z) // _BLOCK))
        return np.concatenate([_apart(block, known).min(1) for block in blocks]).astype(np.float64)

    def between(self, systems: NDArray) -> NDArray[np.float64]:
        """Distance of each known superconductor to the nearest one of another element system."""
        warm = np.isfinite(self.y[:, 0])
        known, systems, found, start = self.Z[warm], systems[warm], [], 0
        for block in np.array_split(known, -(-len(known) // _BLOCK)):
            apart = _apart(block, known)
            apart[systems[start : start + len(block), None] == systems] = np.inf
            found.append(apart.min(1))
            start += len(block)
        between = np.concatenate(found).astype(np.float64)
        return between[np.isfinite(between)]

    def arrays(self) -> dict[str, Any]:
        return {"Z": self.Z, "y": self.y, "coefficients": self.coefficients, "sharpness": np.array(self.sharpness)}


def _apart(a: NDArray, b: NDArray) -> NDArray[np.float32]:
    squared = a @ (-2 * b.T)
    squared += (a**2).sum(1)[:, None]
    squared += (b**2).sum(1)
    return np.sqrt(np.maximum(squared, 0, out=squared), out=squared)


def _kernel(a: NDArray, b: NDArray, scale: float) -> NDArray[np.float32]:
    apart = _apart(a, b)
    apart *= -scale
    return np.exp(apart, out=apart)
