"""What forged files are made of: a file taken apart, changed in one place or two, and joined with right checksums."""

from __future__ import annotations

import copy
import hashlib
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

#: what a number, or anything, is replaced by
VALUES: tuple[Any, ...] = (
    0, 1, -1, 2, 3, 7, 20_000, 10**9, 10**15, 2**31, 2**63, 10**30, 10**400, 0.5, 1.5, -0.5, 1e-300, 1e15, 1e308,
    float("nan"), float("inf"), -float("inf"), True, False, None, "", "x", "auto", "\x1b[31mred\x1b[0m", "1", [], {},
    [0], [[]], [1, 2, 3], {"a": 1}, "x" * 10_000, "<U500000000", "V9999", "|O", "M8[s]",
)  # fmt: skip
ENTRIES = (0.0, -1.0, 1.0, 1e-300, 1e30, 1e200, 1e308, float("nan"), float("inf"), -float("inf"))
DTYPES = ("f2", "f4", "f8", "i1", "i4", "i8", "u8", "?")
#: what is done to a header and to an array, and how often; what takes long is rare
OF_HEADER = {
    "value": 160, "near": 80, "drop": 20, "rename": 20, "swap": 20, "duplicate": 20, "extra": 20, "deep": 4, "long": 1,
}  # fmt: skip
OF_ARRAYS = {
    "entry": 6, "all": 2, "cut": 4, "longer": 3, "swap": 2, "type": 2, "scaled": 4, "transposed": 1, "empty": 1,
    "flat": 1, "more": 1, "drop": 1, "extra": 1, "order": 1,
}  # fmt: skip
#: what arrays are multiplied by
FACTORS = (-1.0, 0.0, 1e-300, 1e-30, 1e-10, 1e10, 1e15, 1e18, 1e30, 1e100, 1e150)

Arrays = dict[str, np.ndarray]


def parts(path: Path) -> tuple[dict[str, Any], Arrays]:
    """Header and arrays of a file, taken apart without the library."""
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    outer = json.loads(raw[8:start])
    header, arrays = json.loads(outer.pop("__metadata__")["similis"]), {}
    for key, entry in outer.items():
        dtype = {"F64": "f8", "F32": "f4", "I64": "i8", "BOOL": "?", "I32": "i4"}[entry["dtype"]]
        at = slice(*(start + place for place in entry["data_offsets"]))
        flat = np.frombuffer(raw[at], dtype).reshape(entry["shape"])
        arrays[key] = flat.T if key in header["fortran"] else flat
    return header, arrays


def joined(header: dict[str, Any], arrays: Arrays, rewrite: Callable[[str], str] = lambda text: text) -> bytes:
    """A file with these parts whose checksums are right."""
    fortran = header.get("fortran")
    turned = {k: a.T if isinstance(fortran, list) and k in fortran else a for k, a in arrays.items()}
    sums = {k: hashlib.sha256(f"{a.dtype.str}{a.shape}".encode() + a.tobytes()).hexdigest() for k, a in arrays.items()}
    if isinstance(header.get("sha256"), dict):
        header = header | {"sha256": sums}
    text = rewrite(json.dumps(header))
    names = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i1": "I8", "u8": "U64", "b1": "BOOL"}
    outer: dict[str, Any] = {"__metadata__": {"similis": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}}
    data, place = [], 0
    for key, array in sorted(turned.items(), key=lambda item: (-item[1].itemsize, item[0])):
        piece = np.ascontiguousarray(array).tobytes()
        outer[key] = {
            "dtype": names[array.dtype.str[1:]], "shape": list(array.shape),
            "data_offsets": [place, place + len(piece)],
        }  # fmt: skip
        data.append(piece)
        place += len(piece)
    head = json.dumps(outer).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + b"".join(data)


def places(node: Any, path: tuple = ()) -> Iterator[tuple]:
    """Every place of a JSON value; of long lists a few."""
    items = node.items() if isinstance(node, dict) else enumerate(node[:3]) if isinstance(node, list) else ()
    for key, value in items:
        if path or key != "sha256":
            yield (*path, key)
            yield from places(value, (*path, key))


def forged(header: dict[str, Any], arrays: Arrays, rng: np.random.Generator) -> tuple[str, bytes]:
    """What was done, and the file."""
    header, arrays, said = copy.deepcopy(header), dict(arrays), []
    rewrite: Callable[[str], str] = lambda text: text  # noqa: E731
    for _ in range(1 if rng.random() < 0.8 else 2):
        if rng.random() < 0.55 or not arrays:
            done, again = _of_header(header, rng)
            rewrite = again or rewrite
        else:
            done = _of_arrays(header, arrays, rng)
        said.append(done)
    return "; ".join(said), joined(header, arrays, rewrite)


