"""What can go wrong, in five words a caller can catch."""

from __future__ import annotations


class SimilisError(Exception):
    """Base of every error this library raises on purpose."""


class InputError(SimilisError, ValueError):
    """The data or a parameter cannot be used; the message says what was given, what was expected and one fix."""


class DivergenceError(SimilisError, ArithmeticError):
    """Learning diverged (NaN or inf), or would: the step is too large for the data.

    Attributes
    ----------
    sample : int or None, the sample at which it was noticed, counted from 0
    """

    def __init__(self, message: str, sample: int | None = None) -> None:
        super().__init__(message)
        self.sample = sample

    def at(self, sample: int) -> DivergenceError:
        """The same error about the same sample, by its number in a longer stream."""
        return type(self)(str(self).replace(f"sample {self.sample} ", f"sample {sample} "), sample)


class CertificateError(SimilisError, ArithmeticError):
    """A bound and a feasible point contradict each other: an error of this library; please report it."""


class ModelFileError(SimilisError, ValueError):
    """A model file is missing, damaged, of another class or of an unknown schema."""


class MissingDependencyError(SimilisError, ImportError):
    """An optional dependency is needed and absent; the message holds the line that installs it."""
