"""Critical temperature from composition: the table of well-known superconductors, which comes with the library."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from ..estimators import CriticalTemperatureRegressor
from ..superconductor import folds, known, superconductor, table
from ..superconductor.forest import Forest
from . import figures
from ._registry import Budget, Claim, Figure, Measured, Outcome, Table, experiment

#: of elements that no superconductor has; unlike any of them
UNSEEN = ("Xe", "Fr2O", "RnF2")


def parity(measured: np.ndarray, predicted: np.ndarray, *, caption: str, salt: str) -> Figure:
    """Predicted against measured Tc."""
    canvas, ax = figures.canvas(4.6, 4.2)
    top = 1.05 * max(measured.max(), predicted.max())
    ax.plot([0, top], [0, top], color=figures.GREY, linewidth=1)
    ax.plot(measured, predicted, ".", color=figures.BLUE, markersize=4, alpha=0.5, rasterized=True)
    ax.set_aspect("equal")
    figures.label(ax, "measured Tc, K", "predicted Tc, K")
    return figures.svg(canvas, caption=caption, alt="Dots along the diagonal.", salt=salt)


@experiment(
    "tc", "known", "Well-known superconductors",
    claims=[
        Claim(id="mae", text="Known superconductors (155), 5 folds: mean absolute error over the forest's", goal=1.05,
              better="lower"),
        Claim(id="auc", text="Known superconductors against 44 normal materials, 5 folds: area under the ROC curve",
              goal=0.8, better="higher"),
        Claim(id="strange", text="Share of compositions of unseen elements (Xe, Fr2O, RnF2) whose flag is set",
              goal=1.0, better="higher"),
    ],
)  # fmt: skip
def known_ones(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """The table is small: 155 superconductors of every kind, hardly two alike, and 44 everyday materials. It shows how
    the model is used, not what it reaches; that needs SuperCon (tc/supercon)."""
    seeds, given = seeds[:1], known()
    data, _ = table(given.formulas, given.tc)
    answers, rival = np.zeros((len(data.tc), 3)), np.zeros((len(data.tc), 3))
    for train, test in folds(data, "random", seed=seeds[0]):
        part = data.where(np.isin(np.arange(len(data.tc)), train))
        X = [data.formulas[i] for i in test]
        model = CriticalTemperatureRegressor(random_state=seeds[0], n_jobs=-1).fit(part.formulas, part.tc)
        said = model.judge(X)
        answers[test] = np.stack([said.tc, said.superconducting, said.above], 1)
        rival[test] = Forest(part, threshold=10, seed=seeds[0])(data.fractions[test])
    superconducting = data.tc > 0
    error, other = (float(abs(p[superconducting, 0] - data.tc[superconducting]).mean()) for p in (answers, rival))
    auc, other_auc = (float(roc_auc_score(superconducting, p[:, 1])) for p in (answers, rival))
    model = CriticalTemperatureRegressor(random_state=seeds[0], n_jobs=-1).fit(given.formulas, given.tc)
    flagged = float((model.novelty(UNSEEN) > 1).mean())
    picture = parity(data.tc[superconducting], answers[superconducting, 0], salt="tc/known",
                     caption="Known superconductors, each predicted from the other four folds.")  # fmt: skip
    rows = (("networks", error, auc), ("random forest", other, other_auc))
    measured = {
        "mae": Measured.over([error / other], seeds),
        "auc": Measured.over([auc], seeds, better="higher"),
        "strange": Measured.over([flagged], seeds, better="higher"),
    }
    result = Table("Known superconductors, 5 folds", ("model", "mean absolute error, K", "area under ROC"), rows)
    return Outcome(measured, (picture,), (result,), superconductor())
