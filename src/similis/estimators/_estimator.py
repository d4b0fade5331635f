"""What holds for every estimator: a call that fails changes nothing, and parameters belong to the fit they were of."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache, wraps
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import validation

from .._errors import InputError
from .._values import Kinds
from ._params import check_kinds

#: methods that learn
LEARNING = ("fit", "partial_fit", "refit")


class Estimator(BaseEstimator):
    """Base of all estimators; methods that learn are complete or have changed nothing.

    A parameter changed after a fit is honoured from the next call on if the class names it in ``_free``. Any other
    shaped what was learned: the next call that learns on or reads refuses it.
    """

    #: parameters that may change after a fit
    _free: ClassVar[frozenset[str]] = frozenset({"n_epochs", "shuffle", "trace_every", "random_state"})

    #: what each parameter may be that is not among :data:`similis.estimators._params.SHARED`
    _allowed: ClassVar[dict[str, Kinds]] = {}

    def __init_subclass__(cls, **words: Any) -> None:
        super().__init_subclass__(**words)
        for name in LEARNING:
            if name in vars(cls):
                setattr(cls, name, _learning(vars(cls)[name]))

    def _keep_params(self) -> None:
        """Remember the parameters that what is learned now depends on."""
        self._learned_with = {name: copy(getattr(self, name)) for name in _bound(type(self))}  # type: ignore[arg-type]

    def _check_params(self) -> None:
        """Refuse parameters that are not what they may be, and those that changed since the fit."""
        check_kinds(self)
        for name, value in getattr(self, "_learned_with", {}).items():
            now = getattr(self, name)
            if now is not value and not _same(now, value):
                raise InputError(
                    f"{name}={now!r}, but this {type(self).__name__} was fitted with {name}={value!r}. Fit again, or "
                    f"set {name} back"
                )


def check_is_fitted(estimator: Any) -> None:
    """:func:`sklearn.utils.validation.check_is_fitted`; the parameters must be those of the fit."""
    estimator._check_params()
    validation.check_is_fitted(estimator)


class unchanged_on_error:
    """Give the estimator its attributes back if the block fails; arrays are replaced, never written into."""

    def __init__(self, estimator: BaseEstimator) -> None:
        self.estimator, self.before = estimator, dict(vars(estimator))
        rng = getattr(estimator, "random_state", None)
        self.drawn: Any = rng.bit_generator.state if isinstance(rng, np.random.Generator) else None

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None:
            vars(self.estimator).clear()
            vars(self.estimator).update(self.before)
            if self.drawn is not None:
                self.estimator.random_state.bit_generator.state = self.drawn


def _learning(method: Callable) -> Callable:
    """A method that learns completely, or fails and changes nothing."""
    anew = method.__name__ == "fit"

    @wraps(method)
    def guarded(self: Estimator, *args: Any, **words: Any) -> Any:
        if anew:
            check_kinds(self)
        else:
            self._check_params()
        with unchanged_on_error(self):
            if anew:
                self.__dict__.pop("_learned_with", None)
            result = method(self, *args, **words)
            if anew or not hasattr(self, "_learned_with"):
                self._keep_params()
        return result

    return guarded


@cache
def _bound(kind: type[Estimator]) -> tuple[str, ...]:
    return tuple(name for name in kind._get_param_names() if name not in kind._free)


def _same(a: Any, b: Any) -> bool:
    """Whether two values of a parameter mean the same."""
    if isinstance(a, list | tuple | np.ndarray) and isinstance(b, list | tuple | np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b)
