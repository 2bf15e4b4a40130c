"""From curves to a decision: what calls cost, and which to make."""

from jaxscale.plan._allocate import RULES, Widths, allocate, interval_widths
from jaxscale.plan._best_n import BestN, best_n
from jaxscale.plan._candidate import Candidate, Curve, attempts_of
from jaxscale.plan._cost import Cost
from jaxscale.plan._frontier import Stretch, frontier
from jaxscale.plan._plan import plan
from jaxscale.plan._prices import read_costs
from jaxscale.plan._result import Choice, Plan, amount, crossings
from jaxscale.plan._solve_once import attempts_to_solve

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
    "attempts_of",
    "attempts_to_solve",
    "best_n",
    "crossings",
    "frontier",
    "interval_widths",
    "plan",
    "read_costs",
]
