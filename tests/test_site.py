"""The site is whole: every page is in a table of contents, every public name has an entry; and it builds clean."""

from __future__ import annotations

import ast
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
def part():
    """The modules of docs/_ext by their names; none of them needs Sphinx."""
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(DOCS / "_ext"))


@pytest.fixture(scope="module")
def api(part):
    return part("api")


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


def test_signs_of_formulas_are_no_markup(part):
    escaped = part("plain").escaped
    assert escaped("|x|_F of n_tiles_, *b") == r"\|x\|_F of n_tiles\_, \*b"
    assert escaped("``M_ |z|`` and :class:`a_`, 6@5x5") == r"``M_ |z|`` and :class:`a_`, 6\@5x5"


def test_entries_that_run_on_are_a_type_and_a_sentence(part):
    lines = ["Parameters", "----------", "tau : float, laterals learn at", "    rate eta/tau", "seed : int, None or 3"]
    lines += ["eta0, decay : learning rate", "mask : (n, d) bool, default None", "    What is known."]
    assert part("sections").tidied(lines) == [
        *lines[:2],
        *("tau : float", "    laterals learn at", "    rate eta/tau"),
        "seed : int, None or 3",
        *("eta0, decay", "    learning rate"),
        *lines[-2:],
    ]


@pytest.mark.parametrize(
    ("link", "anchor", "leads"),
    [
        ("../../README.md", "", "../index.md"),
        ("../../README.md", "#speed", "../benchmarks/index.md"),
        ("../../examples/plot_psp.py", "", "../generated/gallery/plot_psp.rst"),
        ("../first-hour/plot_1_stream.py", "", "../generated/first-hour/plot_1_stream.rst"),
        ("../papers/", "", "../papers/index.md"),
        ("two-views.md", "#units", "two-views.md"),
    ],
)
def test_links_of_the_repository_lead_to_pages_of_the_site(part, link, anchor, leads):
    page = DOCS / "how-to" / "page.md"
    assert part("links").target(link, anchor, page.parent, DOCS, page) == leads


def test_every_example_has_a_title(part):
    for path in (DOCS.parent / "examples").glob("*.py"):
        doc = ast.get_docstring(ast.parse(part("examples").script(path.read_text("utf-8"))))
        title, line, *rest = doc.splitlines()
        assert line == "=" * len(title), path.name
        assert not re.search(r"^ *(python|torchrun) ", "\n".join(rest), re.MULTILINE), path.name


def test_a_link_that_leads_nowhere_is_told(part, tmp_path):
    (tmp_path / "b.html").write_text('<p id="here">')
    (tmp_path / "a.html").write_text('<a href="b.html#here"></a><a href="https://example.org"></a>')
    assert part("check").faults(tmp_path) == []
    (tmp_path / "c.html").write_text('<a href="b.html#no"></a><a href="d.html"></a><script src="https://x.org/y.js">')
    assert len(part("check").faults(tmp_path)) == 3


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
