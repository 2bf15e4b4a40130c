"""From curves to a decision: what calls cost, and which to make."""

from jaxscale.plan._best_n import BestN, best_n
from jaxscale.plan._candidate import RecordedBestOfN, attempts_of
from jaxscale.plan._cost import Cost
from jaxscale.plan._plan import plan
from jaxscale.plan._prices import read_costs
from jaxscale.plan._result import Choice, Plan, amount

__all__ = [
    "BestN",
    "Choice",
    "Cost",
    "Plan",
    "RecordedBestOfN",
    "amount",
    "attempts_of",
    "best_n",
    "plan",
    "read_costs",
]
