"""Critical temperatures from formulas: what is expected over Mo-Re-Si, and how sure the model is.

Trained for a quarter of the usual epochs on the 199 well-known materials that come with the library: enough to see how
it works, not to trust it. For the real thing fit SuperCon, `similis.datasets.load_supercon()`.

    python examples/plot_tc.py        # writes plot_tc.png
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from similis import CriticalTemperatureRegressor
from similis.superconductor import known
from similis.superconductor.ternary import ternary_map

INK, BLUE, ORANGE = "#37474f", "#3f83c1", "#d3782b"
ASKED = ["Mo20Re6Si4", "Nb3Al0.7Ge0.3", "LaRu3Si2", "Ba0.55K0.45Fe2As2", "YBa2Cu3O6.9"]
MEASURED = [5.4, 20.7, 7.8, 38.0, 91.0]


def main() -> None:
    data = known()
    model = CriticalTemperatureRegressor(epochs=10, random_state=0).fit(data.formulas, data.tc)
    tc, bounds = model.predict(ASKED), model.predict_interval(ASKED)

    plt.rcParams.update({"font.size": 11, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK})
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
    places = np.arange(len(ASKED))
    left.errorbar(places, tc, np.abs(bounds.T - tc), fmt="o", color=BLUE, capsize=4, label="predicted, 90 % interval")
    left.plot(places, MEASURED, "x", color=ORANGE, markersize=9, label="measured")
    left.set_xticks(places, ASKED, rotation=25, ha="right")
    left.set_ylabel("Tc, K")
    left.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False)
    left.set_title("From 199 known materials", loc="left")

    around = model.screen(["Mo", "Re", "Si"], 40)
    ternary_map(right, ["Mo", "Re", "Si"], around.amounts / 40, around.tc, mark=np.array([20, 6, 4]) / 30, unit="Tc, K")
    right.set_title("Ring: Mo20Re6Si4", loc="left")

    figure.savefig("plot_tc.png", dpi=130)
    print("plot_tc.png")
    for formula, value, (low, high) in zip(ASKED, tc, bounds, strict=True):
        print(f"{formula:20s} {value:5.1f} K, {low:.1f} to {high:.1f}")


if __name__ == "__main__":
    main()
