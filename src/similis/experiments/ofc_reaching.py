"""Reaching in a force field: Friedrich et al. 2021, a controller that adapts while it acts."""

from __future__ import annotations

import numpy as np

from ..control import FIELD, Agents, Plant, Record, Rule, bio_ofc, reaching, run, steady_regulator
from . import figures
from ._registry import Budget, Claim, Figure, Measured, Outcome, Table, experiment
from .ofc import random_streams, several

#: gain fitted to the null field at a delay of 5 steps, as stored with the authors' code (rounded there)
GAIN = np.kron([[0.17, 0.42, 2.4], [0.0, 0.105, 0.53], [0.0, 0.0, 0.172]], np.eye(2))
#: the published steps
RULE = Rule.published(4e-5, 2e-3, momentum=0.0, sigma=5e-4, baseline="mean")
EPISODES, BLOCK = 1000, 8  # starts come in turn from eight sides


@experiment(
    "ofc", "reaching", "Reaching in a force field",
    claims=[
        Claim(id="onset", text="The field bends reaches: deviation from the straight line in the first 8 reaches in "
              "it, over that before", goal=2.0, better="higher"),
        Claim(id="after", text="Learning straightens them: share of the added deviation left in the last 40 reaches",
              goal=0.5, better="lower"),
        Claim(id="after-effect", text="The field is gone: deviation in a null field after learning, over that before",
              goal=1.5, better="higher"),
        Claim(id="opposite", text="and it bends the other way: correlation of the deviations, after-effect with onset",
              goal=-0.5, better="lower"),
        Claim(id="cost", text="Cost of the last 40 reaches over that of the first 40 in the field", goal=0.9,
              better="lower"),
        Claim(id="error", text="Prediction error of the last 40 reaches over that of the first 40 in the field",
              goal=0.9, better="lower"),
    ],
)  # fmt: skip
def reach(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Reaches of 10 cm from eight sides, 110 steps of 10 ms, observations 50 ms late. The agent knows the null field;
    then a force that grows with the velocity bends its reaches for 1,000 reaches, while everything goes on learning
    with the published steps; then the field is gone, and nothing learns. Deviation: the largest distance from the
    straight line."""
    runs = several(seeds, 16 if budget == "full" else 4)
    plain = _adapt(runs, RULE)
    rows = [("everything learns", *plain["means"])]
    variants = {"K does not learn": (RULE.replace(eta_K=0.0), 0.0), "noise grows with the action": (RULE, 200.0)}
    for name, (rule, signal) in variants.items():
        rows.append((name, *_adapt(runs, rule, signal)["means"]))
    start, end = plain["learning"]
    measured = {
        "onset": Measured.over(plain["onset"] / plain["before"], runs, "mean", better="higher"),
        "after": Measured.over((plain["after"] - plain["before"]) / (plain["onset"] - plain["before"]), runs, "mean"),
        "after-effect": Measured.over(plain["effect"] / plain["before"], runs, "mean", better="higher"),
        "opposite": Measured.over(plain["opposite"], runs, "mean"),
        "cost": Measured.over(end.cost[:, -40:].mean(1) / start.cost[:, :40].mean(1), runs, "mean"),
        "error": Measured.over(end.error[:, -40:].mean(1) / start.error[:, :40].mean(1), runs, "mean"),
    }
    table = Table("Largest distance from the straight line in cm, mean over reaches and seeds",
                  ("", "before", "onset", "after 1,000 reaches", "field removed"), tuple(rows))  # fmt: skip
    return Outcome(measured, (_paths(plain), _curves(plain)), (table,), bio_ofc())


def _adapt(runs: tuple[int, ...], rule: Rule, signal: float = 0.0) -> dict:
    """Before, at onset, after learning and without the field again: paths and deviations, (S,) each."""
    null, field = reaching(signal=signal), reaching(field=FIELD, signal=signal)
    agents = Agents.from_plant(null, GAIN, steady_regulator(null), len(runs))
    still, lucky = Rule.frozen(ridge=rule.ridge), random_streams(runs)
    before = _quiet(null, agents, still, runs)
    start = run(field, agents, rule, 40, lucky, keep=True)
    middle = run(field, agents, rule, EPISODES - 80, lucky)
    end = run(field, agents, rule, 40, lucky, keep=True)
    effect = _quiet(null, agents, still, runs)
    onset = start.states[:, :BLOCK]
    sides = [_signed(paths) for paths in (onset, effect)]
    opposite = np.array([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(*sides, strict=True)])
    sizes = {
        "before": _deviation(before), "onset": _deviation(onset), "after": _deviation(end.states),
        "effect": _deviation(effect), "opposite": opposite,
    }  # fmt: skip
    shown = {"before": before[0], "onset": onset[0], "after": end.states[0, -BLOCK:], "field removed": effect[0]}
    costs = np.hstack([part.cost for part in (start, middle, end)])
    errors = np.hstack([part.error for part in (start, middle, end)])
    means = tuple(float(sizes[name].mean()) for name in ("before", "onset", "after", "effect"))
    return sizes | {"paths": shown, "learning": (start, end), "curves": (costs, errors), "means": means}


def _quiet(plant: Plant, agents: Agents, still: Rule, runs: tuple[int, ...]) -> np.ndarray:
    """(S, 8, T + 1, d) states of one reach from each side, without learning."""
    copy = agents.copy()
    copy.n_episodes = 0
    record: Record = run(plant, copy, still, BLOCK, random_streams(runs, 1), keep=True)
    return record.states


def _signed(states: np.ndarray) -> np.ndarray:
    """(S, E, T + 1) distances to the left of the straight line from the start to the goal."""
    begin = states[:, :, :1, :2]
    along = -begin / np.linalg.norm(begin, axis=-1, keepdims=True)
    return along[..., 0] * states[..., 1] - along[..., 1] * states[..., 0]


def _deviation(states: np.ndarray) -> np.ndarray:
    """(S,) the largest distance from the straight line, mean over reaches."""
    return np.abs(_signed(states)).max(-1).mean(-1)


def _paths(found: dict) -> Figure:
    canvas, axes = figures.canvas(11.0, 3.1, n_columns=4, share_y=True)
    hues = (figures.BLUE, figures.ORANGE, figures.GREEN, figures.PURPLE)
    for ax, (name, paths), colour in zip(axes, found["paths"].items(), hues, strict=True):
        for path in paths:
            ax.plot(path[:, 0], path[:, 1], color=colour, linewidth=1.3)
            ax.plot(*path[0, :2], "o", color=figures.GREY, markersize=4)
        ax.set_aspect("equal")
        figures.label(ax, "cm", "cm" if name == "before" else "", name)
    return figures.svg(
        canvas, salt="ofc/paths", wide=True, alt="Straight spokes, curved spokes, straighter spokes, spokes curved "
        "the other way.", caption="Reaches from eight sides to the middle, one seed: in the null field, when the "
        "force field is switched on, after 1,000 reaches in it, and when it is switched off.",
    )  # fmt: skip


def _curves(found: dict) -> Figure:
    canvas, axes = figures.canvas(9.6, 3.1, n_columns=2)
    at = np.arange(EPISODES).reshape(-1, BLOCK).mean(1)
    for ax, part, name in zip(axes, found["curves"], ("cost of a reach", "squared prediction error"), strict=True):
        blocks = part.reshape(len(part), -1, BLOCK).mean(2)
        ax.plot(at, blocks.mean(0), color=figures.BLUE)
        ax.fill_between(at, blocks.min(0), blocks.max(0), color=figures.BLUE, alpha=0.18, linewidth=0)
        figures.label(ax, "reaches in the field", name)
    return figures.svg(
        canvas, salt="ofc/reach", wide=True, alt="Two falling curves.",
        caption="Cost and prediction error in the field, eight reaches at a time, mean over seeds, range shaded.",
    )  # fmt: skip
