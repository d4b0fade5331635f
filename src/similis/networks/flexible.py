"""Clusters, tiles or sparse parts of a stream, wherever its origin lies: similarities with constant row sums."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from .._card import paper
from ..circuit import Circuit, State, Step, init
from ..derive import align, identity, output, row_sums, similarity
from ..derive import trace as power


@paper(
    "sridharan2026",
    name="flexible",
    title="Flexible Online Representation Learning Based on Similarity Matching",
    authors="S. Sridharan, Y. Bahroun, A. M. Sengupta",
    year=2026,
    url="https://arxiv.org/abs/2606.01546",
    estimator="FlexibleSimilarityMatching",
    claims=(
        "one network clusters, tiles manifolds or finds sparse parts, whichever the data have",
        "moving the origin of the inputs does not change the outputs",
    ),
)
def row_sum_similarity(
    n_components: int = 16, *, trace: float | None = None, gamma: float = 0.0, mu: float = 0.05, total: float = 1.0,
    stiffness: float = math.inf, tau: float = 0.5, step: Step | None = None,
) -> Circuit:  # fmt: skip
    """Similarity matching with constant row sums: ``b.z = total`` with ``b = <z>``, held by one inhibitory unit.

    ::

        max_{Z >= 0}  Tr(X X' Q)/T^2 - (gamma/2) |Q|^2/T^2,   Q = Z Z',   Q 1 / T = total,   Tr(Q)/T <= trace
        z = argmin_{z >= 0, b.z = total} gamma z'Mz + mu |z|^2 - 2 z'(W x - a)
        dW ~ z x' - W,   db ~ z - b,   da ~ lambda z - a,   dM ~ z z' - M,   dmu ~ |z|^2 - trace

    lambda is the unit's activity, the multiplier of b.z = total. ``W_i/b_i`` is the centre of neuron i's tile, mu the
    softness of its border. ``trace / total`` is the effective number of clusters: near ``n_components`` for hard
    clusters, below for tiles that overlap. ``gamma > 0`` decorrelates the outputs: sparse parts. With a finite
    ``stiffness`` the unit is leaky, lambda = stiffness (b.z - total). The default rates are for streams of RMS norm 1;
    mu learns slowly beside its own size, or the trace would swing about its goal.

    Raises
    ------
    InputError
        If trace lies outside [total, n_components total], which is all that such outputs can have.
    """
    alike, sums = similarity("x") - 0.5 * gamma * output, row_sums(total, stiffness)
    if trace is None:
        problem = align(alike - identity(mu), sums)
    else:
        problem = align(alike, sums, power(trace, shift=mu, rate=0.01 * mu / trace, minimum=min(mu, 1e-5)))
    return problem.circuit(n_components, name="flexible", tau=tau, step=step or Step(0.05, 0.002, 0.001))


def row_sum_start(circuit: Circuit, samples: np.ndarray) -> State:
    """A first state whose tiles are centred on samples: b = sqrt(total/k), W_i = b_i x_i, a_i = b_i |x_i|^2 / 2.

    Then ``W x - a - lambda b`` compares squared distances, and moving the origin does not matter. Small random weights
    do for centred data only: far from the origin all neurons answer alike.

    Parameters
    ----------
    circuit : Circuit with learned row sums and one channel
    samples : (n, d) array; k of them are taken, each the farthest from those before it, all of them and again if n < k
    """
    X = np.asarray(samples)
    chosen, distance = [0], ((X - X[0]) ** 2).sum(1)
    while len(chosen) < circuit.size:
        chosen.append(int(distance.argmax()) if distance.any() else len(chosen) % len(X))
        distance = np.minimum(distance, ((X - X[chosen[-1]]) ** 2).sum(1))
    state = init(circuit, {circuit.names[0]: X.shape[1]}, 0, X.dtype)
    b, centres = state.cells["b"], X[chosen]
    a = b * (centres * centres).sum(1) / 2
    return replace(state, W={circuit.names[0]: b[:, None] * centres}, cells=state.cells | {"a": a})


def move_origin(state: State, by: np.ndarray) -> State:
    """The state whose outputs on ``x + by`` are those of ``state`` on ``x``, now and at every later step.

    ``W + b by'``, ``a + W by + |by|^2 b / 2``, all else the same; lambda grows by ``by.x + |by|^2 / 2``, which only an
    exact total (``stiffness`` infinite) leaves without effect.
    """
    (name, W), by = next(iter(state.W.items())), np.asarray(by, state.dtype)
    a, b = state.cells["a"], state.cells["b"]
    return replace(state, W={name: W + np.outer(b, by)}, cells=state.cells | {"a": a + W @ by + (by @ by) / 2 * b})
