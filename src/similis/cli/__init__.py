"""The command line ``similis``. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line on ``sys.argv`` and exit with 0 (done), 1 (the job failed) or 2 (wrong usage)."""
    from ._app import app

    # SIGTERM unwinds like Ctrl-C, so that temporary files are removed
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    app()


__all__ = ["main"]
