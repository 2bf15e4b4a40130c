"""From curves to a decision: what calls cost, and which to make."""

from jaxscale.planning._allocate import RULES, Widths, allocate, interval_widths
from jaxscale.planning._best_n import BestN, best_n
from jaxscale.planning._candidate import Candidate, Curve
from jaxscale.planning._cost import Cost
from jaxscale.planning._frontier import Stretch, frontier
from jaxscale.planning._plan import plan
from jaxscale.planning._prices import read_costs
from jaxscale.planning._result import Choice, Plan, amount, crossings
from jaxscale.planning._solve_once import attempts_to_solve

__all__ = [
    "BestN",
    "Candidate",
    "Choice",
    "Cost",
    "Curve",
    "Plan",
    "RULES",
    "Stretch",
    "Widths",
    "allocate",
    "amount",
    "attempts_to_solve",
    "best_n",
    "crossings",
    "frontier",
    "interval_widths",
    "plan",
    "read_costs",
]
