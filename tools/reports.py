"""The pages of `reports` that are a command's own output: its text, its figure, its JSON.

    python -m tools.reports /usr/share/qflow/tech/osu018/osu018_stdcells.lib

Both papers on the built-in technology and on the library given, and the PEs at equal area.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tpe.base.files import whole_file

REPORTS = Path(__file__).resolve().parents[1] / "reports"
COLUMNS = 110
SIX = "mac,opt1,opt2,opt3,opt4c,opt4e"


@dataclass(frozen=True)
class Page:
    """A page: its file's stem, its title, what its figure shows, and the command."""

    stem: str
    title: str
    figure: str
    words: tuple[str, ...]


def pages(library: str) -> tuple[Page, ...]:
    """The pages, papers on two libraries."""
    both = ("--liberty", "tpe130", "--liberty", library)
    return (
        Page(
            "equal_area",
            "The PEs at equal area, tpe130",
            "cost",
            ("compare", "--pe", SIX, "--iso", "area", "--lean"),
        ),
        *(
            Page(
                f"reproduce_{paper}",
                f"`tpe reproduce {paper}` on two libraries",
                "ratios",
                ("reproduce", paper, *both),
            )
            for paper in ("hpca25", "ent")
        ),
    )


def write(page: Page) -> None:
    """Run the command, its figure and JSON into `reports`, its text into the page."""
    files = ("--figure", f"{REPORTS / page.stem}.png", "--json", f"{REPORTS / page.stem}.json")
    tpe = Path(sys.executable).with_name("tpe")
    done = subprocess.run(
        [str(tpe), *page.words, *files],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": str(COLUMNS)},
    )
    head = f"# {page.title}\n\n![{page.figure}]({page.stem}.png)\n"
    with whole_file(REPORTS / f"{page.stem}.md") as temporary:
        text = done.stdout.replace(f"{REPORTS}{os.sep}", "")
        temporary.write_text(f"{head}\n```\n{text.strip()}\n```\n")


def main() -> None:
    """Make every page."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for page in pages(sys.argv[1]):
        print(page.stem, flush=True)
        write(page)


if __name__ == "__main__":
    main()
