"""Text from the templates in `tpe/hdl/templates`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tpe.base.errors import missing_extra

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parents[1] / "templates"


def template(name: str, **values: Any) -> str:
    """A template of ours, rendered; a name it lacks is an error."""
    return _environment().get_template(name).render(**values)


@cache
def _environment() -> Environment:
    """One for all, which keeps what it compiled."""
    try:
        import jinja2
    except ImportError:
        raise missing_extra("jinja2", "rtl") from None
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    return jinja2.Environment(
        loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
