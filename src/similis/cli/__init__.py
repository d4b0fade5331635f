"""The command line ``similis``. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import errno
import os
import sys
import warnings


def main() -> None:
    """Run the command line on ``sys.argv`` and exit with 0 (done), 1 (the job failed) or 2 (wrong usage)."""
    # streams that who started us has closed: to print results fails, errors go nowhere
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    from ._app import app
    from ._output import printable

    warnings.formatwarning = lambda message, *_, **__: f"{printable(f'warning: {message}')}\n"
    try:
        app()
    except SystemExit as done:
        _flush(told=done.code not in (None, 0))
        raise


def _flush(told: bool) -> None:
    """Write out what was printed while an error can still be told; the interpreter would do it at its very end."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # what is left cannot be written: nobody shall try again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not told and error.errno != errno.EPIPE:
            sys.stderr.write(f"error: cannot write to standard output: {error.strerror}\n")
        sys.exit(1)


__all__ = ["main"]
