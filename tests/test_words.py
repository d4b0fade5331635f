"""Code and pages use the field's terms, as docs/glossary.md has them, and not private ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: private word: the field's
INSTEAD = {
    r"foretell\w*|foretold": "predict, predicted",
    r"haste": "learning rate, or its multiplier",
    r"voices?": "weights",
    r"steep(ness)?": "slope",
}
FILES = [
    path
    for folder, pattern in (("src", "**/*.py"), ("docs", "**/*.md"), ("examples", "*.py"), ("benchmarks", "*.py"))
    for path in (ROOT / folder).glob(pattern)
    if "generated" not in path.parts
] + [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("word", INSTEAD)
def test_private_words_are_not_used(word):
    pattern = re.compile(rf"\b(?:{word})\b", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"say {INSTEAD[word]!r}: {found}"
