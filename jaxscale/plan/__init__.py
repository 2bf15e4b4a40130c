"""From curves to a decision: what calls cost."""

from jaxscale.plan._cost import Cost
from jaxscale.plan._prices import read_costs

__all__ = ["Cost", "read_costs"]
