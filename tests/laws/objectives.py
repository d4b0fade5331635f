"""Arbitrary similarity objectives, data for them, and outputs that their constraints allow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st
from tests.laws.circuits import rng

from similis.circuit import Ball, Box, Circuit, Interneurons, Whiten
from similis.derive import (
    Expression,
    Problem,
    align,
    at_most_white,
    ball,
    constant,
    feedforward,
    identity,
    lagged,
    match,
    nonnegative,
    output,
    row_sums,
    similarity,
    soft_white,
    sparse,
    trace,
    white,
    within,
)

WIDTHS = {"x": 5, "y": 4, "w": 3, "dx": 5}
gain = st.sampled_from([0.3, 1.0, 1.7])
metric = st.sampled_from([0.0, 0.4, 1.0])
ridge = st.sampled_from([0.0, 0.2])


@st.composite
def attractions(draw: st.DrawFn, names: tuple[str, ...] = ("x", "y", "w"), teaching: bool = False) -> Expression:
    """A sum of one to three similarities."""
    chosen = names[: draw(st.integers(1, len(names)))]
    total: Expression | None = None
    for name in chosen:
        kind = "plain" if teaching else draw(st.sampled_from(["plain", "plain", "slow", "pair"]))
        term: Expression = similarity(name, metric=draw(metric), ridge=draw(ridge))
        if kind == "slow":
            sign = draw(st.sampled_from([1.0, -1.0]))
            term = similarity(sign * lagged(name, 1) + name, metric_of=name, ridge=draw(ridge))
        elif kind == "pair" and name == "x":
            term = similarity("x") * similarity("dx")
        term = term if teaching else draw(gain) * term
        total = term if total is None else total + term
    assert total is not None
    return total


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Whatever the language can say and a rule covers."""
    kind = draw(
        st.sampled_from(["match", "gain", "white", "stiffness", "most", "ball", "rows", "trace", "pass", "pass match"])
    )
    if kind.startswith("pass"):
        alike, bounds = draw(attractions(("y", "w"), teaching=True)), draw(st.sampled_from([(), (nonnegative,)]))
        held = draw(st.sampled_from([at_most_white, at_most_white(0.1), white]))
        return match(alike, feedforward, *bounds) if kind == "pass match" else align(alike, held, feedforward, *bounds)
    alike = draw(attractions())
    limited = alike - draw(st.sampled_from([0.2, 0.7])) * identity()
    raised = draw(st.sampled_from([alike, alike - constant(0.3)]))
    box = draw(
        st.sampled_from([(), (nonnegative,), (sparse(0.1),), (nonnegative, sparse(0.2)), (within(Box(-0.5, 0.9)),)])
    )
    if kind == "match":
        return match(draw(st.sampled_from([raised, limited, raised - identity(0.3)])), *box)
    if kind == "gain":
        return align(raised - draw(gain) * output, *box)
    if kind == "white":
        return draw(st.sampled_from([match, align]))(raised, white)
    if kind == "stiffness":
        return align(raised, soft_white(draw(st.sampled_from([0.2, 0.8]))), *box)
    if kind == "most":
        return align(raised, draw(st.sampled_from([at_most_white, at_most_white(0.1)])), *box)
    if kind == "ball":
        return align(raised, ball(draw(gain)))
    if kind == "rows":
        rho = draw(gain)
        sums = row_sums(rho, draw(st.sampled_from([math.inf, 2.0])))
        ways = [
            align(limited, sums),
            match(alike, sums),
            align(limited - 0.4 * output, sums),
            align(alike, sums, trace(1.5 * rho)),
        ]
        return draw(st.sampled_from(ways))
    return draw(st.sampled_from([align(raised, trace(0.6), *box), match(raised, trace(0.6), *box)]))


def data(seed: int, T: int = 40) -> dict[str, np.ndarray]:
    """Raw streams with latents in common."""
    random = rng(seed)
    latents = random.standard_normal((T, 3))
    return {n: latents @ random.standard_normal((3, d)) + random.standard_normal((T, d)) for n, d in WIDTHS.items()}


def allowed(problem: Problem, circuit: Circuit, streams: dict[str, Any], seed: int) -> np.ndarray:
    """Random outputs within the constraints."""
    random, k, domain = rng(seed + 7), circuit.size, circuit.domain
    T = next(iter(streams.values())).shape[0]
    Z = random.standard_normal((T, k))
    if not circuit.settles:
        Z = streams["x"] @ random.standard_normal((k, streams["x"].shape[1])).T
    if isinstance(circuit.lateral, Whiten):
        if domain.lower == 0.0:  # white and nonnegative: one neuron for each sample
            Z = np.eye(k)[np.arange(T) % k]
            return Z / np.sqrt((Z * Z).mean(0))
        values, vectors = np.linalg.eigh(Z.T @ Z / T)
        return Z @ vectors / np.sqrt(values)
    Z = np.clip(Z, domain.lower, domain.upper)
    if isinstance(domain, Ball):
        return domain.radius * Z / np.maximum(1.0, np.linalg.norm(Z, axis=1, keepdims=True))
    if domain.total is not None and math.isinf(domain.stiffness):
        Z, scale = Z + 0.1, np.ones(T)
        for _ in range(400):
            scale = np.sqrt(scale * domain.total * T / (Z @ (Z.T @ scale)))
        return scale[:, None] * Z
    if circuit.neuron.inhibition.learns:
        Z *= np.sqrt(circuit.neuron.inhibition.target_power / (Z * Z).sum(1).mean())
    if isinstance(circuit.lateral, Interneurons):
        Z /= np.sqrt(1.3 * np.linalg.eigvalsh(Z.T @ Z / T)[-1])
    return Z