def _drawn(kinds: dict[str, int], rng: np.random.Generator) -> str:
    """One of the kinds, each as often as it says."""
    counts = np.cumsum(list(kinds.values()))
    return list(kinds)[int(np.searchsorted(counts, rng.integers(counts[-1]), side="right"))]


def _of_header(header: dict[str, Any], rng: np.random.Generator) -> tuple[str, Callable[[str], str] | None]:
    found = list(places(header))
    where = found[rng.integers(len(found))]
    node = header
    for key in where[:-1]:
        node = node[key]
    key, name = where[-1], ".".join(map(str, where))
    kind = _drawn(OF_HEADER, rng)
    if kind == "near" and isinstance(node[key], int | float) and not isinstance(node[key], bool):
        node[key] = node[key] * rng.choice([-1, 0.1, 2, 10, 1e6]) + rng.choice([0, 1, -1])
        node[key] = type(node[key])(node[key])
        if rng.random() < 0.5 and abs(node[key]) < 1e18:
            node[key] = int(node[key])
        return f"{name}={node[key]!r}", None
    if kind == "drop":
        del node[key]
    elif kind == "rename" and isinstance(node, dict):
        node[f"{key}x"] = node.pop(key)
    elif kind == "swap":
        other = found[rng.integers(len(found))]
        source = header
        for step in other:
            source = source[step]
        node[key] = copy.deepcopy(source)
    elif kind == "duplicate" and isinstance(node, dict):
        value = json.dumps(VALUES[rng.integers(len(VALUES))])
        return f"{name} twice, {value[:30]}", lambda text: text.replace(f'"{key}": ', f'"{key}": {value}, "{key}": ', 1)
    elif kind == "deep":
        depth = int(rng.choice([50, 900, 5000, 100_000]))
        node[key] = "DEEP"
        return f"{name} {depth} deep", lambda text: text.replace('"DEEP"', "[" * depth + "]" * depth, 1)
    elif kind == "long":
        node[key] = (rng.choice([0, 1]) and [[]] * 1_000_000) or [0.5] * 1_000_000
    elif kind == "extra" and isinstance(node, dict):
        node["extra"] = copy.deepcopy(VALUES[rng.integers(len(VALUES))])
    else:
        node[key] = copy.deepcopy(VALUES[rng.integers(len(VALUES))])
        return f"{name}={str(node[key])[:30]!r}", None
    return f"{name} {kind}", None


def _of_arrays(header: dict[str, Any], arrays: Arrays, rng: np.random.Generator) -> str:
    name = list(arrays)[rng.integers(len(arrays))]
    a = arrays[name]
    kind = _drawn(OF_ARRAYS, rng)
    if kind in ("entry", "all") and a.size:
        a = a.copy()
        value: Any = ENTRIES[rng.integers(len(ENTRIES))]
        if a.dtype.kind != "f":
            value = int(rng.choice([0, -1, 1, 5, 2**31 - 1]))
        with np.errstate(all="ignore"):
            value = np.asarray(value).astype(a.dtype)
            if kind == "all":
                a[...] = value
            else:
                a.flat[rng.integers(a.size)] = value
        kind = f"{kind} {value}"
    elif kind in ("cut", "longer") and a.ndim:
        axis = int(rng.integers(a.ndim))
        size = int(rng.choice([0, 1, a.shape[axis] - 1])) if kind == "cut" else a.shape[axis] + int(rng.choice([1, 50]))
        order = np.arange(max(size, 0)) % max(1, a.shape[axis])
        a = np.take(a, order, axis) if a.shape[axis] else a
        kind = f"{kind} to {a.shape}"
    elif kind == "swap":
        other = list(arrays)[rng.integers(len(arrays))]
        a, arrays[other] = arrays[other], a
        kind += f" {other}"
    elif kind == "transposed":
        a = a.T
    elif kind == "empty":
        a = np.zeros((0,) * int(rng.integers(4)), a.dtype)
    elif kind == "flat":
        a = a.ravel()
    elif kind == "more":
        a = a[None]
    elif kind == "type":
        dtype = rng.choice(DTYPES)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            a = a.astype(dtype)
        kind += f" {dtype}"
    elif kind == "drop":
        del arrays[name]
        return f"{name} {kind}"
    elif kind == "extra":
        arrays["extra" if rng.random() < 0.5 else f"{name}2"] = a
    elif kind == "order" and isinstance(header.get("fortran"), list):
        header["fortran"].append(name)
    elif kind == "scaled" and a.dtype.kind == "f":
        factor = rng.choice(FACTORS)
        with np.errstate(all="ignore"):
            a = a * a.dtype.type(factor)
        kind += f" by {factor:g}"
    arrays[name] = a
    return f"{name} {kind}"
