"""The page: everything in one file, under a policy that lets no other script and no other address in."""

import base64
import contextlib
import functools
import hashlib
import importlib.metadata
from collections.abc import Mapping
from importlib import resources
from typing import Any

import jinja2
import vl_convert

from jaxscale._files import cache_folder, replacing
from jaxscale._palette import COLOURS, ON_DARK
from jaxscale.reports import _format
from jaxscale.reports._charts import VEGA_LITE


def render(context: Mapping[str, Any]) -> str:
    """The page as text.

    Args:
        context: what the template shows. All of it is escaped: as HTML, and `charts` as JSON inside a script element.
    """
    style, scripts = _palette() + _file("page.css"), (_library(), _file("page.js"))
    return _template().render(
        **context,
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
