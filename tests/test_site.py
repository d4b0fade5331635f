"""The site is whole: every page is in a table of contents, every public name has an entry; and it builds clean."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import similis

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def api():
    """docs/_ext/api.py, which needs no Sphinx."""
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        yield importlib.import_module("api")
    finally:
        sys.path.remove(str(DOCS / "_ext"))


def pages() -> set[str]:
    """Pages that are written by hand, as their names in a table of contents."""
    made = ("_build", "generated")
    found = (path.relative_to(DOCS).with_suffix("") for path in DOCS.rglob("*.md"))
    return {path.as_posix() for path in found if path.parts[0] not in made}


def reached(page: str = "index") -> set[str]:
    """Pages that tables of contents lead to from ``page``."""
    path = DOCS / f"{page}.md"
    found = {page}
    for body in re.findall(r"^```\{toctree\}\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        for line in body.splitlines():
            entry = line.rpartition("<")[2].strip("> ")
            target = (path.parent / entry).resolve()
            if (
                entry
                and not entry.startswith(":")
                and target.is_relative_to(DOCS)
                and target.with_suffix(".md").exists()
            ):
                found |= reached(target.relative_to(DOCS).as_posix())
    return found


def test_every_page_is_in_a_table_of_contents():
    assert reached() == pages()


def test_every_package_with_public_names_is_documented(api):
    public = {
        module.name
        for module in pkgutil.iter_modules(similis.__path__, "similis.")
        if module.ispkg and hasattr(importlib.import_module(module.name), "__all__")
    }
    assert public | {"similis"} == set(api.ROOMS) | api.ELSEWHERE.keys()
    names = set(importlib.import_module("similis.estimators").__all__)
    assert names <= set(similis.__all__)


def test_every_public_name_has_an_entry(api):
    found = {(entry.room, entry.name) for entry in api.entries()}
    for room in api.ROOMS:
        assert {name for name in importlib.import_module(room).__all__ if name != "__version__"} == {
            name for place, name in found if place == room
        }


def test_every_entry_has_a_page_of_its_own_that_says_something(api, tmp_path):
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "index.md").write_bytes((DOCS / "api" / "index.md").read_bytes())
    api.write(tmp_path)
    written = {path.stem for path in (tmp_path / "generated" / "api").glob("*.rst")}
    own = [entry for entry in api.entries() if entry.own]
    assert len({entry.page.lower() for entry in own}) == len(own)
    for entry in api.entries():
        assert entry.page in written
        if isinstance(entry.thing, type) or inspect.isroutine(entry.thing):
            assert inspect.getdoc(entry.thing), f"{entry.room}.{entry.name} has no docstring"


def test_members_of_other_libraries_are_left_to_their_manuals(api):
    named = api.members(similis.SimilarityMatching)
    assert {"fit", "partial_fit", "transform", "score"} <= set(named)
    assert not {"set_fit_request", "get_metadata_routing", "set_output"} & set(named)


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("sphinx", reason="the site needs the extra: pip install 'similis[docs]'")
    pytest.importorskip("pydata_sphinx_theme", reason="the site needs the extra: pip install 'similis[docs]'")
    for path in DOCS.parent.iterdir():
        if path.name in {"examples", "src", "benchmarks"} or path.suffix in {".md", ".cff"} or path.name == "LICENSE":
            (tmp_path / path.name).symlink_to(path)
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("_build", "generated"))
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-D", "plot_gallery=0"]
    done = subprocess.run([*command, tmp_path / "docs", tmp_path / "html"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-5000:]
    done = subprocess.run(
        [sys.executable, DOCS / "_ext" / "check.py", tmp_path / "html"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert (tmp_path / "html" / "generated" / "api" / "similis.OnlineCCA.html").exists()
