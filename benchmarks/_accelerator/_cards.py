"""What cards can do at most, and how far from it a program is."""

import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxscale._arrays import float64


class Card(NamedTuple):
    """Peak rates of a device, without its matrix units.

    Attributes:
        float32: operations a second, each an instruction: a multiplication and an addition are two.
        float64: the same in float64.
        int32: the same of 32-bit integers.
        bandwidth: bytes a second of its memory.
        source: where the rates are from.
    """

    float32: float
    float64: float
    int32: float
    bandwidth: float
    source: str


# The first whose name is part of the device's own; from data sheets, which count a fused multiply-add as two operations
# where this counts one instruction. Additions of whole numbers go to both pipes of a Hopper.
_KNOWN = {
    "H200": Card(33.5e12, 16.7e12, 33.5e12, 4.8e12, "data sheet of the H200 SXM"),
    "H100 PCIe": Card(25.6e12, 12.8e12, 25.6e12, 2.0e12, "data sheet of the H100 PCIe"),
    "H100 NVL": Card(30.0e12, 15.0e12, 30.0e12, 3.9e12, "data sheet of the H100 NVL"),
    "H100": Card(33.5e12, 16.7e12, 33.5e12, 3.35e12, "data sheet of the H100 SXM"),
    "A100-PCIE-40GB": Card(9.75e12, 4.85e12, 9.75e12, 1.555e12, "data sheet of the A100 PCIe 40 GB"),
    "A100-SXM4-40GB": Card(9.75e12, 4.85e12, 9.75e12, 1.555e12, "data sheet of the A100 SXM 40 GB"),
    "A100": Card(9.75e12, 4.85e12, 9.75e12, 1.94e12, "data sheet of the A100 80 GB"),
}

_STEPS = 128


def known_card(kind: str) -> Card | None:
    """The card whose name is part of a device's kind, or None."""
    return next((card for name, card in _KNOWN.items() if name.lower() in kind.lower()), None)


def measured_card(lanes: int = 2**20) -> Card:
    """The rates that plain programs reach here: chains of operations in registers, and one pass over memory.

    Args:
        lanes: of the first try: they are doubled until what a call costs by itself no longer matters.
    """

    def rate(function: Any, dtype: Any) -> float:
        """Lanes a second."""
        function, size = jax.jit(function), lanes
        while True:
            argument = jnp.arange(size, dtype=dtype)
            jax.block_until_ready(function(argument))
            times = []
            for _ in range(3):
                started = time.perf_counter()
                jax.block_until_ready(function(argument))
                times.append(time.perf_counter() - started)
            if min(times) > 0.005 or size >= 2**27:
                return size / min(times)
            size *= 4

    def floating(x: Any) -> Any:
        for _ in range(_STEPS):
            x = x * x.dtype.type(0.999) + x.dtype.type(0.001)
        return x

    def whole(x: Any) -> Any:
        for step in range(_STEPS):
            x = (x + np.uint32(2 * step + 1)) ^ np.uint32(0x9E3779B9 + step)
        return x

    with float64():
        rates = [
            2 * _STEPS * rate(function, dtype)
            for function, dtype in ((floating, np.float32), (floating, np.float64), (whole, np.uint32))
        ]
        bandwidth = 8 * rate(lambda x: x + np.float32(1), np.float32)
    return Card(
        *rates,
        bandwidth,
        "measured: chains of operations, one pass over memory",
    )


def operations_of(compiled: Any) -> dict[str, float]:
    """What XLA counts in a compiled program, the bodies of its loops once: operations and bytes accessed.

    Each addition, comparison, shift, ... is one operation, and so is each logarithm or exponential.
    """
    analysis = compiled.cost_analysis()
    analysis = analysis[0] if isinstance(analysis, list) else analysis or {}
    return {
        "operations": analysis.get("flops", 0.0) + analysis.get("transcendentals", 0.0),
        "transcendentals": analysis.get("transcendentals", 0.0),
        "bytes_accessed": analysis.get("bytes accessed", 0.0),
    }


def floor(
    card: Card, seconds: float, operations: float, moved: float, *, dtype: Any, whole_share: float = 0.5
) -> dict[str, Any]:
    """How close to the card's limits a program came.

    Args:
        card: the limits.
        seconds: that it took.
        operations: that it had to do.
        moved: bytes that it had to read and write.
        dtype: of its floating-point operations.
        whole_share: share of the operations that are of whole numbers (random words).
    """
    rate = card.float64 if dtype == np.float64 else card.float32
    least_operations = operations * ((1 - whole_share) / rate + whole_share / card.int32)
    least_bytes = moved / card.bandwidth
    return {
        "operations": operations,
        "bytes": moved,
        "floor_seconds": max(least_operations, least_bytes),
        "operations_share": least_operations / seconds,
        "bytes_share": least_bytes / seconds,
        "share_of_floor": max(least_operations, least_bytes) / seconds,
    }
