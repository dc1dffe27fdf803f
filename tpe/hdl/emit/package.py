"""An engine's RTL as a directory that an outsider can drop into their flow."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from tpe.base import checks
from tpe.engine.config import Config, checked_config
from tpe.hdl import emit
from tpe.hdl.emit import resets
from tpe.hdl.emit.package_files.axis import axis_modules
from tpe.hdl.emit.package_files.constraints import sdc
from tpe.hdl.emit.package_files.core import Filesets, core
from tpe.hdl.emit.package_files.folder import leaves_first, write_folder
from tpe.hdl.emit.package_files.readme import readme
from tpe.hdl.emit.package_files.smoke import smoke_modules
from tpe.hdl.emit.sva import sva_modules


def emit_directory(
    engine: Config,
    folder: str | os.PathLike[str],
    prefix: str | None = None,
    clock_ns: float = 2.0,
    reset: str = "async",
) -> list[Path]:
    """Write the SystemVerilog of an engine and what an outsider needs beside it into `folder`.

    README.md with the protocol of its ports and a worked example, the file list, SDC, a FuseSoC
    core; in lists of their own an AXI4-Stream wrapper, properties of the ports and a bench that
    checks itself (PREFIX_axis.f, PREFIX_sva.f, PREFIX_smoke.f). No simulator is needed to write it.
    Every module carries `prefix` (default: the engine's name, and a hash of the parameters that
    are not defaults), so that two engines fit one design; the top is the module `prefix`.
    `clock_ns` goes into the SDC. `reset` is how every register is reset: "async", or "sync", at the
    clock's edge. The folder is written whole or not at all. Returns the files. Raises TpeError for
    another `reset`, if the folder exists and is not empty or cannot be written, or the engine has
    no RTL.

    >>> from tempfile import TemporaryDirectory
    >>> from tpe.model.engine import Engine
    >>> with TemporaryDirectory() as folder:
    ...     files = emit_directory(Engine("mac", "os", "2x2"), f"{folder}/rtl")
    >>> [file.name for file in files if file.suffix == ".sdc"]
    ['tpe_mac_systolic_os_2x2.sdc']
    """
    engine = checked_config(engine)
    clock_ns = checks.number(clock_ns, "clock_ns", below=1e6)
    folder = checks.path(folder, "folder")
    reset = resets.checked(reset)
    prefix = default_prefix(engine, reset) if prefix is None else prefix
    return write_folder(Path(folder), package_texts(engine, prefix, clock_ns, reset))


def package_texts(
    engine: Config, prefix: str, clock_ns: float = 2.0, reset: str = "async"
) -> dict[str, str]:
    """Every file of a package by its name; see `emit_directory`.

    >>> from tpe.model.engine import Engine
    >>> texts = package_texts(Engine("mac", "systolic_os", (2, 2)), "mine")
    >>> sorted(name for name in texts if name.endswith(".f"))
    ['mine.f', 'mine_axis.f', 'mine_smoke.f', 'mine_sva.f']
    """
    own = emit.engine_modules(engine, reset)
    modules = emit.rename(own, prefix)
    rtl = leaves_first(modules, prefix)
    wrapped = emit.rename(own | axis_modules(engine, reset), prefix)
    axis = [name for name in leaves_first(wrapped, f"{prefix}_axis") if name not in modules]
    properties = emit.rename(own | sva_modules(engine, reset=reset), prefix)
    smoke = smoke_modules(engine, prefix, reset)
    bench = leaves_first(modules | smoke, f"{prefix}_smoke")
    lists = {
        "": rtl,
        "_axis": axis,
        "_sva": [f"{prefix}_sva"],
        "_smoke": [name for name in bench if name in smoke],
    }
    every = {**modules, **wrapped, **properties, **smoke}
    texts = {f"{name}.sv": every[name] for names in lists.values() for name in names}
    for ending, names in lists.items():
        texts[f"{prefix}{ending}.f"] = "".join(f"{name}.sv\n" for name in names)
    texts[f"{prefix}.sdc"] = sdc(clock_ns, modules[prefix], prefix, reset)
    rtl_files, axis_files, sva_files, smoke_files = (
        [f"{name}.sv" for name in names] for names in lists.values()
    )
    filesets = Filesets(rtl_files, axis_files, sva_files, smoke_files, [f"{prefix}.sdc"])
    texts[f"{prefix}.core"] = core(prefix, engine.name, filesets)
    texts["README.md"] = readme(engine, prefix, reset)
    return texts


def default_prefix(engine: Config, reset: str = "async") -> str:
    """`tpe_PE_ARRAY_RxC`, and behind it a hash of the parameters if they are not all defaults.

    A reset that is not the default stands behind that.
    """
    behind = "" if reset == "async" else f"_{reset}"
    pe, array, size = engine.record, engine.array, engine.size
    if engine.params == Config(pe, array, size).params:
        return f"tpe_{engine.name}{behind}"
    text = json.dumps(engine.params, sort_keys=True)
    return f"tpe_{engine.name}_{hashlib.sha256(text.encode()).hexdigest()[:6]}{behind}"
