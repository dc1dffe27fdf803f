"""Read Liberty files, gzipped or not, each parsed once per content.

The parsed form lies in `tpe.base.cache.cache_dir()/liberty`: a second reading takes a fraction of a
second.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

from tpe.base.cache import cache_dir, code_of
from tpe.base.errors import TpeError
from tpe.technology import build, grammar
from tpe.technology.library import Library, merge


def read_liberty(paths: str | Path | Sequence[str | Path]) -> Library:
    """One library from one Liberty file, or from several that belong together; gzip is seen.

    Files belong together if their voltage, temperature, process and thresholds agree and no cell
    stands in two of them; their units may differ. TpeError, in one line with file and line, for
    what cannot be read, is not Liberty, is truncated, or names a unit that is none.
    """
    files = [paths] if isinstance(paths, str | Path) else list(paths)
    if not files:
        raise TpeError("no Liberty file given")
    return merge([(str(path), read_file(Path(path))) for path in files])


def read_file(path: Path) -> Library:
    """The library of one file, from the cache if its content was parsed before.

    The key is the content of the file and of the code that reads it, so a stale form is never
    found; a damaged one is parsed anew.
    """
    raw, gzipped = grammar.load(path)
    digest = hashlib.sha256(raw).hexdigest()
    kept = cache_dir() / "liberty" / f"{digest[:32]}-{code_of(build.__name__)[:16]}.pickle"
    found = _kept(kept, digest)
    if found is not None:
        return found
    source = grammar.decode(path, raw, gzipped)
    library = build.library_of(source, grammar.parse(source), digest)
    _keep(kept, library)
    return library


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
