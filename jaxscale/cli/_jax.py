"""How the command line has jax compile: kept between runs, and no more than the job is worth."""

import importlib.metadata
import os
import sys
from collections.abc import Iterable, Sized

from jaxscale._files import cache_folder
from jaxscale.cli._errors import BadInput

# Below this many queries compiling takes longer than all the arithmetic. (128 queries: optimised code takes four times
# as long to compile and saves a tenth of a second. 20,000: it runs twice as fast.)
_FEW = 2_000

# The flag more than halves compile times and leaves run times alone, but a jaxlib that does not know it would end the
# process: it is set where it was tried.
_FLAG = "--xla_cpu_use_fusion_emitters=false"
_FLAG_KNOWN_TO = ("0.10.",)


def prepare_jax(data: Iterable[Sized] | None) -> None:
    """Set jax's environment variables before it is imported; what the user has set stays.

    A process that has imported jax already is not the command line's own, and is left alone. jax goes on without
    a cache where the directory cannot be written.

    Args:
        data: what will be worked on; None for a simulation, which is always compiled in full: the flag that spares
            compile time makes one two to five times as slow.
    """
    if "jax" in sys.modules:
        return
    settings = {
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    if (cache := cache_folder()) is not None:
        settings["JAX_COMPILATION_CACHE_DIR"] = str(cache / "compiled")
    if data is not None:
        if importlib.metadata.version("jaxlib").startswith(_FLAG_KNOWN_TO):
            settings["XLA_FLAGS"] = _FLAG
        if sum(map(len, data)) < _FEW:
            settings["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "true"
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    import jax

    try:
        jax.devices()
    except RuntimeError as error:
        wanted = os.environ.get("JAX_PLATFORMS")
        where = "jax" if wanted is None else f"JAX_PLATFORMS = {wanted!r}"
        raise BadInput(f"{where}: no device to compute on: {error}") from None
