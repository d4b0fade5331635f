"""The numerical tests and the claims of ``make demo`` as other processors would run them (``make test-portable``).

OpenBLAS, NumPy, numba and PyTorch choose their instructions, and with them an order of summation, by the processor.
Each machine below is this one with other choices. A failure on any of them is a failure; so is a bound that stands by
a hair: what is left of it is less than twice what it changes from machine to machine. ``make fuzz`` runs the same tests
on kernels that look where they read and write.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NUMERICAL = [
    *(f"tests/{room}" for room in ("laws", "engine", "networks", "memory", "nomad", "control", "nn", "estimators")),
    *("tests/datasets", "tests/superconductor", "tests/test_metrics.py", "tests/test_motion_metrics.py"),
]
#: the machine that checks every index of a compiled loop
BOUNDS = "bounds checked"
#: what must be left of a bound, in units of its spread over machines
SPREADS = 2.0


def machines() -> dict[str, dict[str, str]]:
    """Environment variables by the name of a machine."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    wide = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]
    no_avx512 = [name for name in wide if "V4" in name or "AVX512" in name]
    one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    two = {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}

    def numpy_without(names: list[str]) -> dict[str, str]:
        return {"NPY_DISABLE_CPU_FEATURES": " ".join(names)} if names else {}

    oldest = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "ATEN_CPU_CAPABILITY": "default"}
    found = {
        "as it is": one,
        "oldest": {"OPENBLAS_CORETYPE": "Prescott", **numpy_without(wide), **oldest, **one},
        "Haswell": {"OPENBLAS_CORETYPE": "Haswell", **numpy_without(no_avx512), **two},
        "Zen": {"OPENBLAS_CORETYPE": "Zen", "ATEN_CPU_CAPABILITY": "avx2", **two},
        "busy": two,
        BOUNDS: {"NUMBA_BOUNDSCHECK": "1", **one},
    }
    if "AVX512_SKX" in wide or "X86_V4" in wide:
        found["SkylakeX"] = {"OPENBLAS_CORETYPE": "SkylakeX", **one}
    return found


@contextmanager
def _busy(wanted: bool) -> Iterator[None]:
    """Both cores taken by other work."""
    spin = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(spin) for _ in range(os.cpu_count() or 1)] if wanted else []
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def _tests(paths: list[str], workers: str, out: Path, env: dict[str, str]) -> tuple[bool, dict[str, float]]:
    """Whether all pass, and what is left of each bound."""
    kept = {"PYTHONPYCACHEPREFIX": str(out.parent / "bytecode"), "NUMBA_CACHE_DIR": str(out.parent / "kernels")}
    env = env | kept | {"MPLBACKEND": "Agg"}
    options = ["-q", "-n", workers, "-p", "tests.margins", "--margins", str(out)]
    options += ["-o", "enable_assertion_pass_hook=true", "-p", "no:cacheprovider"]
    done = subprocess.run([sys.executable, "-m", "pytest", *options, *paths], cwd=ROOT, env=os.environ | env)
    left: dict[str, float] = {}
    for file in out.parent.glob(f"{out.name}*.json"):
        left |= json.loads(file.read_text())
    return done.returncode == 0, left


def _claims(out: Path, env: dict[str, str]) -> tuple[bool, dict[str, float]]:
    """The same for the claims of the demo."""
    command = [sys.executable, "-m", "similis", "reproduce", "all", "--budget", "smoke", "--force", "--strict"]
    done = subprocess.run([*command, "--out", str(out)], cwd=ROOT, env=os.environ | env)
    left = {}
    for result in json.loads((out / "results.json").read_text())["results"]:
        for finding in result["claims"]:
            claim, value = finding["claim"], finding["measured"]["value"]
            gap = claim["goal"] - value if claim["better"] == "lower" else value - claim["goal"]
            size = max(abs(claim["goal"]), abs(value))
            left[f"{result['paper']}/{result['experiment']} {claim['id']}"] = gap / size if size else 1.0
    return done.returncode == 0, left


def hairs(left: dict[str, dict[str, float]]) -> list[tuple[float, float, str]]:
    """(least left, spread over machines, name) of the bounds that a machine might not keep, the worst first."""
    names = set.intersection(*(set(found) for found in left.values())) if left else set()
    rows = []
    for name in names:
        values = [found[name] for found in left.values()]
        least, spread = min(values), max(values) - min(values)
        if least < SPREADS * spread:
            rows.append((least, spread, name))
    return sorted(rows, key=lambda row: row[0] - SPREADS * row[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", default=NUMERICAL, help="tests to run instead of the numerical part")
    parser.add_argument("--only", choices=("tests", "claims"))
    parser.add_argument("--machines", help="names, separated by commas")
    parser.add_argument("--workers", default="2")
    parser.add_argument("--out", type=Path, default=ROOT / ".cache" / "portable")
    asked = parser.parse_args()
    known = machines()
    chosen = asked.machines.split(",") if asked.machines else [name for name in known if name != BOUNDS]
    failed, tests, claims = [], {}, {}
    for name in chosen:
        print(f"== {name}: {known[name]}", flush=True)
        out = asked.out / name.replace(" ", "-")
        out.mkdir(parents=True, exist_ok=True)
        for old in out.glob("margins*.json"):
            old.unlink()
        with _busy(name == "busy"):
            passed = True
            if asked.only != "claims":
                passed, tests[name] = _tests(asked.paths, asked.workers, out / "margins", known[name])
            if asked.only != "tests":
                met, claims[name] = _claims(out / "report", known[name])
                passed = passed and met
        failed += [] if passed else [name]
    near = [(kind, *row) for kind, left in (("test", tests), ("claim", claims)) for row in hairs(left)]
    for kind, least, spread, name in near:
        print(
            f"{kind} stands by a hair: {least:.2g} of its bound is left, {spread:.2g} from machine to machine: {name}"
        )
    print(f"{len(chosen)} machines, failed on: {', '.join(failed) or 'none'}; {len(near)} bounds stand by a hair")
    return 1 if failed or near else 0


if __name__ == "__main__":
    sys.exit(main())
