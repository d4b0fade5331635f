"""What one experiment came to: plain data, ready for the report and for JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ._registry import Budget, Claim, Figure, Measured, Table, Verdict

Status = Literal["ran", "failed", "not run"]


@dataclass(frozen=True)
class Finding:
    """A claim beside what was measured for it."""

    claim: Claim
    measured: Measured | None
    verdict: Verdict


@dataclass(frozen=True)
class Reference:
    """The paper that an experiment reproduces."""

    name: str
    title: str
    authors: str
    year: int
    url: str


@dataclass(frozen=True)
class Network:
    """The network that ran, as equations (text) and as a drawing."""

    equations: str
    diagram: Figure


@dataclass(frozen=True, kw_only=True)
class Result:
    """One experiment after its run: status, findings, figures, tables, time and how to repeat it.

    `status` is ``"ran"``, ``"failed"`` (an error, in `reason`) or ``"not run"`` (something it needs is absent).
    """

    paper: str
    experiment: str
    title: str
    summary: str
    reference: Reference
    status: Status
    reason: str
    claims: tuple[Finding, ...]
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    circuit: Network | None
    seconds: float
    budget: Budget
    seeds: tuple[int, ...]
    command: str
    environment: dict[str, str]
    versions: dict[str, str]

    @property
    def id(self) -> str:
        return f"{self.paper}/{self.experiment}"

    def to_dict(self) -> dict[str, Any]:
        """Everything but the pictures, as JSON-able data; numbers that are not finite become null."""
        data = asdict(self)
        data["figures"] = [{"caption": figure.caption, "kind": figure.kind} for figure in self.figures]
        data["circuit"] = self.circuit.equations if self.circuit else None
        return _finite(data)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
