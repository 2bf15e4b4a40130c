"""The type checker that `conftest.py` puts into the rooms of numbers."""

from beartype import BeartypeConf, beartype

# A whole number may stand for a float, as Python's own rules have it.
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
