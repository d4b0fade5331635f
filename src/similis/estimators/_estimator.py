"""What holds for every estimator: calls that fail change nothing, parameters belong to the fit, answers are finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import cache, wraps
from inspect import getattr_static, isfunction
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import validation

from .._errors import DivergenceError, InputError
from .._values import Kinds
from ._params import check_kinds

#: methods that learn
LEARNING = ("fit", "partial_fit", "refit")
#: and methods that answer
PREDICTING = ("predict", "predict_proba", "predict_log_proba", "predict_interval", "decision_function")
ANSWERING = ("transform", *PREDICTING, "score")


class Estimator(BaseEstimator):
    """Base of all estimators; methods that learn are complete or have changed nothing, those that answer are finite.

    An answer that the numbers of its type do not hold is an InputError.

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
        for name in ANSWERING:
            method = getattr_static(cls, name, None)
            if isfunction(method) and not hasattr(method, "answers"):
                setattr(cls, name, _answering(method))
            elif isfunction(conditional := getattr(method, "fn", None)) and not hasattr(conditional, "answers"):
                method.fn = _answering(conditional)  # of sklearn's available_if

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
        with unchanged_on_error(self), numbers(self, method.__name__):
            if anew:
                self.__dict__.pop("_learned_with", None)
            result = method(self, *args, **words)
            if anew or not hasattr(self, "_learned_with"):
                self._keep_params()
        return result

    return guarded


def _answering(method: Callable) -> Callable:
    """A method whose answers are finite numbers, or labels."""

    @wraps(method)
    def answered(self: Estimator, X: Any, *args: Any, **words: Any) -> Any:
        with numbers(self, method.__name__), np.errstate(over="ignore", invalid="ignore"):
            answer = method(self, X, *args, **words)
        for part in answer if isinstance(answer, tuple) else (answer,):
            values = np.asarray(part.data if issparse(part) else part)
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                if method.__name__ == "score" and validation._num_samples(X) < 2:  # the R2 of one row
                    continue
                raise beyond(self, method.__name__, InputError)
        return answer

    answered.answers = True  # type: ignore[attr-defined]
    return answered


@contextmanager
def numbers(estimator: Estimator, what: str) -> Iterator[None]:
    """What linear algebra says of matrices that are no numbers, or have no inverse, in the words of this library."""
    try:
        yield
    except (np.linalg.LinAlgError, ValueError) as error:
        if isinstance(error, np.linalg.LinAlgError) or "must not contain infs or NaNs" in str(error):
            raise beyond(estimator, what, DivergenceError) from error
        raise


def beyond(estimator: Estimator, what: str, kind: type[Exception]) -> Exception:
    """The error where something of an estimator is no number."""
    return kind(
        f"{what} of this {type(estimator).__name__} is beyond the numbers of its type: X, or what was "
        "learned, is too large. Give X in float64, or rows nearer to those that were learned"
    )


@cache
def _bound(kind: type[Estimator]) -> tuple[str, ...]:
    return tuple(name for name in kind._get_param_names() if name not in kind._free)


def _same(a: Any, b: Any) -> bool:
    """Whether two values of a parameter mean the same."""
    if isinstance(a, list | tuple | np.ndarray) and isinstance(b, list | tuple | np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b)
