"""Althing: votes that members sign, results that anybody recomputes."""

__version__ = "0.1.0"
