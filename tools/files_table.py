"""Files of a style, loaded: how many, how many were refused, and for which reasons.

    python -m tools.files_table topologies.tar.gz networks/ net.onnx -o reports/files.md

Takes files, folders and tar archives. The style of a file is its ending: SCALE-Sim topologies
(.csv, .tsv), ZigZag workloads (.yaml, .yml) and ONNX models (.onnx). Open dimensions of a model
are given the size 1; a model that needs more is counted as refused.
"""

from __future__ import annotations

import argparse
import re
import tarfile
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from tpe.base.errors import TpeError
from tpe.base.files import whole_file
from tpe.workloads import load_onnx, load_scalesim, load_zigzag

STYLES = {
    ".csv": "SCALE-Sim topology",
    ".tsv": "SCALE-Sim topology",
    ".yaml": "ZigZag workload",
    ".yml": "ZigZag workload",
    ".onnx": "ONNX model",
}
HEAD = ("style", "files", "loaded", "refused")


def load(file: Path) -> None:
    """Load one file; TpeError if it is refused."""
    style = STYLES[file.suffix.lower()]
    if style.startswith("SCALE"):
        load_scalesim(file)
    elif style.startswith("ZigZag"):
        load_zigzag(file)
    else:
        load_model(file)


def load_model(file: Path) -> None:
    """Load a model, its open dimensions at 1, which the first refusal names."""
    try:
        load_onnx(file)
    except TpeError as error:
        names = re.findall(r"--dim '([^']+)=SIZE'", str(error))
        if not names:
            raise
        load_onnx(file, dims=dict.fromkeys(names, 1))


def reason(error: TpeError, file: Path) -> str:
    """A refusal without what differs from file to file: paths, lines, node names, numbers."""
    text = str(error).replace(str(file), "FILE").partition("; legal")[0]
    text = re.sub(r"^'?FILE'?:? ?", "", text)
    text = re.sub(r"(holds no GEMM).*", r"\1", text)
    text = re.sub(r"'[^']*'", "'...'", text)
    return re.sub(r"\d+", "#", text)[:100]


def files_in(path: Path, folder: Path) -> Iterator[Path]:
    """The files of a path; an archive is unpacked into `folder`."""
    if path.is_file() and tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
        path = folder
    every = [path] if path.is_file() else sorted(path.rglob("*"))
    for file in every:
        if file.suffix.lower() in STYLES and file.is_file():
            yield file


def count(files: list[Path]) -> dict[str, Counter[str]]:
    """{style: {reason, "" for loaded: files}}."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for file in files:
        try:
            load(file)
        except TpeError as error:
            found[STYLES[file.suffix.lower()]][reason(error, file)] += 1
        else:
            found[STYLES[file.suffix.lower()]][""] += 1
    return found


def document(found: dict[str, Counter[str]]) -> str:
    """The page."""
    lines = [
        "# Files of other tools, loaded",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|---|---|---|---|",
    ]
    for style, reasons in found.items():
        total = sum(reasons.values())
        lines.append(f"| {style} | {total} | {reasons['']} | {total - reasons['']} |")
    for style, reasons in found.items():
        refused = [(text, number) for text, number in reasons.most_common() if text]
        lines += ["", f"Refused, {style}:", ""] if refused else []
        lines += [f"- {number}: {text}" for text, number in refused]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Load everything and print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", nargs="+", type=Path, help="a file, a folder or a tar archive")
    parser.add_argument("-o", "--out", type=Path, help="write the page there, not on the terminal")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files: list[Path] = []
        for index, path in enumerate(options.path):
            files += files_in(path, Path(folder) / str(index))
        text = document(count(files))
    if options.out is None:
        print(text, end="")
        return
    with whole_file(options.out) as temporary:
        temporary.write_text(text)


if __name__ == "__main__":
    main()
