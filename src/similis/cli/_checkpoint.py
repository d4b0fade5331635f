"""Checkpoints of a fit from a stream: enough to end bit for bit where the unbroken fit ends."""

from __future__ import annotations

import secrets
import tempfile
import zlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .._errors import InputError, ModelFileError

if TYPE_CHECKING:
    import numpy as np
    from sklearn.base import BaseEstimator


@dataclass(frozen=True)
class Checkpoint:
    """How far a fit has come, the grid of blocks it walks on, and a checksum of the rows behind it."""

    block_rows: int
    epochs: int  # 0: as many as make enough samples
    columns: str | None
    y_columns: str | None
    dtype: str | None
    every: int | None
    rows: int = 0
    crc: int = 0

    @classmethod
    def read(cls, progress: dict[str, Any], path: Path) -> Checkpoint:
        """Rebuild from what a model file holds."""
        from .._schema import Stored

        try:
            file = Stored({}, progress)
            first, second, dtype = (None if file.empty(n) else file.text(n) for n in ("columns", "y_columns", "dtype"))
            every = None if file.empty("every") else file.integer("every", 1)
            rows, crc = file.integer("rows"), file.integer("crc", 0, 2**32 - 1)
            blocks = file.integer("block_rows", 1), file.integer("epochs")
            found = cls(*blocks, first, second, dtype, every, rows, crc)
            file.done()
        except ModelFileError as error:
            raise ModelFileError(f"{path} holds no usable checkpoint ({error}). Start the fit again") from error
        return found

    def after(self, views: tuple[np.ndarray, ...]) -> Checkpoint:
        """The checkpoint one block later."""
        import numpy as np

        crc = self.crc
        for view in views:
            crc = zlib.crc32(np.ascontiguousarray(view).view(np.uint8).data, crc)
        return replace(self, rows=self.rows + len(views[0]), crc=crc)

    def check(self, now: Checkpoint, data: str) -> None:
        """Refuse data whose first rows are not the ones this checkpoint was made from."""
        if (self.rows, self.crc) != (now.rows, now.crc):
            raise InputError(
                f"the first {self.rows} rows of {data} are not those the checkpoint learned from. "
                f"Resume with the data it was started with"
            )

    def refuse_other(self, **given: object) -> None:
        """Refuse options that differ from the ones this checkpoint was made with."""
        for name, value in given.items():
            if value not in (None, getattr(self, name)):
                raise typer.BadParameter(f"the checkpoint was made with {name}={getattr(self, name)}, not {value}")

    def due(self, before: int) -> bool:
        """Whether a multiple of ``every`` lies in the block that started after ``before`` rows."""
        return self.every is not None and self.rows // self.every > before // self.every

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def keep(estimator: BaseEstimator, output: Path, *, force: bool) -> None:
    """Save a finished fit; where its file cannot be written any more, beside it or in another folder.

    Raises
    ------
    InputError
        If it is not in its file; the message says where it is.
    """
    from .._atomic import KeptElsewhereError
    from ..estimators.persist import save

    try:
        return save(estimator, output, force=force)
    except KeptElsewhereError:
        raise
    except InputError as error:
        refused = error
    for folder in (output.parent, Path.cwd(), Path(tempfile.gettempdir())):
        other = folder / f"kept-{secrets.token_hex(4)}.safetensors"
        try:
            save(estimator, other, force=False)
        except InputError:
            continue
        raise KeptElsewhereError(f"{refused}. The fitted model is kept in {other}") from refused
    raise refused


def beside(output: Path) -> Path:
    """Name of the checkpoint of a fit that will write ``output``."""
    return output.with_name(f"{output.stem}.checkpoint{output.suffix}")
