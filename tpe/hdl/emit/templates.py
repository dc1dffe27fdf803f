"""Text from the templates in `tpe/hdl/templates`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tpe.base.errors import missing_extra

_TEMPLATES = Path(__file__).parents[1] / "templates"


def template(name: str, **values: Any) -> str:
    """A template of ours, rendered; a name it lacks is an error."""
    try:
        import jinja2
    except ImportError:
        raise missing_extra("jinja2", "rtl") from None
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(name).render(**values)
