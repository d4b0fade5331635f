"""The words an experiment is written in: claims, what was measured, and the list of all experiments."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import Any, Literal

import numpy as np

from .._card import catalogue
from .._errors import InputError

Budget = Literal["smoke", "full"]
Provenance = Literal["paper", "authors' code", "ours", "oracle", "peer"]
Verdict = Literal["pass", "falls short", "not measured", "other parameters"]

BUDGETS: tuple[Budget, ...] = ("smoke", "full")
PROVENANCES: tuple[Provenance, ...] = ("paper", "authors' code", "ours", "oracle", "peer")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One sentence that a number can refute: ``value <= goal`` or ``value >= goal``.

    Parameters
    ----------
    id : str
        Short name, unique within its experiment.
    text : str
        The claim in words.
    goal : float
        The bound that decides the verdict.
    better : {"lower", "higher"}
        On which side of the goal a value passes.
    known : float, optional
        A number reported before, shown beside ours.
    provenance : {"paper", "authors' code", "ours", "oracle", "peer"}
        Whose number `known` is. Numbers of different provenance are never mixed.
    source : str
        Where `known` was read, in words.
    unit : str
    budgets : tuple of {"smoke", "full"}
        The budgets at which the claim is measured.
    """

    id: str
    text: str
    goal: float
    better: Literal["lower", "higher"]
    known: float | None = None
    provenance: Provenance = "ours"
    source: str = ""
    unit: str = ""
    budgets: tuple[Budget, ...] = BUDGETS

    def __post_init__(self) -> None:
        if self.better not in ("lower", "higher") or self.provenance not in PROVENANCES:
            raise InputError(
                f"Claim {self.id!r} has better={self.better!r}, provenance={self.provenance!r}; expected 'lower' or "
                f"'higher', and one of {PROVENANCES}. Correct the claim where it is declared."
            )
        if self.known is not None and not self.source:
            raise InputError(
                f"Claim {self.id!r} quotes a number without its source. Say where it was read in `source`."
            )

    def verdict(self, value: float) -> Verdict:
        """Judge a value against the goal; a value that is not finite falls short."""
        met = value <= self.goal if self.better == "lower" else value >= self.goal
        return "pass" if math.isfinite(value) and met else "falls short"


@dataclass(frozen=True)
class Measured:
    """What a claim came to in this run: a statistic over seeds, its range, and the exact optimum where there is one."""

    value: float
    spread: tuple[float, float]
    seeds: tuple[int, ...]
    statistic: str
    oracle: float | None = None

    @classmethod
    def over(
        cls,
        values: Sequence[float] | np.ndarray,
        seeds: Sequence[int],
        statistic: Literal["median", "mean", "worst", "best"] = "median",
        *,
        better: Literal["lower", "higher"] = "lower",
        oracle: float | None = None,
    ) -> Measured:
        """Reduce one value a seed to the median, the mean, or the worst or best of them.

        `better` says which end is the worst.
        """
        low, high = float(np.min(values)), float(np.max(values))
        best, worst = (low, high) if better == "lower" else (high, low)
        value = {"median": np.median(values), "mean": np.mean(values), "worst": worst, "best": best}[statistic]
        return cls(float(value), (low, high), tuple(seeds), statistic, oracle)


