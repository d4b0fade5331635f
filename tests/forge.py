"""Forged model files of every class, with right checksums: ``python -m tests.forge --n 20000 --seed 0``.

A file is refused with ModelFileError, or holds a model that works: finite answers, or an error of this library.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import hashlib
import io
import json
import re
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tests.estimators.test_persist import CASES as VARIANTS
from tests.hunt import SECONDS, hunt
from tests.laws.estimators import CASES

from similis import CriticalTemperatureRegressor, OptimalFeedbackController, load, save
from similis._errors import InputError, ModelFileError, SimilisError
from similis.cli._checkpoint import Checkpoint
from similis.cli.catalogue import show
from similis.control import double_integrator
from similis.estimators.persist import load_with_progress
from similis.superconductor import known

PLANT = double_integrator(delay=2)
FORMULAS = known()[:2]
PROGRESS = Checkpoint(64, 2, None, None, "float64", 64, 64, 123).to_dict()
#: what a number, or anything, is replaced by
VALUES: tuple[Any, ...] = (
    0, 1, -1, 2, 3, 7, 20_000, 10**9, 10**15, 2**31, 2**63, 10**30, 10**400, 0.5, 1.5, -0.5, 1e-300, 1e15, 1e308,
    float("nan"), float("inf"), -float("inf"), True, False, None, "", "x", "auto", "\x1b[31mred\x1b[0m", "1", [], {},
    [0], [[]], [1, 2, 3], {"a": 1}, "x" * 10_000, "<U500000000", "V9999", "|O", "M8[s]",
)  # fmt: skip
ENTRIES = (0.0, -1.0, 1.0, 1e-300, 1e30, 1e200, 1e308, float("nan"), float("inf"), -float("inf"))
DTYPES = ("f2", "f4", "f8", "i1", "i4", "i8", "u8", "?")

Arrays = dict[str, np.ndarray]
Rows = tuple[Any, ...]


def targets(slow: bool = True) -> dict[str, tuple[Callable[[], Any], Rows]]:
    """How to fit each model, and rows to use it with; the ``slow`` ones, too."""
    found: dict[str, tuple[Callable[[], Any], Rows]] = {
        name: (case.fitted, case.rows()) for name, case in CASES.items()
    }
    found["controller"] = (lambda: OptimalFeedbackController(n_episodes=20, random_state=0).fit(PLANT), (PLANT,))
    if not slow:
        return found
    for name, (estimator, rows) in VARIANTS.items():
        found[f"saved-{name}"] = (lambda e=estimator, r=rows: copy.deepcopy(e).fit(*r), rows)
    for kind in ("kernel", "recall", "attention", "connected", "convolutional"):
        found[f"tc-{kind}"] = (
            lambda k=kind: CriticalTemperatureRegressor({"kernel": 1, k: 1}, epochs=1, random_state=0).fit(
                FORMULAS[0][:80], FORMULAS[1][:80]
            ),
            (FORMULAS[0][:40], FORMULAS[1][:40]),
        )
    return found


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


def _of_header(header: dict[str, Any], rng: np.random.Generator) -> tuple[str, Callable[[str], str] | None]:
    found = list(places(header))
    where = found[rng.integers(len(found))]
    node = header
    for key in where[:-1]:
        node = node[key]
    key, name = where[-1], ".".join(map(str, where))
    kind = rng.choice(["value"] * 8 + ["near"] * 4 + ["drop", "rename", "swap", "duplicate", "deep", "long", "extra"])
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
        node["extra"] = VALUES[rng.integers(len(VALUES))]
    else:
        node[key] = VALUES[rng.integers(len(VALUES))]
        return f"{name}={str(node[key])[:30]!r}", None
    return f"{name} {kind}", None


def _of_arrays(header: dict[str, Any], arrays: Arrays, rng: np.random.Generator) -> str:
    name = list(arrays)[rng.integers(len(arrays))]
    a = arrays[name]
    kind = str(rng.choice(
        ["entry"] * 6 + ["all"] * 2 + ["cut"] * 4 + ["longer"] * 3 + ["swap"] * 2
        + ["transposed", "empty", "flat", "more", "type", "type", "drop", "extra", "order", "scaled"]
    ))  # fmt: skip
    if kind in ("entry", "all") and a.size:
        a = a.copy()
        value: Any = ENTRIES[rng.integers(len(ENTRIES))]
        if a.dtype.kind in "ib":
            value = int(rng.choice([0, -1, 1, 5, 2**31 - 1])) if a.dtype.kind == "i" else bool(rng.integers(2))
        with np.errstate(all="ignore"):
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
        a = a * a.dtype.type(rng.choice([-1, 0, 1e10, 1e-10]))
    arrays[name] = a
    return f"{name} {kind}"


# using what loads ----------------------------------------------------------------------------------------------------

READS = ("transform", "predict", "predict_proba", "decision_function", "predict_interval", "novelty")


def use(path: Path, model: Any, progress: Any, rows: Rows) -> None:
    """Do with a loaded model what users do.

    Raises
    ------
    AssertionError
        For answers that are not finite.
    """
    if progress is not None:
        try:
            plan = Checkpoint.read(progress, path)
        except ModelFileError:
            return
        assert isinstance(plan.due(0), bool)
        with contextlib.suppress(InputError):
            plan.check(plan.after((np.ones((2, 2)),)), "data")
    repr(model), str(getattr(model, "circuit_", None))
    said = io.StringIO()
    with contextlib.redirect_stdout(said), _allowed():
        show(str(path), as_json=False, as_latex=False, figure=None)
    strange = [c for c in said.getvalue() if not c.isprintable() and c != "\n"]
    assert not strange, f"show prints {strange[:3]}"
    look(model)
    again = path.with_name("again")
    save(model, again, force=True)
    load(again)
    if isinstance(rows[0], type(PLANT)):
        for call in (
            lambda: model.play(PLANT, n_episodes=2), lambda: model.partial_fit(PLANT, n_episodes=2).costs_[-2:],
            lambda: model.play(PLANT, n_episodes=2),
        ):  # fmt: skip
            with _allowed():
                finite("play", call())
        return
    read(model, rows)
    for n in (2, 40):
        for name in ("partial_fit", "refit"):
            if hasattr(model, name):
                with _allowed():
                    getattr(model, name)(*(row[:n] for row in rows))
        read(model, tuple(row[:40] for row in rows))
    look(model)
    with _allowed():
        save(model, again, force=True)
        load(again)


def read(model: Any, rows: Rows) -> None:
    for name in READS:
        views = rows if name == "transform" and getattr(model, "beside_x", None) == "view" else rows[:1]
        with _allowed():
            if hasattr(model, name):
                found = getattr(model, name)(*views)
                for part in found if isinstance(found, tuple) else (found,):
                    finite(name, part)
    with _allowed():
        finite("score", model.score(*rows))


def look(model: Any) -> None:
    """Every public attribute."""
    for name in dir(type(model)):
        if name.endswith("_") and not name.startswith("_"):
            with _allowed():
                value = getattr(model, name)
                if isinstance(value, np.ndarray | float):
                    finite(name, value)


def finite(name: str, value: Any) -> None:
    value = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
    if value.dtype.kind == "f":
        endless = name in ("novelty", "x_scale_", "y_scale_")  # what is like nothing, columns that never varied
        bad = np.isnan(value) if endless else ~np.isfinite(value)
        assert not bad.any(), f"{name} is not finite"


@contextlib.contextmanager
def _allowed() -> Iterator[None]:
    """Errors that are documented: the library's, and scikit-learn's for data of another width."""
    try:
        yield
    except SimilisError:
        pass
    except ValueError as error:
        if "features, but" not in str(error):
            raise
    except AttributeError as error:
        if not re.search("(is|are) for |has no attribute 'predict", str(error)):
            raise


def outcome(path: Path, rows: Rows) -> str:
    """``refused``, ``works``, or what went wrong and where."""
    before = time.process_time()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            model, progress = load_with_progress(path)
        except ModelFileError:
            return "refused"
        except BaseException as error:
            return _told(error, "load")
        try:
            use(path, model, progress, rows)
        except BaseException as error:
            return _told(error, "use")
    return "works" if time.process_time() - before < SECONDS else "slow"


def _told(error: BaseException, where: str) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "similis" in f.filename]
    last = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"{where}: {type(error).__name__}: {str(error)[:90]} [{last}]"


# many of them --------------------------------------------------------------------------------------------------------


def mutant(files: dict[str, Any], seed: int, number: int) -> tuple[str, str, bytes]:
    """The model, what was done to its file, and the file."""
    rng = np.random.default_rng([seed, number])
    name = list(files)[number % len(files)]
    done, data = forged(*parts(files[name][0]), rng)
    return name, done, data


def attack(files: dict[str, Any], seed: int, n: int, start: int = 0) -> Iterator[tuple[int, str, str, str]]:
    """Outcomes of n files."""
    return hunt(partial(mutant, files, seed), lambda path: outcome(path, files[path.name][1]), n, start)


def saved(folder: Path, only: str = "", *, slow: bool = True) -> dict[str, tuple[Path, Rows]]:
    """A file of each model, and the rows to use it with."""
    files = {}
    for i, (name, (fit, rows)) in enumerate(targets(slow).items()):
        if only in name:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                save(fit(), folder / name, progress=PROGRESS if i % 3 == 0 else None)
            files[name] = (folder / name, rows)
    return files


def main() -> int:
    """Attack, print what went wrong by kind, and return 1 if anything did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="number of the first file")
    parser.add_argument("--only", default="", help="models whose name holds this")
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        files = saved(Path(folder), args.only)
        for name, (path, rows) in files.items():
            if (plain := outcome(path, rows)) != "works":
                print(f"{name} as saved: {plain}", flush=True)
                counts["failed"] += 1
        for number, name, done, said in attack(files, args.seed, args.n, args.start):
            kind = said if said in ("refused", "works") else "failed"
            counts[kind] += 1
            if kind == "failed":
                print(f"{number} {name}: {done}: {said}", flush=True)
    print(f"{args.n} files, seed {args.seed}: {dict(counts)}")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
