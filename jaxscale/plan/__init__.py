"""From curves to a decision: what calls cost."""

from jaxscale.plan._cost import Cost

__all__ = ["Cost"]
