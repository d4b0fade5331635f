"""Learning from Dask arrays and dataframes, on as many processes or machines as there are."""

from .fit import fit, transform

__all__ = ["fit", "transform"]
