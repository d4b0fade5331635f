"""What can go wrong, in five words a caller can catch."""

from __future__ import annotations


class SimilisError(Exception):
    """Base of every error this library raises on purpose."""


class InputError(SimilisError, ValueError):
    """The data or a parameter cannot be used; the message says what was given, what was expected and one fix."""


class DivergenceError(SimilisError, ArithmeticError):
    """Learning left the finite numbers: the step is too large for the scale of the data."""


class CertificateError(SimilisError, ArithmeticError):
    """A bound and a feasible point contradict each other: an error of this library; please report it."""


class ModelFileError(SimilisError, ValueError):
    """A model file is missing, damaged, of another class or of an unknown schema."""


class MissingDependencyError(SimilisError, ImportError):
    """An optional dependency is needed and absent; the message holds the line that installs it."""