@dataclass(frozen=True)
class Figure:
    """A picture with the words a reader needs: SVG text (inlined) or PNG bytes; `wide` pictures take a row."""

    caption: str
    alt: str
    image: bytes
    kind: Literal["svg", "png"] = "svg"
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """A small table measured in this run; each row starts with its name."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]


@dataclass(frozen=True)
class Outcome:
    """What an experiment hands back: one `Measured` a claim, pictures, tables and the network that ran.

    `circuit` is a :class:`similis.circuit.Circuit`, or another network that `similis.display.describe` knows.
    """

    measured: Mapping[str, Measured]
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    circuit: Any = None


#: takes budget and seeds, and by keyword what may be set, with its default
Run = Callable[..., Outcome]


@dataclass(frozen=True)
class Experiment:
    """A registered experiment: ``run(budget, seeds) -> Outcome`` and the claims it must measure."""

    paper: str
    name: str
    title: str
    summary: str
    claims: tuple[Claim, ...]
    budgets: tuple[Budget, ...]
    needs: tuple[str, ...]
    run: Run = field(repr=False)

    @property
    def id(self) -> str:
        return f"{self.paper}/{self.name}"

    @property
    def params(self) -> dict[str, Any]:
        """What may be set, and its default."""
        words = signature(self.run).parameters.values()
        return {word.name: word.default for word in words if word.kind is Parameter.KEYWORD_ONLY}

    def due(self, budget: Budget) -> tuple[Claim, ...]:
        """The claims that this budget measures."""
        return tuple(claim for claim in self.claims if budget in claim.budgets)


_MODULES = (  # one file a paper, in the order of the report
    "psp",
    "nsm",
    "bio_cca",
    "bio_rrr",
    "local_supervision",
    "supervised",
    "conv",
    "tiling",
    "manifold",
    "motion",
    "slow",
    "adaptive_cca",
    "duality",
    "plasticity",
    "flexible",
    "flexible_tiles",
    "lenet",
    "in_context",
    "in_context_trained",
    "denoise",
    "denoise_chosen",
    "denoise_trained",
    "denoise_images",
    "nomad",
    "nomad_images",
    "nomad_data",
    "nomad_geodesics",
    "ofc",
    "ofc_reaching",
    "ofc_flight",
    "tc",
    "tc_supercon",
)
_EXPERIMENTS: dict[str, Experiment] = {}


def experiment(
    paper: str,
    name: str,
    title: str,
    *,
    claims: Iterable[Claim],
    budgets: tuple[Budget, ...] = BUDGETS,
    needs: tuple[str, ...] = (),
) -> Callable[[Run], Run]:
    """Register a function ``(budget, seeds) -> Outcome`` as the experiment ``paper/name``.

    Parameters
    ----------
    paper : str
        Name of the network in the catalogue, such as ``"psp"``.
    name, title : str
        Short name for the command line, and a heading for people.
    claims : iterable of Claim
    budgets : tuple of {"smoke", "full"}
        Budgets at which the experiment runs at all.
    needs : tuple of str
        Data sets without which it is reported as not run.

    Raises
    ------
    InputError
        When the name is taken or two claims share an id.
    """
    claims = tuple(claims)

    def register(function: Run) -> Run:
        summary = " ".join((function.__doc__ or "").split())
        entry = Experiment(paper, name, title, summary, claims, budgets, needs, function)
        if entry.id in _EXPERIMENTS:
            raise InputError(f"Experiment {entry.id!r} is registered twice. Give the second one another name.")
        if len({claim.id for claim in claims}) < len(claims):
            raise InputError(f"Experiment {entry.id!r} has two claims with one id. Rename one of them.")
        _EXPERIMENTS[entry.id] = entry
        return function

    return register


def experiments() -> dict[str, Experiment]:
    """All experiments by id (``"psp/spiked"``), in the order of the papers."""
    for module in _MODULES:
        importlib.import_module(f"similis.experiments.{module}")
    return dict(_EXPERIMENTS)


def select(names: Iterable[str]) -> list[Experiment]:
    """Experiments named by ``"all"``, a paper (``"psp"``; ``"friedrich2021"``) or an id (``"psp/spiked"``), each once.

    Raises
    ------
    InputError
        When a name matches nothing; the message lists what exists.
    """
    known = experiments()
    keys = {name: card.key for name, card in catalogue().items()}
    chosen: dict[str, Experiment] = {}
    for name in names:
        found = {id: e for id, e in known.items() if name in ("all", e.paper, id, keys.get(e.paper))}
        if not found:
            papers = sorted({e.paper for e in known.values()})
            raise InputError(
                f"No experiment is called {name!r}. Papers: {', '.join(papers)}; experiments: {', '.join(known)}. "
                f"Use one of these names, or 'all'."
            )
        chosen |= found
    if not chosen:
        raise InputError("No experiment was named. Give a paper such as 'psp', an experiment, or 'all'.")
    return list(chosen.values())
