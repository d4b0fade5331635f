"""Is the built site whole? Every link inside it leads to a page and a place on it; nothing is loaded from elsewhere.

``python docs/_ext/check.py docs/_build/html``
"""

from __future__ import annotations

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, what it loads, and the places on it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.places |= {given[key] for key in ("id", "name") if key in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in {"script", "img", "source", "iframe"} and "src" in given:
            self.loads.append(given["src"])
        elif tag == "link" and given.get("rel") in {"stylesheet", "icon", "preload"}:
            self.loads.append(given["href"])


@cache
def read(path: Path) -> Page:
    return Page(path.read_text("utf-8"))


def faults(site: Path) -> list[str]:
    """What is wrong with the site, a line each."""
    found = []
    for path in sorted(path for path in site.rglob("*.html") if "_static" not in path.parts):
        page, where = read(path), path.relative_to(site)
        for target in page.loads + page.links:
            parts = urlsplit(target)
            if parts.scheme in {"http", "https", ""} and parts.netloc:
                found += [f"{where} loads {target}"] if target in page.loads else []
                continue
            if parts.scheme:
                continue
            place = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not place.is_file():
                found.append(f"{where}: {target} leads nowhere")
            elif parts.fragment and place.suffix == ".html" and unquote(parts.fragment) not in read(place).places:
                found.append(f"{where}: {target} has no such place")
    return found


if __name__ == "__main__":
    wrong = faults(Path(sys.argv[1]).resolve())
    print("\n".join(wrong) or f"{sys.argv[1]}: every link leads somewhere, nothing is loaded from elsewhere")
    raise SystemExit(bool(wrong))
