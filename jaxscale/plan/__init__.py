"""From curves to a decision: what calls cost, and which to make."""

from jaxscale.plan._candidate import attempts_of
from jaxscale.plan._cost import Cost
from jaxscale.plan._plan import plan
from jaxscale.plan._prices import read_costs
from jaxscale.plan._result import Choice, Plan, amount

__all__ = ["Choice", "Cost", "Plan", "amount", "attempts_of", "plan", "read_costs"]
