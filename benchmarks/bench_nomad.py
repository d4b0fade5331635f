"""NOMAD against the plain ways of solving the same program: processor seconds, ratios from one run, one thread.

    python benchmarks/bench_nomad.py            # prints
    python benchmarks/bench_nomad.py --write    # also stores benchmarks/results/bench_nomad.json and the page's table

Plain splitting: the two-block iteration with a full eigendecomposition a step (no over-relaxation, residual balancing
over the first 400 steps), until its own feasible point and bound are within the tolerance, looked at every 100 steps.
L-BFGS-B: the augmented Lagrangian of the low-rank program with a box, multipliers l <- l - s * residual, until Y
changes by less than 1e-5; both low-rank solvers start from the same Y and are repaired alike.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from plain import store
from scipy.optimize import minimize
from sklearn.datasets import load_digits

from similis.nomad import Feasible, Similarity, low_rank, solve, spread, upper_bound
from similis.nomad.problem import centred, simplex
from similis.nomad.solve import first_labels

K, LIMIT = 10, 150.0


def digits(n: int) -> Similarity:
    X = load_digits().data[np.random.default_rng(0).permutation(1797)[:n]] / 16
    return Similarity.linear(X / np.linalg.norm(X, axis=1).max())


def plain_splitting(D: Similarity, tol: float) -> tuple[float, float, int]:
    """Seconds, certified gap, iterations."""
    began, n = time.process_time(), D.n
    dense = D.rows(slice(0, n))
    rho = 32 * np.abs(dense).max()
    Z, U = np.full((n, n), 1 / n), np.zeros((n, n))
    it, gap = 0, np.inf
    while gap > tol and time.process_time() - began < LIMIT:
        A = centred(Z - U + dense / rho)
        values, V = np.linalg.eigh((A + A.T) / 2)
        values[np.argmax(np.abs(V.sum(0)))] = -1e9
        weights = np.zeros(n)
        weights[::-1] = simplex(values[::-1][values[::-1] > -1e8], K - 1).tolist() + [0.0] * int((values < -1e8).sum())
        order = np.argsort(values)
        used = order[weights > 0]
        F = V[:, used] * np.sqrt(weights[weights > 0])
        Q = F @ F.T + 1 / n
        before, Z = Z, np.maximum(Q + U, 0)
        U += Q - Z
        it += 1
        if it % 20 == 0 and it < 400:
            primal, dual = np.linalg.norm(Q - Z), np.linalg.norm(Z - before)
            factor = 2.0 if primal > 3 * dual else 0.5 if dual > 3 * primal else 1.0
            rho, U = rho * factor, U / factor
        if it % 100 == 0:
            point = Feasible.nearest(np.concatenate([np.full((n, 1), n**-0.5), F], 1), K)
            objective = point.objective(D)
            gap = (upper_bound(D, K, U, rho) - objective) / objective
    return time.process_time() - began, gap, it


def lbfgsb(D: Similarity, Y: np.ndarray) -> tuple[float, float]:
    """Seconds, and the objective once repaired."""
    began, (n, r) = time.process_time(), Y.shape
    X = D.factor / np.sqrt(np.linalg.norm(D.factor.T @ D.factor))
    Y = Y * np.sqrt(K / (Y**2).sum())
    trace, rows = 0.0, np.zeros(n)

    def lagrangian(y: np.ndarray) -> tuple[float, np.ndarray]:
        Y = y.reshape(n, r)
        P, s = X.T @ Y, Y.sum(0)
        c, b = Y @ s - 1, y @ y - K
        z = c - rows
        value = -(P**2).sum() - trace * b + b * b / 2 - rows @ c + c @ c / 2
        return value, (-2 * X @ P + 2 * (b - trace) * Y + np.outer(z, s) + (z @ Y)[None]).ravel()

    for _ in range(1000):
        before, y = Y, minimize(lagrangian, Y.ravel(), jac=True, method="L-BFGS-B", bounds=[(0, 1)] * Y.size).x
        Y = y.reshape(n, r)
        trace, rows = trace - (y @ y - K), rows - (Y @ Y.sum(0) - 1)
        if np.linalg.norm(Y - before) < 1e-5 * np.linalg.norm(Y):
            break
    seconds = time.process_time() - began
    return seconds, Feasible.nearest(np.maximum(Y, 0), K).objective(D)


def table(rows: list[dict]) -> str:
    names = ("convex, certified", "plain", "ratio (goal 5 at 500)", "low rank", "objective", "L-BFGS-B", "objective",
             "ratio (goal 5)")  # fmt: skip
    lines = ["| n | " + " | ".join(names) + " |", "|" + " ---: |" * (1 + len(names))]
    for r in rows:
        cells = [f"{r['convex']:.2f}", f"{r['plain']:.1f}", f"{r['plain / convex']:.0f}", f"{r['low rank']:.2f}",
                 f"{r['low rank objective']:.4f}", f"{r['L-BFGS-B']:.1f}", f"{r['L-BFGS-B objective']:.4f}",
                 f"{r['L-BFGS-B / low rank']:.1f}"]  # fmt: skip
        lines.append(f"| {r['n']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows = []
    for n in (200, 500):
        D, row = digits(n), {"n": n}
        began = time.process_time()
        own = solve(D, K, "convex", tol=1e-4, rng=np.random.default_rng(0))
        row |= {"convex": time.process_time() - began, "convex gap": own.gap}
        row["plain"], row["plain gap"], row["plain iterations"] = plain_splitting(D, 1e-4)
        row["plain / convex"] = row["plain"] / row["convex"]
        rng = np.random.default_rng(0)
        Y = spread(first_labels(D, K, rng), 8 * K, rng)
        began = time.process_time()
        row["low rank objective"] = low_rank(D, K, Y).objective
        row["low rank"] = time.process_time() - began
        row["L-BFGS-B"], row["L-BFGS-B objective"] = lbfgsb(D, Y)
        row["L-BFGS-B / low rank"] = row["L-BFGS-B"] / row["low rank"]
        rows.append(row)
        print("  ".join(f"{key} {value:.6g}" for key, value in row.items()), flush=True)
    print(table(rows))
    if options.write:
        store("bench_nomad", {"rows": rows}, table(rows), "docs/papers/nomad.md")


if __name__ == "__main__":
    main()
