"""
Two views of a recording
========================

Beside the cheap sensors of the :doc:`first tutorial <plot_1_stream>` stood a certified analyser. Two instruments, one
air: what do they agree on? Canonical correlation analysis finds, for each, the combination of its channels that is
most correlated with the other's. `OnlineCCA` does it pair by pair; its solver ``"exact"`` from second moments.
"""

# %%
# Two views, hour by hour
# -----------------------
#
# x has the five gas sensors, temperature and humidity; y what the analyser says of CO, NOx and NO2. Hours in which
# either was off are left out. We learn from the first 180 days and keep the rest to be judged by.

import warnings

import matplotlib.pyplot as plt
import numpy as np

from similis import OnlineCCA
from similis.metrics import held_out_correlations

table = np.genfromtxt("air-quality.csv.gz", delimiter=",", skip_header=1)
day, x, y = table[:, 0], table[:, 2:9], table[:, [9, 11, 12]]
on = ~np.isnan(x).any(axis=1) & ~np.isnan(y).any(axis=1)
day, x, y = day[on], x[on], y[on]
sensors = ["CO", "hydrocarbons", "NOx", "NO2", "ozone", "temperature", "humidity"]
analysers = ["CO", "NOx", "NO2"]
learn, held = day < 180, day >= 180
print(f"{learn.sum():,} pairs to learn from, {held.sum():,} to judge by")

# %%
# One thing in common
# -------------------
#
# First one component. Both solvers are judged on hours they have not seen.

exact = OnlineCCA(1, solver="exact").fit(x[learn], y[learn])
online = OnlineCCA(1, n_epochs=20, random_state=0).fit(x[learn], y[learn])
for name, model in {"exact": exact, "network": online}.items():
    print(f"{name}: held-out correlation {model.score(x[held], y[held]):.3f}")

BLUE, ORANGE, GREY = "#2f6db5", "#d07a1f", "#8a949a"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 10})
a, b = (z[:, 0] for z in online.transform(x[held], y[held]))
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained", width_ratios=[2, 1])
week = slice(200, 200 + 24 * 7)
left.plot(a[week] - a[week].mean(), color=BLUE, label="sensors")
left.plot(b[week] - b[week].mean(), color=ORANGE, label="analyser")
left.set(xlabel="hour", ylabel="projection", title="168 hours that were not learned from")
left.legend(frameon=False)
right.plot(a, b, ".", markersize=2, color=BLUE)
right.set(xlabel="sensors", ylabel="analyser", title="all of them")
plt.show()

# %%
# Weights have the units of the data: a projection is ``(x - mean) @ x_components_.T``. Times each channel's deviation
# they can be compared.

figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 2.8), layout="constrained")
for ax, names, weights, rows in (
    (left, sensors, online.x_components_[0], x[learn]),
    (right, analysers, online.y_components_[0], y[learn]),
):
    ax.barh(names, weights * rows.std(axis=0), color=BLUE if ax is left else ORANGE)
    ax.axvline(0, color=GREY, linewidth=1)
    ax.invert_yaxis()
    ax.set(xlabel="weight times deviation", title="sensors" if ax is left else "analyser")
plt.show()

# %%
# A second one, and an honest warning
# -----------------------------------
#
# The sensors are almost collinear: all rise with traffic. The second correlation hides in small differences between
# them, which an online rule learns slowly. The library compares what a network found with exact CCA of the same rows,
# and says when they are far apart.

two = OnlineCCA(2, solver="exact").fit(x[learn], y[learn])
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    slow = OnlineCCA(2, n_epochs=20, random_state=0).fit(x[learn], y[learn])
    slow.score(x[held], y[held])
print("exact:  ", np.round(held_out_correlations(*two.transform(x[held], y[held])), 2))
print("network:", np.round(held_out_correlations(*slow.transform(x[held], y[held])), 2))
print(*{str(warning.message) for warning in told}, sep="\n")

# %%
# So for ten channels take ``solver="exact"``: it costs nothing here. The network is for views of thousands of
# features, for streams whose correlations change, and for those who study how neurons would do it. See
# :doc:`/how-to/two-views`.
#
# Does the agreement last?
# ------------------------
#
# Cheap sensors age, and seasons change. The projections learned in the first half year, month by month after it:

figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
months = np.arange(180, 380, 30)
for name, model, colour in (("exact, first", two, GREY), ("network", online, BLUE)):
    curve = [
        held_out_correlations(*model.transform(x[now], y[now]))[0]
        for now in ((day >= start) & (day < start + 30) for start in months)
    ]
    ax.plot(months + 15, curve, "o-", color=colour, label=name)
ax.set(xlabel="day", ylabel="correlation", ylim=(0.8, 1))
ax.legend(frameon=False)
plt.show()

# %%
# It does, nearly: what one correlation can lose in seven months is a few hundredths.
#
# **Next.** How many correlations are there? ``rank="adaptive"`` finds the number:
# :doc:`/generated/gallery/plot_adaptive_rank`. The network, its rules and what was measured: :doc:`/papers/cca`.
