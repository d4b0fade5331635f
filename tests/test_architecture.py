"""The house stands on its floors: imports only go down, libraries stay in their rooms, files stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "similis"
FILES = sorted(path for path in ROOT.rglob("*.py"))
FLOORS = {
    "cli": 9, "experiments": 8, "distributed": 8, "estimators": 7, "nn": 6, "networks": 5, "nomad": 5, "memory": 5,
    "control": 5, "superconductor": 5, "derive": 4, "engine": 3, "display": 3, "circuit": 2, "kernels": 1, "metrics": 1,
    "datasets": 1,
}  # fmt: skip
HOMES = {
    "numba": {"kernels", "cli"}, "torch": {"nn", "engine", "memory", "superconductor"}, "typer": {"cli"},
    "rich": {"cli", "nn"}, "dask": {"distributed"},
    "sklearn": {"estimators", "distributed", "datasets", "experiments", "cli", "nomad", "superconductor"},
}  # fmt: skip


def room(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first if first in FLOORS else ""


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, absolute module) of every import, relative ones resolved."""
    found, package = [], ["similis", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_only_go_down(path):
    here = room(path)
    for line, module in imports(path):
        parts = module.split(".")
        if here and parts[0] == "similis" and len(parts) > 1 and parts[1] in FLOORS and parts[1] != here:
            down = FLOORS[parts[1]] < FLOORS[here]
            why = "rooms on one floor never meet" if FLOORS[parts[1]] == FLOORS[here] else "imports only go down"
            assert down, f"{path.name}:{line}: {here} imports {parts[1]}: {why}"
        if parts[0] in HOMES:
            assert here in HOMES[parts[0]], f"{path.name}:{line}: {parts[0]} lives in {sorted(HOMES[parts[0]])}"
        assert parts[0] not in {"pickle", "jax"}, f"{path.name}:{line}: {parts[0]} is not used in this house"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_small_and_quiet(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 400, f"{path.name} holds more than one idea"
    assert path.stem not in {"utils", "helpers", "common", "misc"}, f"{path.name}: name the noun it holds"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
            assert room(path) in {"cli", "experiments"}, f"{path.name}:{node.lineno}: the library does not print"
        if isinstance(node, ast.Attribute) and ast.unparse(node).startswith(("np.random.seed", "np.random.rand")):
            raise AssertionError(f"{path.name}:{node.lineno}: no global random state")


def test_importing_the_package_costs_nothing():
    heavy = {"torch", "matplotlib", "pandas", "dask", "numba", "sklearn", "scipy"}
    code = f"import sys, similis; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.strip() == "[]"


CIRCUIT = sorted((ROOT / "circuit").glob("*.py"))


@pytest.mark.parametrize("path", CIRCUIT, ids=lambda p: p.name)
def test_the_language_stays_small(path):
    """Files of at most 200 lines, classes of at most six fields; the row of the compiled loops is a table, no class."""
    text = path.read_text()
    assert len(text.splitlines()) <= 200
    assert "type: ignore" not in text
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(d) for d in node.decorator_list):
            fields = [n for n in node.body if isinstance(n, ast.AnnAssign) and "ClassVar" not in ast.unparse(n)]
            most = 7 if node.name == "State" else 6  # every array that learns, by its name
            assert len(fields) <= most, f"{node.name} has {len(fields)} fields"


def test_a_lateral_is_one_class_and_its_name():
    """SoftWhiten, of docs/how-to/add-a-lateral.md: two source files, fewer than 60 lines."""
    code = {
        p: ast.dump(ast.parse(p.read_text())) for p in FILES if room(p) in {"circuit", "engine", "display", "kernels"}
    }
    inside = [p for p, dump in code.items() if "'SoftWhiten'" in dump]
    assert {p.name for p in inside} == {"__init__.py", "linear.py"}
    tree = ast.parse((ROOT / "circuit" / "linear.py").read_text())
    (lateral,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "SoftWhiten")
    assert lateral.end_lineno - lateral.lineno < 60
