"""
A search for superconductors
============================

A formula goes in; whether it superconducts, below which temperature, and how much the model knows about such
materials come out. Here it learns from the 199 well-known materials that come with the library, in a quarter of the
usual epochs: enough to learn how to ask. For a search in earnest take the 16,414 rows of SuperCon,
``supercon(*load_supercon())``, and some minutes.
"""

# %%
# What is known
# -------------

import warnings

import matplotlib.pyplot as plt
import numpy as np

from similis import CriticalTemperatureRegressor
from similis.superconductor import folds, known, table
from similis.superconductor.ternary import ternary_map

data, refused = table(*known()[:2])
print(f"{len(data.tc)} materials, {(data.tc > 0).sum()} of them superconductors, {len(refused)} not readable")

# %%
# Judge it before you believe it
# ------------------------------
#
# Split by element system, no test material has just the elements of a training material. That is what a search asks
# for; at random a test composition usually has a near twin in the training set, and errors look smaller than you will
# ever see. One fold of five is held out.

train, test = next(folds(data, "system", 5, seed=0))
names = np.array(data.formulas)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    trial = CriticalTemperatureRegressor(epochs=10, random_state=0).fit(list(names[train]), data.tc[train])
said = trial.judge(list(names[test]))
warm = data.tc[test] > 0
inside = (said.low <= data.tc[test]) & (data.tc[test] <= said.high)
print(f"superconductors of the fold: {warm.sum()}, median error {np.median(abs(said.tc - data.tc[test])[warm]):.1f} K")
print(f"measured value within the 90 % interval: {inside[warm].sum()} of {warm.sum()}")

BLUE, ORANGE, GREY = "#2f6db5", "#d07a1f", "#8a949a"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 10})
figure, ax = plt.subplots(figsize=(5.6, 5), layout="constrained")
bars = np.stack([said.tc - said.low, said.high - said.tc])[:, warm]
ax.errorbar(data.tc[test][warm], said.tc[warm], bars, fmt="o", color=BLUE, ecolor="#b9cfe8", markersize=4)
ax.axline((0, 0), slope=1, color=GREY, linewidth=1)
ax.set(xlabel="measured Tc, K", ylabel="predicted Tc and 90 % interval, K", title="Element systems never seen")
plt.show()

# %%
# Bars are long, and they should be: few materials teach little. What counts is that they hold what they promise.
#
# Ask about materials
# -------------------
#
# Now learn from all, and ask. ``novelty`` above 1 means that the material is unlike all known superconductors and
# that the model has no business judging it.

model = CriticalTemperatureRegressor(epochs=10, random_state=0).fit(data.formulas, data.tc)
asked = ["Nb3Al0.7Ge0.3", "Mo20Re6Si4", "Ba0.55K0.45Fe2As2", "YBa2Cu3O6.9", "NaCl", "Xe"]
answer = model.judge(asked)
print("formula               Tc, K      interval   P(superconducts)  novelty")
for i, formula in enumerate(asked):
    print(
        f"{formula:20s} {answer.tc[i]:6.1f}  {answer.low[i]:5.1f} to {answer.high[i]:5.1f}"
        f"  {answer.superconducting[i]:12.2f}  {answer.novelty[i]:11.2f}"
    )

# %%
# ``explain`` says by how many kelvin Tc changes when an element's share grows by one point.

for symbol, change in model.explain("Nb3Al0.7Ge0.3").items():
    print(f"{symbol:2s} {change:+.2f} K")

# %%
# Search a system
# ---------------
#
# Every way to share 30 atoms among niobium, aluminium and germanium, ranked by Tc times the probability of
# superconductivity. A quick network looks at all of them, the ensemble at the most promising.

found = model.screen(["Nb", "Al", "Ge"], 30)
print(f"{len(found.tc):,} compositions; the first ones:")
for amounts, kelvin, probability in zip(found.amounts[:5], found.tc, found.probability, strict=False):
    print(
        f"Nb{amounts[0]}Al{amounts[1]}Ge{amounts[2]}: {kelvin:.1f} K, superconducts with probability {probability:.2f}"
    )

figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
ternary_map(ax, ["Nb", "Al", "Ge"], found.amounts / 30, found.tc, mark=np.array([3, 0.7, 0.3]) / 4, unit="Tc, K")
figure.suptitle("Ring: Nb3Al0.7Ge0.3, measured 20.7 K")
plt.show()

# %%
# **Next.** The same from the command line, with a file of formulas: :doc:`/how-to/screen-compositions`. How good it
# is on which split of SuperCon, beside a random forest on the same folds: :doc:`/papers/tc`.
