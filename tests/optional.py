"""Tests of large extras: in the full tier; in the landing tier too where they are installed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def needs(*modules: str) -> list[pytest.MarkDecorator]:
    """The marks of a module whose tests need these: `pytestmark = needs("torch")`."""
    missing = [name for name in modules if find_spec(name) is None]
    if not missing:
        return []
    reason = f"{', '.join(missing)} not installed"
    return [pytest.mark.full, pytest.mark.skipif(True, reason=reason)]
