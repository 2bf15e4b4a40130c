"""Monte Carlo of any system on any population: the chunked, sharded engine and sweeps over parameters."""

from jaxscale.simulator._call import Call
from jaxscale.simulator._claim import OutputTaken
from jaxscale.simulator._correlated import Exchangeable, Sticky
from jaxscale.simulator._engine import simulate
from jaxscale.simulator._result import Simulation
from jaxscale.simulator._schema import Sweep, read_sweep
from jaxscale.simulator._sweep import sweep

__all__ = ["Call", "Exchangeable", "OutputTaken", "Simulation", "Sticky", "Sweep", "read_sweep", "simulate", "sweep"]
