"""``python -m similis`` is the command ``similis``."""

from __future__ import annotations

from .cli import main

main()
