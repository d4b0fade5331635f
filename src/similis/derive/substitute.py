"""From a problem to its rules: which term becomes what, and what no rule covers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from .constraints import Constraint, Feedforward, RowSums, Trace, Within, joined
from .covariance import AtMostWhite, Covariance, SoftWhite, White
from .outputs import Constant, Identity, Output
from .penalties import OutputSquare, PowerCost, Threshold
from .refusals import refuse
from .rules import Attract, AttractPairs, Rule, Teach
from .terms import Attraction, Product, Similarity

if TYPE_CHECKING:
    from .problem import Problem


Kind = TypeVar("Kind", bound=Constraint)


@dataclass(frozen=True)
class Rules:
    """The rules of a problem, by what they make."""

    attractions: tuple[Attract | AttractPairs, ...]
    square: OutputSquare | None = None
    cost: PowerCost | None = None
    threshold: Threshold | None = None
    covariance: Covariance | None = None
    within: Within | None = None
    trace: Trace | None = None
    feedforward: Feedforward | None = None

    @property
    def lateral(self) -> Covariance | OutputSquare | None:
        """What makes the lateral connections."""
        return self.covariance or self.square

    @property
    def all(self) -> tuple[Rule, ...]:
        """In the order of a derivation."""
        rest = (self.square, self.covariance, self.cost, self.threshold, self.trace, self.within, self.feedforward)
        return (*self.attractions, *(rule for rule in rest if rule is not None))


def rules_of(problem: Problem) -> Rules:
    """The rules of a problem.

    Raises
    ------
    similis._errors.InputError
        Where no rule covers a term, or constraints contradict each other; the message quotes it and says why.
    """
    weights: dict[type, float] = {}
    attractions: list[Attract | AttractPairs] = []
    way = _only(problem, Feedforward)
    for weight, term in problem.similarity.parts:
        if isinstance(term, Similarity):
            attractions.append(Attract(weight, term) if way is None else Teach(weight, term))
        elif isinstance(term, Product):
            if way is not None:
                refuse(term, "pairs of signals that teach: no rule covers it; let outputs settle")
            attractions.append(AttractPairs(weight, term))
        elif isinstance(term, Attraction):
            refuse(term, "no rule covers it")
        else:
            weights[type(term)] = weight
    quartic = float(problem.matches) - 2.0 * weights.get(Output, 0.0)
    covariance = _only(problem, Covariance)
    if problem.matches and Output in weights:
        refuse(
            problem.source, "outputs stand on both sides: the square holds a degree above two in Z'Z; write align(...)"
        )
    if isinstance(covariance, White) and quartic > 0.0:
        quartic = 0.0  # <Z'Z, Z'Z> = |<zz'>|^2 = k where outputs are white
    within = joined([c for c in problem.constraints if isinstance(c, Within)])
    found = Rules(
        tuple(attractions),
        OutputSquare(quartic) if quartic else None,
        PowerCost(-weights[Identity]) if Identity in weights else None,
        Threshold(-weights[Constant]) if Constant in weights else None,
        covariance,
        within,
        _only(problem, Trace),
        way and replace(way, clipped=within is not None),
    )
    _attracts(problem, found)
    _agree(problem, found)
    if found.feedforward is not None:
        _passes(problem, found, found.feedforward)
    else:
        _bounded(problem, found)
    return found


def _only(problem: Problem, kind: type[Kind]) -> Kind | None:
    """The constraint of a kind; two contradict each other."""
    several = [c for c in problem.constraints if isinstance(c, kind)]
    if len(several) > 1:
        said = ", ".join(map(str, several))
        refuse(said, "incompatible: one population has one multiplier of its second moment, power or way in")
    return several[0] if several else None


def _attracts(problem: Problem, found: Rules) -> None:
    """Something must attract outputs, each signal once."""
    if not found.attractions or not any(rule.weight for rule in found.attractions):
        refuse(problem.source, "nothing attracts the outputs: z = 0 is optimal; add similarity(...)")
    names = [c.name for rule in found.attractions for c in rule.channels({})]
    names += [found.feedforward.stream] if found.feedforward else []
    for name in names:
        if names.count(name) > 1:
            reason = "comes in twice: one compartment has one matrix of weights and one metric"
            refuse(problem.source, f"the signal {name} {reason}; give the second copy a name of its own")


def _agree(problem: Problem, found: Rules) -> None:
    """Constraints that contradict each other, or have no common rule."""
    covariance, within = found.covariance, found.within
    both = f"{covariance}, {within}"
    if isinstance(covariance, AtMostWhite) and found.square:
        refuse(problem.source, f"{covariance} and the quartic term would both be lateral weights M; write align(...)")
    if isinstance(covariance, SoftWhite) and found.square:
        refuse(problem.source, f"{covariance} is itself a cost on the outputs' second moment; write align(...)")
    if covariance is not None and found.trace is not None:
        refuse(f"{covariance}, {found.trace}", "the second moment holds the power already")
    if found.trace is not None and found.cost is not None:
        refuse(f"identity, {found.trace}", "the power is given, so its cost is a constant")
    if within is None:
        return
    if within.domain.radius < float("inf") and (covariance is not None or found.square):
        said = both if covariance is not None else problem.source
        refuse(
            said,
            "within a ball settling is divisive, which has no closed form against lateral weights; write align(...)",
        )
    if isinstance(within, RowSums) and covariance is not None:
        refuse(both, "row sums and the second moment would both be multipliers of one inhibitory unit")
    if within.domain.total is not None and found.threshold is not None:
        refuse(f"constant, {within}", "row sums learn thresholds of their own: the constant changes nothing")


def _passes(problem: Problem, found: Rules, way: Feedforward) -> None:
    """What can be asked of outputs that do not settle."""
    if found.lateral is None:
        refuse(
            problem.source, "unbounded: with z = V x larger weights are always better; add at_most_white, or match(...)"
        )
    if found.square is not None and found.square.quartic != 1.0:
        refuse(problem.source, "where nothing settles laterals have the gain 1; expected -1/2 output, or match(...)")
    alone = {found.cost: "identity", found.threshold: "constant", found.trace: str(found.trace)}
    for rule, said in alone.items():
        if rule is not None:
            refuse(f"{said}, {way}", "nothing settles, so neither self-inhibition nor a threshold reaches the output")
    domain = found.within.domain if found.within else None
    if domain is not None and (domain.radius < float("inf") or domain.total is not None or domain.l1):
        refuse(f"{found.within}, {way}", "nothing settles: only bounds that f' knows are possible, such as nonnegative")


def _bounded(problem: Problem, found: Rules) -> None:
    """Settling needs something that holds outputs back."""
    within = found.within
    if within is not None and within.domain.mean_rate:
        refuse(within, "a mean can be subtracted only where nothing settles; add feedforward")
    if found.lateral is not None:
        return
    held = (within is not None and within.bounded()) or found.trace is not None
    if not held:
        reason = "larger outputs are always better; add white, at_most_white, ball(r), row_sums(rho) or trace(p)"
        refuse(problem.source, f"unbounded: {reason}")
    limited = found.trace is not None or (found.cost is not None and found.cost.alpha > 0.0)
    if not limited and (within is None or within.domain.radius == float("inf")):
        reason = "nothing holds a neuron back from a corner of the domain: settling has no stable optimum"
        refuse(problem.source, f"{reason}; subtract identity(alpha)")
