"""An objective and its constraints: printed, derived, evaluated, and turned into a circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..circuit import Circuit, State, Step
from .build import circuit_of, optimum_of, streams_of
from .constraints import Constraint
from .expression import Expression
from .refusals import refuse
from .sentence import sentence
from .substitute import Rules, rules_of
from .symbols import Plain

if TYPE_CHECKING:
    from .steps import Derivation


@dataclass(frozen=True)
class Problem:
    """A similarity objective with constraints; made by :func:`match` and :func:`align`.

    ``<A, B> = Tr(A'B)/T^2`` for similarity matrices of T samples, ``<.>`` alone is the mean over samples.

    Raises
    ------
    similis._errors.InputError
        Where no local network computes it; the message quotes the term and says why.
    """

    similarity: Expression
    matches: bool
    constraints: tuple[Constraint, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.similarity, Expression):
            refuse(repr(self.similarity), 'expected similarities, e.g. similarity("x")')
        for c in self.constraints:
            if not isinstance(c, Constraint):
                refuse(repr(c), "expected a constraint, e.g. nonnegative, white or sparse(0.1)")
        rules_of(self)

    @property
    def rules(self) -> Rules:
        """What each term becomes."""
        return rules_of(self)

    def words(self, hand: Plain) -> str:
        """The problem in one line."""
        return sentence(self, hand)

    def __str__(self) -> str:
        return self.words(Plain())

    @property
    def source(self) -> str:
        """The problem in the language of :func:`similis.derive.read`."""
        head = f"{'match' if self.matches else 'align'}({self.similarity})"
        return ", ".join([head, *map(str, self.constraints)])

    def circuit(
        self,
        size: int,
        *,
        name: str = "derived",
        tau: float = 0.5,
        step: Step | None = None,
        rates: Mapping[str, float] | None = None,
        units: int | None = None,
        decoupled: bool = False,
        init_scale: float = 1.0,
    ) -> Circuit:
        """The circuit that solves the problem online.

        Parameters
        ----------
        size : int >= 1, number of neurons
        name : str
        tau : float > 0, laterals learn at rate eta/tau
        step : Step, the learning rate
        rates : learning rates of channels relative to eta, 1 where not given
        units, decoupled, init_scale : of interneurons, see :class:`similis.circuit.Interneurons`

        Returns
        -------
        similis.circuit.Circuit

        Examples
        --------
        >>> from similis.derive import match, similarity
        >>> print(match(similarity("x", metric=1) + similarity("y", metric=1)).circuit(16))
        derived: 16 neurons, 2 channels (x, y)
        """
        interneurons = {"units": units, "decoupled": decoupled, "init_scale": init_scale}
        return circuit_of(self, size, name, tau, step or Step(), rates or {}, interneurons)

    def streams(self, data: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Rows for every channel from the raw streams: lags, sums and products are made here.

        Parameters
        ----------
        data : (T, n) array for each stream the objective names

        Returns
        -------
        dict of arrays of T - lag rows, lag the longest in the objective; a product is an :class:`similis.circuit.Outer`

        Examples
        --------
        >>> import numpy as np
        >>> from similis.derive import lagged, match, similarity
        >>> slow = match(similarity(lagged("x", 1) + "x", metric_of="x"))
        >>> {name: X[:, 0] for name, X in slow.streams({"x": np.arange(4.0)[:, None]}).items()}
        {'x_sum': array([1., 3., 5.]), 'x': array([1., 2., 3.])}
        """
        return streams_of(self.rules, data)

    def value(self, streams: Mapping[str, Any], Z: np.ndarray) -> float:
        """The objective without what no output changes, ``-<S, Z'Z> + ...``, from similarity matrices.

        Parameters
        ----------
        streams : rows of every channel, see :meth:`streams`
        Z : (T, k) outputs
        """
        return sum(rule.value(streams, Z) for rule in self.rules.all)

    def optimum(self, circuit: Circuit, streams: Mapping[str, Any], Z: np.ndarray) -> State:
        """The weights that are optimal for given outputs, in closed form.

        Parameters
        ----------
        circuit : Circuit derived from this problem
        streams : rows of every channel
        Z : (T, k) outputs
        """
        return optimum_of(self.rules, circuit, streams, Z)

    def derivation(self) -> Derivation:
        """The steps from the objective to the rules of the circuit; print it, or see its ``latex()`` and ``html()``.

        Examples
        --------
        >>> from similis.derive import match, similarity
        >>> print(str(match(similarity("x")).derivation()).splitlines()[0])
        1. The objective
        """
        from .steps import Derivation

        return Derivation(self)


def match(similarity: Expression, *constraints: Constraint) -> Problem:
    """``min_Z 1/2 |S - Z'Z|^2 / T^2``: outputs as similar to each other as S says.

    Parameters
    ----------
    similarity : Expression, a sum of similarities S
    constraints : such as `nonnegative`, `white` or `sparse(0.1)`

    Returns
    -------
    Problem

    Examples
    --------
    >>> from similis.derive import match, nonnegative, similarity, sparse
    >>> print(match(similarity("x"), nonnegative, sparse(0.1)))
    min_{Z >= 0} 1/2 |X'X - Z'Z|^2 + 0.2 <|z|_1>
    """
    return Problem(similarity, True, constraints)


def align(similarity: Expression, *constraints: Constraint) -> Problem:
    """``max_Z <S, Z'Z>``, which needs a constraint that bounds Z.

    Parameters
    ----------
    similarity : Expression, a sum of similarities S; `- 0.5 * gamma * output` adds a cost on the outputs' own
    constraints : such as `white`, `ball(1)` or `row_sums(1)`

    Returns
    -------
    Problem

    Examples
    --------
    >>> from similis.derive import align, ball, constant, similarity
    >>> print(align(similarity("x") - constant(0.3), ball(1)))
    max_Z <X'X - 0.3 11', Z'Z>, z >= 0, |z| <= 1
    """
    return Problem(similarity, False, constraints)
