"""Receptive fields that tile a manifold: Sengupta and others 2018."""

from __future__ import annotations

import numpy as np

from ..datasets import ring
from ..estimators import ManifoldTiling, NonnegativeSimilarityMatching
from ..networks import ring_half_width
from . import figures
from ._registry import Budget, Claim, Figure, Measured, Outcome, Table, experiment

THRESHOLDS, LEVEL, NEURONS = (0.0, 0.1, 0.3, 0.6, 0.9), 0.05, 16
ANGLES = np.linspace(0, 2 * np.pi, 1440, endpoint=False)
CIRCLE = np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])


@experiment(
    "tiling",
    "ring",
    "Sixteen neurons tile a ring",
    claims=[
        Claim(
            id="width",
            text="Ring: mean width of the receptive fields at 5 % of their peak, largest relative gap to theory over "
            "the five thresholds",
            goal=0.1,
            better="lower",
        ),
        Claim(
            id="active",
            text="Ring: share of the neurons that have a field, least over the five thresholds",
            goal=1.0,
            better="higher",
        ),
        Claim(
            id="covered",
            text="Ring, alpha to .6: share of the ring's points that some neuron answers to, least over thresholds",
            goal=0.99,
            better="higher",
        ),
    ],
)
def ring_fields(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """2,000 points on the unit circle, six passes, at five thresholds alpha. In theory (derived by us for outputs of
    bounded norm) fields are truncated cosines whose half-width psi solves alpha = cos psi (psi/2 - sin(2 psi)/4) / (sin
    psi - psi cos psi). Beside them the same number of neurons with lateral inhibition (nsm), whose width nothing
    sets."""
    seeds = seeds if budget == "full" else seeds[:3]
    fields: dict[float, list[np.ndarray]] = {alpha: [] for alpha in THRESHOLDS}
    for alpha in THRESHOLDS:
        for seed in seeds:
            X, _ = ring(2000, random_state=seed)
            model = ManifoldTiling(NEURONS, threshold=alpha, n_epochs=6, shuffle=True, random_state=seed).fit(X)
            fields[alpha].append(model.transform(CIRCLE))
    lateral = NonnegativeSimilarityMatching(NEURONS, n_epochs=6, shuffle=True, random_state=seeds[0])
    beside = lateral.fit(ring(2000, random_state=seeds[0])[0]).transform(CIRCLE)
    psi = {alpha: ring_half_width(alpha) for alpha in THRESHOLDS}
    theory = {a: 2 * np.degrees(np.arccos(np.cos(p) + LEVEL * (1 - np.cos(p)))) for a, p in psi.items()}
    widths = {alpha: np.array([_widths(Z) for Z in fields[alpha]]) for alpha in THRESHOLDS}
    gap = np.max([np.abs(widths[alpha] / theory[alpha] - 1) for alpha in THRESHOLDS], axis=0)
    active = np.min([[np.mean(Z.max(0) > 0) for Z in fields[alpha]] for alpha in THRESHOLDS], axis=0)
    answered = {alpha: [float(np.mean(Z.max(1) > 0)) for Z in fields[alpha]] for alpha in THRESHOLDS}
    covered = np.min([answered[alpha] for alpha in THRESHOLDS if alpha <= 0.6], axis=0)
    rows: list[tuple] = [
        (
            f"alpha = {alpha:g}",
            float(2 * np.degrees(psi[alpha])),
            theory[alpha],
            float(np.median(widths[alpha])),
            min(answered[alpha]),
        )
        for alpha in THRESHOLDS
    ]
    rows.append(("nsm, the same size", "", "", _widths(beside), float(np.mean(beside.max(1) > 0))))
    table = Table(
        "Full width of the fields in degrees (median over seeds), and the least share of the ring that is answered to",
        ("threshold", "theory, support", "theory, at 5 % of the peak", "measured, at 5 % of the peak", "answered"),
        tuple(rows),
    )
    measured = {
        "width": Measured.over(gap, seeds, "worst", oracle=0.0),
        "active": Measured.over(active, seeds, "worst", better="higher"),
        "covered": Measured.over(covered, seeds, "worst", better="higher"),
    }
    pictures = (_fields(fields, beside), _curve(psi, widths))
    return Outcome(measured, pictures, (table,), model.circuit_)


def _widths(Z: np.ndarray) -> float:
    """Mean full width, degrees, at a small share of the peak, of the neurons that have a field."""
    peaks = Z.max(0)
    return float((Z[:, peaks > 0] > LEVEL * peaks[peaks > 0]).mean() * 360)


def _fields(fields: dict[float, list[np.ndarray]], beside: np.ndarray) -> Figure:
    canvas, axes = figures.canvas(9.6, 3.0, n_columns=4, share_y=True)
    shown = [(f"alpha = {alpha:g}", fields[alpha][0]) for alpha in (0.1, 0.6, 0.9)]
    for ax, (title, Z) in zip(axes, [*shown, ("nsm: lateral inhibition", beside)], strict=True):
        order = np.argsort(Z.argmax(0))
        for place, neuron in enumerate(order):
            colour = (figures.BLUE, figures.ORANGE, figures.GREEN, figures.PURPLE)[place % 4]
            ax.plot(np.degrees(ANGLES), Z[:, neuron] / max(Z.max(), 1e-12), color=colour, linewidth=1.2)
        ax.set(xticks=[0, 180, 360], xlim=(0, 360))
        figures.label(ax, "angle (degrees)", "output, largest = 1" if ax is axes[0] else "", title)
    return figures.svg(
        canvas,
        caption="Receptive fields of sixteen neurons on the ring, one curve a neuron, at three thresholds and for the "
        "network with lateral inhibition. A larger threshold makes the tiles narrower; together they cover the ring.",
        alt="Four panels of overlapping bumps along the angle; the bumps get narrower from the first to the third.",
        salt="tiling/fields",
        wide=True,
    )


def _curve(psi: dict[float, float], widths: dict[float, np.ndarray]) -> Figure:
    canvas, ax = figures.canvas()
    alphas = np.linspace(0, 0.99, 60)
    half = np.array([ring_half_width(alpha) for alpha in alphas])
    ax.plot(alphas, 2 * np.degrees(half), color=figures.GREY, linestyle="--", label="theory, support")
    at_level = 2 * np.degrees(np.arccos(np.cos(half) + LEVEL * (1 - np.cos(half))))
    ax.plot(alphas, at_level, color=figures.GREY, label="theory, at 5 % of the peak")
    for alpha, values in widths.items():
        name = "measured, at 5 % of the peak" if alpha == THRESHOLDS[0] else None
        ax.plot(np.full(len(values), alpha), values, "o", color=figures.BLUE, label=name)
    ax.set_ylim(0, 200)
    figures.label(ax, "threshold alpha", "width of the fields (degrees)")
    return figures.svg(
        canvas,
        caption="Width of the receptive fields against the threshold, every seed a dot.",
        alt="Dots that lie on a curve falling from 174 degrees at 0 to 46 at 0.9.",
        salt="tiling/width",
    )
