"""NeuralKalmanFilter beside the exact Kalman filter, on stable random systems, at its defaults and as published.

    python benchmarks/bench_filter.py [--seeds 20] [--rows 6000] [--write]

A (m, m): complex pairs and real eigenvalues, uniform over the disc of radius .99, in a random basis of condition 5; C
random; process noise I, sensor noise so many times the variance of the signal. Squared errors of the last quarter, each
row predicted before it was learned from, over those of the exact steady filter. Settings were chosen on other
seeds (0 to 11).
"""

from __future__ import annotations

import argparse

import numpy as np
from plain import store
from scipy.linalg import solve_discrete_are, solve_discrete_lyapunov

from similis import NeuralKalmanFilter
from similis._errors import DivergenceError

RADIUS, CONDITION, FIRST = 0.99, 5.0, 1000
OUTPUTS, NOISES, DELAYS = (1, 2, 4, 8, 16, 32), (0.01, 0.3, 3.0), (1, 2, 3, 4)


def matrix(rng: np.random.Generator, m: int) -> np.ndarray:
    """(m, m) with eigenvalues uniform over the disc."""
    A, i = np.zeros((m, m)), 0
    while i < m:
        r, angle = RADIUS * np.sqrt(rng.random()), np.pi * rng.random()
        if i == m - 1 or rng.random() < 0.3:
            A[i, i] = r * rng.choice([-1, 1])
            i += 1
        else:
            c, s = r * np.cos(angle), r * np.sin(angle)
            A[i : i + 2, i : i + 2] = [[c, -s], [s, c]]
            i += 2
    U, _, Vt = np.linalg.svd(rng.standard_normal((m, m)))
    basis = U @ np.diag(np.linspace(1, CONDITION, m)) @ Vt
    return basis @ A @ np.linalg.inv(basis)


def stream(rng: np.random.Generator, n: int, m: int, noise: float, T: int, delay: int) -> tuple[np.ndarray, np.ndarray]:
    """(T, n) observations of a random system, and what the exact filter says of them from ``delay`` rows before."""
    A, C = matrix(rng, m), rng.standard_normal((n, m)) / np.sqrt(m)
    power = solve_discrete_lyapunov(A, np.eye(m))
    W = noise * np.trace(C @ power @ C.T) / n * np.eye(n)
    V, X = rng.standard_normal((T, m)), np.empty((T, m))
    X[0] = np.linalg.cholesky(power) @ rng.standard_normal(m)
    for t in range(1, T):
        X[t] = A @ X[t - 1] + V[t]
    Y = X @ C.T + rng.standard_normal((T, n)) @ np.sqrt(W)
    S = solve_discrete_are(A.T, C.T, np.eye(m), W)
    L = A @ S @ C.T @ np.linalg.inv(C @ S @ C.T + W)
    F, inputs, states = A - L @ C, Y @ L.T, np.zeros((T, m))
    for t in range(1, T):
        states[t] = F @ states[t - 1] + inputs[t - 1]
    said = np.zeros((T, n))
    said[delay - 1 :] = states[: T - delay + 1] @ (C @ np.linalg.matrix_power(A, delay - 1)).T
    return Y, said


def ratio(seed: int, n: int, m: int, noise: float, delay: int, T: int, rule: str) -> float:
    """Squared error over the exact filter's; infinite where it diverged."""
    rng = np.random.default_rng([seed, n, m, delay, round(100 * noise)])
    Y, exact = stream(rng, n, m, noise, T, delay)
    last = slice(-T // 4, None)
    try:
        said = NeuralKalmanFilter(rule=rule, delay=delay, random_state=seed).fit(Y).predictions_
    except DivergenceError:
        return np.inf
    with np.errstate(over="ignore"):
        return float(np.mean((said - Y)[last] ** 2) / np.mean((exact - Y)[last] ** 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--write", action="store_true", help="store the result")
    options = parser.parse_args()
    rows = []
    print("| outputs | states | rule | runs | median | 95 % | worst | above 1.1 | diverged |\n|" + "---|" * 9)
    for n in OUTPUTS:
        for m, rule in ((n, "least-squares"), (2 * n, "least-squares"), (n, "published")):
            seeds = options.seeds if rule == "least-squares" else min(options.seeds, 5)
            cases = [(s, v, d) for s in range(FIRST, FIRST + seeds) for v in NOISES for d in DELAYS]
            found = np.array([ratio(s, n, m, v, d, options.rows, rule) for s, v, d in cases])
            finite = found[np.isfinite(found)]
            median, high, worst = float(np.median(found)), float(np.quantile(found, 0.95, method="lower")), found.max()
            row = {
                "outputs": n, "states": m, "rule": rule, "runs": len(found), "median": median, "95 %": high,
                "worst": float(worst), "above 1.1": int((found > 1.1).sum()), "diverged": len(found) - len(finite),
            }  # fmt: skip
            rows.append(row)
            print(
                "| " + " | ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()) + " |",
                flush=True,
            )
    if options.write:
        kept = [{key: None if value == np.inf else value for key, value in row.items()} for row in rows]
        store("bench_filter", {"rows_of_a_stream": options.rows, "rows": kept})


if __name__ == "__main__":
    main()
