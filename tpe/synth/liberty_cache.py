"""Read Liberty files, each parsed once per content: the parsed form lies in the user's cache."""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
import warnings
from functools import cache
from pathlib import Path

from tpe.jit import cache_dir
from tpe.synth import liberty, liberty_build, liberty_text, lut
from tpe.synth.liberty import Library


def read_file(path: Path) -> Library:
    """The library of one file, from the cache if its content was parsed before.

    The key is the content of the file and of the code that reads it, so a stale form is never
    found; a damaged one is parsed anew.
    """
    raw, gzipped = liberty_text.load(path)
    digest = hashlib.sha256(raw).hexdigest()
    kept = cache_dir() / "liberty" / f"{digest[:32]}-{_code()}.pickle"
    found = _kept(kept, digest)
    if found is not None:
        return found
    source = liberty_text.decode(path, raw, gzipped)
    library = liberty_build.library_of(source, liberty_text.parse(source), digest)
    _keep(kept, library)
    return library


@cache
def _code() -> str:
    """A digest of the modules that make a library of a file."""
    modules = (liberty, liberty_build, liberty_text, lut)
    texts = b"".join(Path(str(module.__file__)).read_bytes() for module in modules)
    return hashlib.sha256(texts).hexdigest()[:16]


def _kept(path: Path, digest: str) -> Library | None:
    try:
        # Ours alone, like the compiled kernels beside it: nothing that travels is unpickled.
        library = pickle.loads(path.read_bytes())
    except Exception:  # absent, cut off, written by another version: it is only a cache
        return None
    sound = isinstance(library, Library) and library.sha256 == (digest,)
    return library if sound else None


def _keep(path: Path, library: Library) -> None:
    """Write through a temporary file, so that readers never see half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(pickle.dumps(library, protocol=5))
        os.replace(file.name, path)
    except OSError as error:
        reason = error.strerror or error
        text = f"cannot write {path.parent} ({reason}): Liberty is parsed anew; set TPE_CACHE_DIR"
        warnings.warn(text, stacklevel=2)
