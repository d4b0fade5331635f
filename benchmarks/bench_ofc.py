"""How fast is an episode? The compiled loop, seeds side by side, against the same rules in a plain NumPy step loop.

    python benchmarks/bench_ofc.py [--quick] [--write]

One thread; both columns of a row are taken in the same run, interleaved, best of the repetitions, in microseconds an
episode of ten steps (flight: of a thousand), noise of the plant included. The plain loop is the agent of
similis.control, which takes one step at a time; the gap compares the costs of the first 20 episodes. ``--write``
stores benchmarks/results/bench_ofc.json.
"""

from __future__ import annotations

import os

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import argparse
from functools import partial

import numpy as np
from plain import clock, store

from similis.control import (
    Agent,
    Agents,
    Plant,
    RandomStreams,
    Rule,
    double_integrator,
    flight,
    reaching,
    run,
    steady_regulator,
)

GOAL = 50
CASES = {
    "double integrator, published": (double_integrator(1), Rule.published(0.005, 1e-5), 2, 16, 5000),
    "double integrator, defaults": (double_integrator(2), Rule(), 2, 16, 5000),
    "reaching": (reaching(), Rule.published(4e-5, 2e-3, momentum=0.0, sigma=5e-4, baseline="mean"), 6, 16, 50),
    "flight": (flight(), Rule(eta=0.01, sigma=0.5, bias=0.2), 6, 4, 20),
}


def new(plant: Plant, n_latent: int, number: int) -> Agents:
    if n_latent == plant.n_states == 6 and not plant.acting:  # reaching begins from what is known, as in the paper
        return Agents.from_plant(plant, 0.1 * np.eye(6), steady_regulator(plant), number)
    rngs = [np.random.default_rng(seed) for seed in range(number)]
    return Agents.new(plant.n_observations, plant.n_actions, n_latent, rngs)


def plain(plant: Plant, agents: Agents, rule: Rule, n_episodes: int, chance: RandomStreams) -> np.ndarray:
    """The rules as they are written, one step at a time."""
    agent = Agent(agents, rule, sensing=plant.sensing, acting=plant.acting, n_steps=plant.n_steps, rng=chance.action)
    costs = np.empty(n_episodes)
    for episode in range(n_episodes):
        spare = RandomStreams(chance.start, chance.plant, chance.sensor, np.random.default_rng(0))
        starts, V, W, _ = spare.draw(plant, episode, 1, plant.n_steps)
        x, waiting = starts[0], [np.zeros(plant.n_actions)] * plant.acting
        Y = [plant.C @ x]
        agent.reset(Y[0], plant.cost(x, np.zeros(plant.n_actions)))
        for t in range(plant.n_steps):
            waiting.append(agent.act())
            u = waiting.pop(0)
            x = plant.step(x, u, V[0, t])
            Y.append(plant.C @ x + W[0, t + 1])
            agent.observe(Y[max(0, t + 1 - plant.sensing)], plant.cost(x, u))
        costs[episode] = agent.finish()[0]
    return costs


def measure(name: str, quick: bool) -> dict:
    plant, rule, n_latent, seeds, n_episodes = CASES[name]
    few = 20 if plant.n_steps < 200 else 3
    ours = run(plant, new(plant, n_latent, 1), rule, few, [RandomStreams.of(0)]).cost[0]  # compiled and warm
    gap = float(np.abs(ours / plain(plant, new(plant, n_latent, 1), rule, few, RandomStreams.of(0)) - 1).max())
    best = {"ours": np.inf, "plain": np.inf}
    for _ in range(2 if quick else 5):
        agents, lucky = new(plant, n_latent, seeds), [RandomStreams.of(seed) for seed in range(seeds)]
        took = clock(partial(run, plant, agents, rule, n_episodes, lucky)) / (seeds * n_episodes)
        best["ours"] = min(best["ours"], took * 1e6)
        took = clock(partial(plain, plant, new(plant, n_latent, 1), rule, few, RandomStreams.of(0))) / few
        best["plain"] = min(best["plain"], took * 1e6)
    return {"case": name, "us": best, "ratio": best["plain"] / best["ours"], "largest gap": gap}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--write", action="store_true", help="store the result")
    options = parser.parse_args()
    rows = [measure(name, options.quick) for name in CASES]
    print(
        "| plant, rule | ours, us an episode | episodes/s | plain | plain/ours | goal | largest gap |\n|---|"
        + "---: | " * 6
    )
    for r in rows:
        speed = f"{r['us']['ours']:.3g} | {1e6 / r['us']['ours']:,.0f} | {r['us']['plain']:,.0f}"
        print(f"| {r['case']} | {speed} | {r['ratio']:.0f} | {GOAL} | {r['largest gap']:.0e} |")
    if options.write:
        store("bench_ofc", {"goal": {"every row": GOAL}, "rows": rows})


if __name__ == "__main__":
    main()
