"""A user's mistake: one clear line that names what was given and what is legal.

Everything the user can get wrong raises `TpeError`; the command line prints its text and exits
with 2. Anything else that escapes is our bug and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TpeError(ValueError):
    """Bad input. The message is one line: the field, the value given, and the legal range."""


TpeError.__module__ = "tpe"  # its public name, in tracebacks too


class MissingExtra(TpeError):
    """An optional dependency is absent. The message is one line with the pip command to run."""


def install(extra: str) -> str:
    """How an extra of this project is installed: tensor-pe is not on PyPI.

    >>> install("rtl")
    "pip install -e '.[rtl]' in a checkout of tpe (tensor-pe is not on PyPI)"
    """
    return f"pip install -e '.[{extra}]' in a checkout of tpe (tensor-pe is not on PyPI)"


def missing_extra(package: str, extra: str) -> MissingExtra:
    """The error for an import that failed because an extra is not installed.

    >>> str(missing_extra("cocotb", "rtl"))
    "cocotb is not installed; run: pip install -e '.[rtl]' in a checkout of tpe (tensor-pe is not \
on PyPI)"
    """
    return MissingExtra(f"{package} is not installed; run: {install(extra)}")


def one_line(error: Exception) -> str:
    """What an error of somebody else's says, in one line of 200 characters at most.

    >>> one_line(ValueError("no\\n  number")), one_line(KeyError())
    ('no number', 'KeyError')
    """
    return " ".join(str(error).split())[:200] or type(error).__name__


def pick(kind: str, name: object, choices: Iterable[str]) -> str:
    """The one of `choices` that is called `name`, in upper or lower case; `unknown` if none is.

    >>> pick("pe", "OPT1", ["mac", "opt1"])
    'opt1'
    """
    legal = list(choices)
    if isinstance(name, str):
        if name in legal:
            return legal[legal.index(name)]
        alike = [choice for choice in legal if choice.casefold() == name.casefold()]
        if len(alike) == 1:
            return alike[0]
    raise unknown(kind, name, legal)


def unknown(kind: str, name: object, choices: Iterable[str]) -> TpeError:
    """The error for a name that is not one of `choices`, with the nearest one suggested.

    >>> str(unknown("pe", "opt", ["mac", "opt1"]))
    "unknown pe 'opt' (did you mean 'opt1'?); legal: mac, opt1"
    """
    legal = list(choices)
    near = difflib.get_close_matches(str(name), legal, n=1, cutoff=0.5)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    return TpeError(f"unknown {kind} '{name}'{hint}; legal: {', '.join(legal)}")
