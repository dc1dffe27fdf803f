"""The oldest versions that pyproject allows, as constraints for pip.

    python -m tools.oldest > oldest.txt && pip install -c oldest.txt -e '.[dev]'

`make test-oldest` does that in an environment of its own and runs everything there. Tools that
read the code and do not run it (ruff, mypy and the stubs) stay new: what they say is not part of
what a user installs.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEW = frozenset({"ruff", "mypy", "pandas-stubs"})
_BOUND = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?>=([0-9.]+)$")


def constraints(text: str) -> list[str]:
    """`name==version` for every lower bound in a pyproject file, sorted.

    >>> constraints('[project]\\ndependencies = ["numpy>=2.0", "plain"]')
    ['numpy==2.0']
    """
    project = tomllib.loads(text)["project"]
    extras = project.get("optional-dependencies", {}).values()
    listed = [*project["dependencies"], *(line for extra in extras for line in extra)]
    found = (_BOUND.match(line.replace(" ", "")) for line in listed)
    return sorted({f"{m[1]}=={m[2]}" for m in found if m and m[1] not in NEW})


if __name__ == "__main__":
    print("\n".join(constraints((ROOT / "pyproject.toml").read_text())))
