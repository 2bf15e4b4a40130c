"""Simulate, fit and forecast the inference-scaling laws of language-model systems.

Names resolve lazily (PEP 562), so importing this package imports neither jax nor anything else that is slow.
"""

import importlib
import importlib.metadata
from typing import Any

__version__ = importlib.metadata.version("jaxscale")

_MODULE_OF = {
    "AnswerDistribution": "difficulty._answers",
    "Attempts": "data",
    "Ballots": "data",
    "Estimate": "data",
    "Forecast": "forecast",
    "FitResult": "fit",
    "bootstrap": "fit",
    "fit": "fit",
    "forecast": "forecast",
    "pass_at_k": "estimate",
    "read_attempts": "io",
    "read_ballots": "io",
}

__all__ = sorted([*_MODULE_OF, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'jaxscale' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"jaxscale.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
