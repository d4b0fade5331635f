"""Parameters of estimators: what each may be, held to in ``fit``, in model files and on the command line alike."""

from __future__ import annotations

from functools import cache
from inspect import signature
from typing import Any

from .._values import FLAG, NONNEGATIVE, NOTHING, POSITIVE, SEED, Kinds, OneOf, Whole, check

#: parameters that mean the same in every estimator that has them; ``_allowed`` of a class is for its own
SHARED: dict[str, Kinds] = {
    "n_components": (Whole(1),),
    "center": (FLAG,),
    "scale": (OneOf(("auto",)), NOTHING),
    "eta0": (POSITIVE,),
    "decay": (NONNEGATIVE,),
    "floor": (NONNEGATIVE,),
    "tau": (POSITIVE,),
    "ridge": (NONNEGATIVE,),
    "average": (FLAG,),
    "n_epochs": (Whole(1), OneOf(("auto",))),
    "shuffle": (FLAG,),
    "trace_every": (Whole(1), NOTHING),
    "random_state": (SEED, NOTHING),
}


#: samples that ``n_epochs="auto"`` learns at least, and passes that it takes at most
SAMPLES, PASSES = 3000, 100


def passes(n_epochs: int | str, n_rows: int) -> int:
    """Passes over a table: as asked, or with "auto" as many as make SAMPLES samples."""
    return max(1, min(PASSES, -(-SAMPLES // max(n_rows, 1)))) if n_epochs == "auto" else int(n_epochs)


@cache
def allowed(kind: Any) -> dict[str, Kinds]:
    """What each parameter of an estimator's class may be."""
    own = {name: kinds for base in reversed(kind.__mro__) for name, kinds in vars(base).get("_allowed", {}).items()}
    return {name: (SHARED | own)[name] for name in signature(kind).parameters}


def check_kinds(estimator: Any) -> None:
    """Refuse parameters that are not what they may be.

    Raises
    ------
    InputError
        For the first of them.
    """
    for name, kinds in allowed(type(estimator)).items():  # type: ignore[arg-type]
        check(name, getattr(estimator, name), kinds)
