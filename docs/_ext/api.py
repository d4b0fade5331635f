"""One page a public name, from the packages' ``__all__``; docs/api/index.md says in a line what each is."""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from files import heading, keep
from files import write as put
from plain import escaped

#: packages, in the order in which a name that several export is documented
ROOMS = (
    "similis",
    "similis.circuit",
    "similis.derive",
    "similis.display",
    "similis.engine",
    "similis.networks",
    "similis.memory",
    "similis.nn",
    "similis.nomad",
    "similis.metrics",
    "similis.control",
    "similis.superconductor",
    "similis.datasets",
    "similis.distributed",
    "similis.experiments",
)
#: packages with an ``__all__`` that have no page here, and where their names are
ELSEWHERE = {"similis.estimators": "similis, by the same names", "similis.cli": "the page of the command line"}


@dataclass(frozen=True)
class Entry:
    """A public name: its package, the thing, and the page (without suffix) that documents it."""

    room: str
    name: str
    thing: object
    page: str
    own: bool  # False: the page is that of the same thing in another package


def entries() -> list[Entry]:
    """Every public name, package by package."""
    found: list[Entry] = []
    homes: dict[int, str] = {}
    taken: set[str] = set()
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in sorted(module.__all__, key=str.lower):
            if name == "__version__":
                continue
            thing = getattr(module, name)
            same = isinstance(thing, type) or inspect.isroutine(thing)
            own = not (same and id(thing) in homes)
            page = f"{room}.{name}" if own else homes[id(thing)]
            if own:
                page += "-class" if page.lower() in taken else ""  # table and Table: one file on some disks
                taken.add(page.lower())
                homes[id(thing)] = page
            found.append(Entry(room, name, thing, page, own))
    return found


def lines_of_index(docs: Path) -> dict[tuple[str, str], str]:
    """What docs/api/index.md says of each (package, name)."""
    text = (docs / "api" / "index.md").read_text("utf-8")
    parts = re.split(r"^## (\S+)$", text, flags=re.MULTILINE)[1:]
    said = {}
    for room, body in zip(parts[::2], parts[1::2], strict=True):
        for names, line in re.findall(r"^\| (`.*?) \| (.*) \|$", body, re.MULTILINE):
            said |= {(room, name): line for name in re.findall(r"`(\w+)`", names)}
    return said


def members(thing: type) -> list[str]:
    """Public members that the library itself defines; those of scikit-learn and torch have their own manuals."""
    found = []
    for owner in reversed(thing.__mro__):
        if owner.__module__.partition(".")[0] == "similis":
            found += [name for name in vars(owner) if not name.startswith("_") and name not in found]
    found = [name for name in found if not re.fullmatch(r"set_\w+_request", name)]  # scikit-learn's own
    return [name for name in found if inspect.getdoc(inspect.getattr_static(thing, name))]


def page_of(entry: Entry, line: str) -> str:
    """The page of one name."""
    thing, path = entry.thing, f"{entry.room}.{entry.name}"
    lines = [heading(escaped(entry.name)), f".. currentmodule:: {entry.room}", ""]
    if isinstance(thing, ModuleType):
        lines += [f".. automodule:: {path}", "   :members:"]
    elif isinstance(thing, type):
        lines += [f".. autoclass:: {path}"]
        named = [name for name in members(thing) if not _field(thing, name)]
        lines += [f"   :members: {', '.join(named)}"] if named else []
    elif inspect.isroutine(thing):
        lines += [f".. autofunction:: {path}"]
    else:
        shown = repr(thing)
        lines += [f".. py:data:: {entry.name}", "", f"   {rst(line)}.", ""]
        lines += ["   ::", "", f"      {shown if len(shown) < 300 else type(thing).__name__}"]
    return "\n".join(lines) + "\n"


def _field(thing: type, name: str) -> bool:
    """Whether a member is a field that the class's own docstring describes."""
    return name in getattr(thing, "__dataclass_fields__", {})


def summary(entry: Entry, line: str) -> str:
    """The first sentence of its docstring, or what the index says of a value."""
    documented = isinstance(entry.thing, type | ModuleType) or inspect.isroutine(entry.thing)
    said = (inspect.getdoc(entry.thing) or "").partition("\n\n")[0].replace("\n", " ") if documented else ""
    return escaped(said) or rst(line)


def rst(markdown: str) -> str:
    """A line of Markdown as reStructuredText."""
    return re.sub(r"`([^`]+)`", r"``\1``\ ", markdown)


def write(docs: Path) -> None:
    """Write docs/generated/api: a page a package, a page a name."""
    folder, said, made = docs / "generated" / "api", lines_of_index(docs), {}
    everything = entries()
    for entry in everything:
        if entry.own:
            made[f"{entry.page}.rst"] = page_of(entry, said[entry.room, entry.name])
    for room in ROOMS:
        own = [entry for entry in everything if entry.room == room]
        about = (inspect.getdoc(importlib.import_module(room)) or "").partition("\n>>>")[0]
        lines = [heading(room), about, "", ".. list-table::", "   :widths: 35 65", ""]
        for entry in own:
            lines += [f"   * - :doc:`{entry.name} <{entry.page}>`", f"     - {summary(entry, said[room, entry.name])}"]
        lines += ["", ".. toctree::", "   :hidden:", ""]
        lines += [f"   {entry.name} <{entry.page}>" for entry in own if entry.own]
        made[f"{room}-package.rst"] = "\n".join(lines) + "\n"
    for name, text in made.items():
        put(folder / name, text)
    keep(folder, set(made))
