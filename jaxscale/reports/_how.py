"""The section on how numbers were made: the models behind the forecasts."""

from collections.abc import Sequence

from jaxscale.reports._analysis import Group
from jaxscale.reports._parts import Table, head
from jaxscale.systems import PassAtK


def models_table(groups: Sequence[Group], noun: str) -> Table:
    """The model behind the forecast of each curve, with the parameters of the one that weighs most."""
    curves = [
        (group.name, system, curve)
        for group in groups
        for system, curve in (
            *((vote.system.title, vote.curve) for vote in group.votes),
            (PassAtK.title, group.coverage),
        )
    ]
    rows = [
        [
            name,
            system,
            str(curve.model),
            ", ".join(
                f"{key} = {value:.4g}"
                for key, value in curve.model.parameters.items()
                if isinstance(value, int | float)
            ),
        ]
        for name, system, curve in curves
    ]
    return Table("Models of the forecasts", head(noun, ["system", "model", "parameters"]), rows)
