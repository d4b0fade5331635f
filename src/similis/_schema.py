"""What a model file may hold: every part is asked for by name, kind, shape and range, and nothing else may be there."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from ._errors import ModelFileError

#: what an estimator packs: arrays, and a header that describes them
Packed = tuple[dict[str, np.ndarray], dict[str, Any]]
#: the largest count: floats hold it exactly
MOST = 2**53
#: types of a model's numbers
FLOATS = (np.float32, np.float64)
#: bytes of one label
WIDEST = 1 << 16


class Stored:
    """Arrays and header of a file, handed out part by part, each only if it is what it should be.

    A size that is asked for by a name is the same number throughout the file, and ``dtype`` that of all arrays that
    share the model's. Nothing is allocated that the file does not hold.

    Parameters
    ----------
    arrays : of the file
    meta : the part of its header that describes them
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], meta: Any) -> None:
        if not isinstance(meta, dict):
            raise _refused("the header", meta, "names and values")
        self._arrays, self._meta, self._parts = dict(arrays), dict(meta), list[Stored]()
        self.sizes: dict[str, int] = {}
        self.dtype: np.dtype | None = None

    def array(
        self, name: str, *shape: int | str, dtype: Any = None, low: float = -np.inf, missing: bool = False,
        largest: float | None = None,
    ) -> np.ndarray:  # fmt: skip
        """The array of that name.

        Parameters
        ----------
        shape : its sizes, numbers or names
        dtype : a type, several of them, or None for the model's, float32 or float64
        low : the least number in it
        missing : whether it may hold NaN
        largest : the largest size of a number in it; None is what can still be squared. No number is infinite
        """
        found = self._arrays.pop(name, None)
        if found is None:
            raise _refused(name, None, "an array")
        types = dtype if isinstance(dtype, tuple) else FLOATS if dtype is None else (dtype,)
        if found.dtype not in types or (dtype is None and self.dtype not in (None, found.dtype)):
            raise _refused(name, found.dtype, " or ".join(str(np.dtype(t)) for t in types))
        self.dtype = found.dtype if dtype is None else self.dtype
        if found.ndim != len(shape) or not all(map(self._fits, shape, found.shape)):
            wanted = ", ".join(f"{s}={self.sizes[s]}" if s in self.sizes else str(s) for s in shape)
            raise _refused(name, f"of shape {found.shape}", f"({wanted})")
        if found.dtype.kind == "f" and found.size:
            ceiling = float(np.finfo(found.dtype).max)
            limit = float(np.sqrt(ceiling)) if largest is None else min(largest, ceiling)
            least, most = (np.fmin, np.fmax) if missing else (np.minimum, np.maximum)
            ends = float(least.reduce(found, axis=None)), float(most.reduce(found, axis=None))
            if not ((missing and ends[0] != ends[0]) or (max(low, -limit) <= ends[0] and ends[1] <= limit)):
                raise _refused(name, f"from {ends[0]:.3g} to {ends[1]:.3g}", f"numbers from {max(low, -limit):.3g} on")
        elif found.dtype.kind == "i" and found.size and found.min() < low:
            raise _refused(name, f"from {found.min()} on", f"integers >= {low:g}")
        return found

    def moments(self, name: str, d: int, low: float = -np.inf) -> np.ndarray:
        """A (d, d) array of second moments: none on the diagonal is below 0, and floats hold its eigenvalues."""
        found = self.array(name, d, d, dtype=np.float64, low=low, largest=float(np.finfo(float).max) / max(d, 1) ** 2)
        if not (found.diagonal() >= 0).all():
            raise _refused(name, "negative on its diagonal", "second moments")
        return found

    def _fits(self, wanted: int | str, size: int) -> bool:
        return size == (self.sizes.setdefault(wanted, size) if isinstance(wanted, str) else wanted)

    def arrays(self) -> list[str]:
        """Names of the arrays that nobody has asked for yet."""
        return list(self._arrays)

    def shape(self, name: str) -> tuple[int, ...]:
        """Of the array of that name; () if there is none."""
        return self._arrays[name].shape if name in self._arrays else ()

    def names(self) -> list[str]:
        """Of the parts of the header that nobody has asked for yet."""
        return list(self._meta)

    def has(self, name: str) -> bool:
        """Whether there is an array, or a part of the header, of that name."""
        return name in self._arrays or name in self._meta

    def integer(self, name: str, low: int = 0, high: int = MOST) -> int:
        value = self._take(name)
        if type(value) is not int or not low <= value <= high:
            raise _refused(name, value, f"an integer from {low} to {high}")
        return value

    def number(
        self, name: str, low: float = -np.inf, *, above: float = -np.inf, high: float = np.inf, finite: bool = True
    ) -> float:
        """A number from ``low`` to ``high``, more than ``above``; if not ``finite``, or infinite, or NaN."""
        value = self._take(name)
        if not _is_number(value, low, finite) or value <= above or value > high:
            raise _refused(name, value, f"a number >= {low:g}" if above == -np.inf else f"a number > {above:g}")
        return value

    def flag(self, name: str) -> bool:
        value = self._take(name)
        if type(value) is not bool:
            raise _refused(name, value, "true or false")
        return value

    def text(self, name: str, *among: str) -> str:
        """A text, one of these if any are given."""
        value = self._take(name)
        if not isinstance(value, str) or (among and value not in among):
            raise _refused(name, value, f"one of {', '.join(among)}" if among else "a text")
        return value

    def empty(self, name: str) -> bool:
        """Whether a part of the header is there and None; it is taken then."""
        return self._meta.get(name, "") is None and self._take(name) is None

    def numbers(self, name: str, *lengths: int, low: float = -np.inf, finite: bool = True) -> list[float]:
        """A list of numbers, of one of the lengths if any is given."""
        value = self._take(name)
        fits = isinstance(value, list) and (not lengths or len(value) in lengths)
        if not fits or not all(_is_number(number, low, finite) for number in value):
            raise _refused(name, value, f"numbers{' >= 0' * (low == 0)}, {' or '.join(map(str, lengths)) or 'any'}")
        return value

    def texts(self, name: str, length: int | None = None) -> list[str]:
        """A list of texts."""
        value = self._take(name)
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise _refused(name, value, "texts")
        if length is not None and len(value) != length:
            raise _refused(name, f"{len(value)} texts", f"{length}")
        return value

    def series(self, name: str, *, finite: bool = True) -> dict[str, list[float]]:
        """Lists of numbers by name, all of one length."""
        part = self.part(name)
        found = {key: part.numbers(key, finite=finite) for key in part.names()}
        if len({len(values) for values in found.values()}) > 1:
            raise _refused(name, "lists of several lengths", "one length")
        return found

    def records(self, name: str) -> dict[str, list[float]]:
        """What :func:`pack_records` made arrays of."""
        size = f"{name} records"
        return {
            key: self.array(f"{name}.{key}", size, dtype=(np.int64, np.float64), largest=np.inf).tolist()
            for key in self.texts(name)
        }

    def labels(self, name: str, *, ordered: bool = True) -> np.ndarray:
        """Labels as ``pack_classes`` writes them; with ``ordered`` each once, in order."""
        part = self.part(name)
        dtype, values = part._take("dtype"), part._take("values")
        kinds = ("<i8", "<i4", "<i2", "|i1", "<u8", "<u4", "<u2", "|u1", "<f8", "<f4", "|b1", "|O", "U", "S")
        if dtype not in kinds or not isinstance(values, list) or not all(type(v) in _SCALARS for v in values):
            raise _refused(name, dtype, "a column of labels")
        longest = max((len(value) for value in values if isinstance(value, str)), default=0)
        if 4 * longest * len(values) > WIDEST + 64 * sum(len(str(value)) for value in values):
            raise _refused(name, f"text of {longest} characters", "texts of like lengths")
        found = np.array(values, np.dtype(dtype))
        told = found.astype(str).tolist() if dtype == "S" else found.tolist()
        if found.ndim != 1 or told != values or list(map(type, told)) != list(map(type, values)):
            raise _refused(name, values, f"labels of type {dtype}")
        if ordered and not all(a < b for a, b in pairwise(values)):
            raise _refused(name, values, "each label once, in order")
        return found

    def plain(self, name: str) -> Any:
        """A part of the header, whatever it is: the caller compares it."""
        return self._take(name)

    def part(self, name: str) -> Stored:
        """A part of the header that has parts itself."""
        self._parts.append(Stored({}, self._take(name)))
        return self._parts[-1]

    def done(self) -> None:
        """Refuse what nobody has asked for."""
        for left in (self._arrays, self._meta):
            if left:
                raise _refused(f"{next(iter(left))!r:.60}", "there", "nothing of that name")
        for part in self._parts:
            part.done()

    def _take(self, name: str) -> Any:
        if name not in self._meta:
            raise _refused(name, None, "it in the header")
        return self._meta.pop(name)


def pack_records(name: str, records: Mapping[str, list[float]]) -> Packed:
    """Lists of numbers, of one length however long, as arrays, and their names as a part of the header."""
    return {f"{name}.{key}": np.asarray(values) for key, values in records.items()}, {name: list(records)}


_SCALARS = (str, int, float, bool)


def _is_number(value: Any, low: float, finite: bool) -> bool:
    """Whether a value of a header is a number of at least ``low`` that a float can hold."""
    if type(value) is int:
        return low <= value and abs(value) <= MOST
    held = type(value) is float and low <= value and (abs(value) < np.inf or not finite)
    return held or (type(value) is float and not finite and value != value)


def _refused(name: str, found: Any, expected: str) -> ModelFileError:
    said = "missing" if found is None else f"{found if isinstance(found, str | np.dtype) else repr(found)}"[:80]
    return ModelFileError(f"{name} is {said}; expected {expected}")
