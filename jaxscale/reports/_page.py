"""The page: all sections in one file, under a policy that lets no other script and no other address in."""

import base64
import contextlib
import functools
import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import jinja2

from jaxscale._files import cache_folder, replacing
from jaxscale._palette import COLOURS, ON_DARK
from jaxscale.planning import Cost
from jaxscale.reports import _format
from jaxscale.reports._analysis import Budgets, Group
from jaxscale.reports._axes import VEGA_LITE
from jaxscale.reports._cost import cost_section
from jaxscale.reports._coverage import coverage_section
from jaxscale.reports._parts import Section
from jaxscale.reports._sides import sides_section
from jaxscale.reports._spread import spread_section
from jaxscale.reports._votes import votes_section


def sections(
    groups: Sequence[Group], budgets: Budgets, noun: str, costs: Mapping[str, Cost] | None = None
) -> list[Section]:
    """The sections between the answer and the warnings that these data sets have numbers for, the most telling first.

    Args:
        groups: the data sets, in the order in which the page names them.
        budgets: the numbers of calls of the tables.
        noun: what a data set is called.
        costs: what calls cost, by the names of the groups; None without prices.

    Returns:
        The sections.
    """
    voted = [group for group in groups if group.votes]
    votes = [votes_section(voted, budgets, noun), sides_section(voted, noun)] if voted else []
    priced = [cost_section(groups, costs, noun)] if costs is not None else []
    return [*priced, *votes, coverage_section(groups, budgets, noun), spread_section(groups, noun)]


def render(context: Mapping[str, Any]) -> str:
    """The page as text.

    Args:
        context: what the template shows. All of it is escaped: as HTML, and the specifications of charts as JSON inside
            a script element.
    """
    charts = {
        chart.key: {
            "spec": chart.spec,
            "curves": list(chart.curves),
            "colours": dict(zip(chart.curves, chart.colours, strict=True)),
            "shown": list(chart.shown),
        }
        for section in context["sections"]
        for chart in section.charts
    }
    explanations = {each.key: each for section in context["sections"] for each in section.explained}
    style, scripts = _palette() + _file("page.css"), (_library(), _file("page.js"))
    return _template().render(
        **context,
        charts=charts,
        explanations=explanations.values(),
        style=style,
        style_source=_source(style),
        scripts=scripts,
        script_sources=" ".join(map(_source, scripts)),
    )


def _source(text: str) -> str:
    """How a content security policy names the one script or style that it allows."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _palette() -> str:
    """The colours of curves as properties that the style sheet chooses from."""
    return f":root {{ --on-light: {' '.join(COLOURS)}; --on-dark: {' '.join(ON_DARK)}; }}\n"


@functools.cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script: made once, which takes seconds, and kept."""
    folder = cache_folder()
    kept = folder and folder / f"vega-lite-{VEGA_LITE}-{importlib.metadata.version('vl-convert-python')}.js"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if kept:
            return kept.read_text(encoding="utf-8")
    import vl_convert  # here, as its library is large and what it makes is kept

    script = str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE))
    with contextlib.suppress(OSError):
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            with replacing(kept) as part:
                part.write_text(script, encoding="utf-8")
    return script


def _file(name: str) -> str:
    return resources.files("jaxscale.reports").joinpath(name).read_text(encoding="utf-8")


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters |= {"number": _format.number, "listed": _format.listed}
    return environment.from_string(_file("page.html.jinja"))
