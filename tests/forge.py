"""Forged files of every class, with right checksums: ``python -m tests.forge --n 20000 --seed 0``.

A file is refused with ModelFileError, or holds a model that works: finite answers, or an error of this library. The
same holds of the checkpoints of a training of layers, and of a fit that was not finished.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import re
import shutil
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from tests import checkpoints
from tests.estimators.test_persist import CASES as VARIANTS
from tests.hunt import SECONDS, hunt
from tests.laws.estimators import CASES
from tests.mutations import forged, parts

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
Rows = tuple[Any, ...]


@dataclass(frozen=True)
class Target:
    """How a file is written, read, and what is done with what it holds."""

    write: Callable[[Path], None]
    read: Callable[[Path], Any]
    use: Callable[[Path, Any], None]


def targets(slow: bool = True) -> dict[str, Target]:
    """Files by name; the ``slow`` ones, too."""
    models: dict[str, tuple[Callable[[], Any], Rows]] = {
        name: (case.fitted, case.rows(slice(40))) for name, case in CASES.items()
    }
    models["controller"] = (lambda: OptimalFeedbackController(n_episodes=20, random_state=0).fit(PLANT), (PLANT,))
    if slow:
        for name, (estimator, rows) in VARIANTS.items():
            models[f"saved-{name}"] = (lambda e=estimator, r=rows: copy.deepcopy(e).fit(*r), rows)
        for kind in ("kernel", "recall", "attention", "connected", "convolutional"):
            models[f"tc-{kind}"] = (
                lambda k=kind: CriticalTemperatureRegressor({"kernel": 1, k: 1}, epochs=1, random_state=0).fit(
                    FORMULAS[0][:30], FORMULAS[1][:30]
                ),
                (FORMULAS[0][:10], FORMULAS[1][:10]),
            )
    found = {}
    for i, (name, (fit, rows)) in enumerate(models.items()):
        write = partial(_save, fit, PROGRESS if i % 3 == 0 else None)
        found[name] = Target(write, load_with_progress, partial(use, rows))
    return found | {name: Target(*done) for name, done in checkpoints.targets(finite, allowed).items()}


def _save(fit: Callable[[], Any], progress: dict[str, Any] | None, path: Path) -> None:
    save(fit(), path, progress=progress)


# using what loads ----------------------------------------------------------------------------------------------------

READS = ("transform", "predict", "predict_proba", "decision_function", "predict_interval", "novelty")
#: what may be infinite: of what is like nothing, of columns that never varied; what is nan where nothing was chosen
ENDLESS, OPEN = ("novelty", "x_scale_", "y_scale_"), ("log_likelihood_", "slowness_")


def use(rows: Rows, path: Path, loaded: tuple[Any, Any]) -> None:
    """Do with a loaded model what users do.

    Raises
    ------
    AssertionError
        For answers that are not finite.
    """
    model, progress = loaded
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
    with contextlib.redirect_stdout(said), allowed():
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
            with allowed():
                finite("play", call())
        return
    read(model, rows)
    for n in (2, 40):
        for name in ("partial_fit", "refit"):
            if hasattr(model, name):
                with allowed():
                    getattr(model, name)(*(row[:n] for row in rows))
    read(model, tuple(row[:40] for row in rows))
    look(model)
    with allowed():
        save(model, again, force=True)
        load(again)


def read(model: Any, rows: Rows) -> None:
    for name in READS:
        views = rows if name == "transform" and getattr(model, "beside_x", None) == "view" else rows[:1]
        with allowed():
            if hasattr(model, name):
                found = getattr(model, name)(*views)
                for part in found if isinstance(found, tuple) else (found,):
                    finite(name, part)
    with allowed():
        finite("score", model.score(*rows))


def look(model: Any) -> None:
    """Every public attribute."""
    for name in {*dir(type(model)), *vars(model)}:
        if name.endswith("_") and not name.startswith("_"):
            with allowed():
                value = getattr(model, name)
                if isinstance(value, np.ndarray | float):
                    finite(name, value)


def finite(name: str, value: Any) -> None:
    value = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
    if value.dtype.kind == "f":
        bad = np.isnan(value) if name in ENDLESS else np.isinf(value) if name in OPEN else ~np.isfinite(value)
        assert not bad.any(), f"{name} is not finite"


@contextlib.contextmanager
def allowed() -> Iterator[None]:
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


def outcome(path: Path, target: Target) -> str:
    """``refused``, ``works``, or what went wrong and where."""
    before = time.process_time()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            found = target.read(path)
        except ModelFileError:
            return "refused"
        except BaseException as error:
            return _told(error, "load")
        try:
            target.use(path, found)
        except BaseException as error:
            return _told(error, "use")
    return "works" if time.process_time() - before < SECONDS else "slow"


def _told(error: BaseException, where: str) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "similis" in f.filename]
    last = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"{where}: {type(error).__name__}: {str(error)[:90]} [{last}]"


# many of them --------------------------------------------------------------------------------------------------------


_parts = cache(parts)


def mutant(files: dict[str, tuple[Path, Target]], seed: int, number: int) -> tuple[str, str, bytes]:
    """The name of a file, what was done to it, and what it holds now."""
    rng = np.random.default_rng([seed, number])
    name = list(files)[number % len(files)]
    done, data = forged(*_parts(files[name][0]), rng)
    return name, done, data


def attack(
    files: dict[str, tuple[Path, Target]], seed: int, n: int, start: int = 0
) -> Iterator[tuple[int, str, str, str]]:
    """Outcomes of n files."""
    return hunt(partial(mutant, files, seed), lambda path: outcome(path, files[path.name][1]), n, start)


def saved(folder: Path, only: str = "", *, slow: bool = True) -> dict[str, tuple[Path, Target]]:
    """A file of each target."""
    files = {}
    for name, target in targets(slow).items():
        if only in name:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                target.write(folder / name)
            files[name] = (folder / name, target)
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
        for name, (path, target) in files.items():
            again = shutil.copyfile(path, path.with_name("as-saved"))  # a fit that is done removes its checkpoint
            if (plain := outcome(again, target)) != "works":
                print(f"{name} as saved: {plain}", flush=True)
                counts["failed"] += 1
        for number, name, done, said in attack(files, args.seed, args.n, args.start):
            kind = said if said in ("refused", "works") else "failed"
            counts[kind] += 1
            if counts.total() % 1_000 == 0:
                print(f"{counts.total()} files, the last of them {number}: {dict(counts)}", flush=True)
            if kind == "failed":
                print(f"{number} {name}: {done}: {said}", flush=True)
    print(f"{args.n} files, seed {args.seed}: {dict(counts)}")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
