"""
A stream of sensor data
=======================

Five gas sensors, a thermometer and a hygrometer stood by a road in an Italian town from March 2004 to April 2005 and
said something once an hour. A network reads them day by day, never stops learning, and notices what changed.

You will need ten minutes, `SimilarityMatching`, and the table ``air-quality.csv.gz`` beside this script (S. De Vito
et al. 2008, *Sensors and Actuators B* 129, 750; UCI Machine Learning Repository, CC BY 4.0; we kept eleven columns,
and missing values are empty cells).
"""

# %%
# Look at the data first
# ----------------------
#
# The seven sensors are on scales of their own: hundreds of ohms, degrees, per cent. We express each in deviations
# from its first four weeks, as one would who puts a box into operation and cannot know the year to come. Hours in
# which the box was off are left out.

import matplotlib.pyplot as plt
import numpy as np

from similis import SimilarityMatching, load, save

table = np.genfromtxt("air-quality.csv.gz", delimiter=",", skip_header=1)
names = ["CO", "hydrocarbons", "NOx", "NO2", "ozone", "temperature", "humidity"]
table = table[~np.isnan(table[:, 2:9]).any(axis=1)]
day, X = table[:, 0].astype(int), table[:, 2:9]
first = X[day < 28]
X = (X - first.mean(axis=0)) / first.std(axis=0)
print(f"{len(X):,} hours of {len(names)} sensors, {len(np.unique(day))} days")

# %%

BLUE, ORANGE, GREY = "#2f6db5", "#d07a1f", "#8a949a"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 10})
figure, axes = plt.subplots(7, 1, figsize=(9, 6.5), sharex=True, layout="constrained")
for ax, name, column in zip(axes, names, X.T, strict=True):
    ax.plot(day, column, ".", markersize=1, color=BLUE)
    ax.set_ylabel(name, rotation=0, ha="right", va="center")
    ax.set_yticks([0])
axes[-1].set_xlabel("day")
axes[0].set_title("Seven sensors, each in deviations of its first four weeks", loc="left")
plt.show()

# %%
# Learn it day by day
# -------------------
#
# ``partial_fit`` takes one row or many, whenever they come. The network keeps two directions, those in which the
# sensors vary most. Before it learns from a day, we ask how much of that day, as a share of its squared deviations,
# lies outside the plane of the two directions: a question about data it has not seen.
#
# Three learners answer. ``solver="exact"`` has the best subspace of everything heard so far. The default network has
# a learning rate that falls, and averages over the past as well. With ``decay=0`` the rate stays constant: this one
# forgets.

learners = {
    "exact, of the whole past": (SimilarityMatching(2, solver="exact"), GREY),
    "network, falling rate": (SimilarityMatching(2, random_state=0), ORANGE),
    "network, constant rate": (SimilarityMatching(2, eta0=0.02, decay=0, random_state=0), BLUE),
}


def lost(model, rows):
    """Squared distance of rows from the learned plane: through the learned mean, along the two components."""
    basis = np.linalg.qr(model.components_.T)[0]
    rows = rows - model.mean_
    return np.square(rows - rows @ basis @ basis.T).sum()


days = [d for d in np.unique(day) if (day == d).sum() >= 12]
losses = {name: [] for name in learners}
for d in days:
    rows = X[day == d]
    for name, (model, _) in learners.items():
        if model.__sklearn_is_fitted__() and d >= 28:
            losses[name].append((lost(model, rows), np.square(rows).sum()))
        model.partial_fit(rows)

figure, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
for name, (_, colour) in learners.items():
    parts = np.array(losses[name])
    month = np.ones(28)
    share = np.convolve(parts[:, 0], month, "valid") / np.convolve(parts[:, 1], month, "valid")
    ax.plot(days[-len(share) :], 100 * share, color=colour, linewidth=2)
    ax.text(days[-1] + 3, 100 * share[-1] - (1.5 if colour == ORANGE else 0), name, color=colour)
    print(f"{name}: {100 * parts[:, 0].sum() / parts[:, 1].sum():.1f} % of the days to come is lost")
ax.set(xlabel="day", ylabel="lost, % (28 days)", ylim=(0, None), xlim=(50, days[-1]))
plt.show()

# %%
# In winter the sensors move together in another way than in the spring they were installed. What averages over the
# whole past loses more and more; the network that forgets does not. Choose by this question, *does my stream drift?*,
# and see :doc:`choosing </choosing>`.
#
# What the two outputs say
# ------------------------
#
# Outputs of ``transform`` are two numbers an hour. Averaged by hour of the day they show what the box is next to: a
# road.

tracker = learners["network, constant rate"][0]
Z = tracker.transform(X)
hour = table[:, 1].astype(int)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", width_ratios=[1, 1.2])
for i, colour in enumerate((BLUE, ORANGE)):
    left.plot(
        range(24), [Z[hour == h, i].mean() for h in range(24)], color=colour, linewidth=2, label=f"output {i + 1}"
    )
left.set(xlabel="hour of the day", ylabel="mean output", xticks=range(0, 25, 6))
left.legend(frameon=False)
right.barh(np.arange(7) - 0.2, tracker.components_[0], height=0.4, color=BLUE)
right.barh(np.arange(7) + 0.2, tracker.components_[1], height=0.4, color=ORANGE)
right.set_yticks(range(7), names)
right.invert_yaxis()
right.axvline(0, color=GREY, linewidth=1)
right.set_xlabel("weight")
plt.show()

# %%
# Stop, and go on another day
# ---------------------------
#
# A model is one file of numbers with a checksum, no pickle. A model that was saved goes on as if it had not been.

save(tracker, "air.safetensors", force=True)
again = load("air.safetensors")
same = again.partial_fit(X[-24:]).components_ == tracker.partial_fit(X[-24:]).components_
print("the same to the last bit:", same.all())

# %%
# **Next.** Files of any size from the command line: :doc:`/how-to/streaming-a-file`. Sensors that are off, stuck, or
# change their gain: the same page. A rate with a floor, and steps in general: :doc:`/how-to/choose-a-solver`.
