"""Monte Carlo of any system on any population: the chunked, sharded engine and sweeps over parameters."""

from jaxscale.simulate._call import Call
from jaxscale.simulate._claim import OutputTaken
from jaxscale.simulate._correlated import Exchangeable, Sticky
from jaxscale.simulate._engine import simulate
from jaxscale.simulate._result import Simulation
from jaxscale.simulate._schema import Sweep, read_sweep
from jaxscale.simulate._sweep import sweep

__all__ = ["Call", "Exchangeable", "OutputTaken", "Simulation", "Sticky", "Sweep", "read_sweep", "simulate", "sweep"]
