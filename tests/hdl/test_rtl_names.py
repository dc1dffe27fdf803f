"""`rtl/tpe_pkg.sv`: an integer that a parameter chooses by has one name, in RTL and in Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import tpe
from tpe import array as arrays
from tpe import pe as pes
from tpe.base.errors import TpeError
from tpe.base.files import data_folder
from tpe.engine.config import Config
from tpe.engine.finish import GUARDED, ROUNDINGS
from tpe.engine.parameters import parameters_of
from tpe.hdl import emit
from tpe.hdl.emit import rtl_names, sources
from tpe.hdl.emit.package import package_texts
from tpe.hdl.emit.package_files.folder import leaves_first
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.slang import check
from tpe.numbers.zero_points import MODES
from tpe.pe.parameters import ENCODERS, Parameter

NAMED = rtl_names.named()


def worded() -> Iterator[Parameter]:
    """Parameters of PEs and arrays that are words in Python and integers in RTL."""
    for pe in map(pes.get, pes.names()):
        yield from (
            p
            for p in parameters_of(pe)
            if p.rtl and isinstance(p.legal[0], str) and p.legal != ("off", "on")
        )


def test_python_and_the_package_have_the_same_words_and_numbers() -> None:
    assert NAMED["Encoder"] == ENCODERS
    assert NAMED["Zero"] == {word: i for i, word in enumerate(MODES)}
    assert NAMED["Rounding"] == {word: i for i, word in enumerate(ROUNDINGS)}
    assert NAMED["Narrow"] == {"none": 0, **{word: i + 1 for i, word in enumerate(GUARDED)}}
    others = {"BSupply", "Dot", "Hold", "Negate", "Top", "Overlap", "LmulOffset", "Stall"}
    others |= {"Special", "Align", "CAdd", "CType", "Normaliser", "PsumForm"}
    others |= {"Subnormals", "ProductOverflow", "Multiplier", "SelectFrom", "Table"}
    others |= {"Inversion"}
    assert set(NAMED) == {"Encoder", "Zero", "Rounding", "Narrow"} | others


@pytest.mark.parametrize("overflow", ["raise", "wrap", *GUARDED])
def test_the_models_narrowing_is_the_packages(overflow: str) -> None:
    chain = Config(pes.get("mac"), arrays.get("os"), (2, 2), overflow=overflow).chain
    assert chain.narrow == NAMED["Narrow"].get(overflow, NAMED["Narrow"]["none"])


def test_every_word_that_a_record_gives_to_rtl_is_in_the_package() -> None:
    found: dict[str, dict[str, int]] = {}
    for parameter in worded():
        numbers = {word: parameter.rtl_value(word) for word in parameter.legal}
        known = found.setdefault(parameter.rtl, {})
        assert all(known.get(word, number) == number for word, number in numbers.items())
        known |= numbers
    assert {"Encoder", "Negate", "Overlap"} <= set(found)
    found["Hold"]["gated"] = 2  # of an array alone: what its cells are with gating = clock
    for name, numbers in found.items():
        assert NAMED[name] == numbers, name


def test_a_change_on_either_side_is_seen() -> None:
    text = sources.text(rtl_names.PACKAGE)
    other = rtl_names.named(text.replace("EncoderEnt   = 1", "EncoderEnt   = 2"))
    assert other["Encoder"] != ENCODERS
    other = rtl_names.named(text.replace("RoundingHalfAway", "RoundingAway"))
    assert list(other["Rounding"]) != list(ROUNDINGS)
    with pytest.raises(ValueError, match="BoothEncoder is no name of encoder_e"):
        rtl_names.named(text.replace("EncoderBooth", "BoothEncoder"))


def test_what_has_no_name_is_one_line() -> None:
    for parameter, word in (("Encoder", "csd"), ("Rows", "four")):
        with pytest.raises(TpeError) as error:
            rtl_names.number(parameter, word)
        assert "\n" not in str(error.value) and word[:3] in f"{error.value} four"


def _files() -> list[Path]:
    root = data_folder("rtl")
    folders = [root / name for name in ("prim", "pe", "array", "fp", "formal")]
    return [path for folder in folders for path in sorted(folder.glob("*.sv"))]


def test_no_rtl_compares_a_named_parameter_with_a_bare_number() -> None:
    names = "|".join(NAMED)
    bare = re.compile(rf"\b({names}) *(=|==|!=|<|>|<=|>=) *\d|\b({names}) *[-+]|[-+] *({names})\b")
    for path in _files():
        code = re.sub(r"//[^\n]*", "", path.read_text())
        if path.stem == "tpe_prop_encode_row":  # Form of tpe_spec_code counts on from Encoder
            code = code.replace("2 + Encoder", "")
        assert not bare.search(code), (path.name, bare.search(code))


def test_every_name_is_used() -> None:
    code = "\n".join(re.sub(r"//[^\n]*", "", path.read_text()) for path in _files())
    used = set(re.findall(r"tpe_pkg::(\w+)", code))
    every = {
        str(rtl_names.reference(name, word)).split("::")[1]
        for name in NAMED
        for word in NAMED[name]
    }
    assert used <= every
    # What is neither none nor saturating; what is neither kept nor behind a row's clock gate.
    assert every - used <= {"NarrowFlag", "HoldGated"}


# ---- what is emitted ----


def everything() -> Config:
    return tpe.Engine(
        "opt1",
        "os",
        (2, 2),
        encoder="ent",
        encode_in="edge",
        a_type="uint8",
        zero_points="subtract",
        overflow="flag",
        requant="column",
        rounding="half_up",
    )


def test_an_emitted_engine_says_what_it_chooses_by_name() -> None:
    modules = emit.engine_modules(everything())
    top, cell = modules["tpe_engine"], modules["tpe_cell"]
    for name in ("ZeroSubtract", "EncoderEnt", "NarrowFlag", "RoundingHalfUp"):
        assert f"(tpe_pkg::{name})" in top, name
    assert ".Encoder(tpe_pkg::EncoderEnt)" in cell
    assert "Rounding   = tpe_pkg::RoundingHalfUp," in modules["tpe_requant"]
    sparse = emit.engine_modules(tpe.Engine("opt4c", "matrix2d", (2, 2), overlap="load"))
    assert "Overlap    = tpe_pkg::OverlapLoad," in sparse["tpe_matrix2d_indexed"]


def test_the_package_comes_first_and_under_the_prefix() -> None:
    assert next(iter(emit.engine_modules(everything()))) == "tpe_pkg"
    renamed = emit.rename(emit.engine_modules(everything()), "mine")
    assert next(iter(renamed)) == "mine_pkg" and "package mine_pkg;" in renamed["mine_pkg"]
    assert not [name for name, text in renamed.items() if "tpe_pkg" in text]
    order = leaves_first(renamed, "mine")
    users = [name for name in order if "mine_pkg::" in renamed[name]]
    assert users and all(order.index("mine_pkg") < order.index(name) for name in users)
    listed = package_texts(everything(), "mine")["mine.f"].split()
    assert listed.index("mine_pkg.sv") < min(listed.index(f"{name}.sv") for name in users)


def test_a_package_holds_what_the_engine_uses() -> None:
    cell = ["encoder_e", "negate_e", "dot_e", "hold_e"]
    behind = ["zero_e", "narrow_e", "rounding_e", "overlap_e", "stall_e"]
    for engine, types in (
        (everything(), ["encoder_e", "negate_e", "top_e", "hold_e", *behind]),
        (tpe.Engine("mac", "os", (2, 2)), [*cell, "overlap_e", "stall_e"]),
        (tpe.Engine("mac", "ws", (2, 2)), [*cell, "overlap_e", "stall_e"]),
    ):
        modules = emit.engine_modules(engine)
        assert re.findall(r"} (\w+);", modules["tpe_pkg"]) == types
        assert str(check(modules, "tpe_engine")) == ""


def test_two_engines_have_a_package_each_in_one_design() -> None:
    one = emit.rename(emit.engine_modules(everything()), "one")
    two = emit.rename(emit.engine_modules(tpe.Engine("mac", "os", (2, 2))), "two")
    assert {"one_pkg", "two_pkg"} <= {**one, **two}.keys()
    for name in ("one", "two"):
        assert lint({**one, **two}, name) == ""


def test_an_engine_of_modules_without_choices_has_no_package() -> None:
    assert "tpe_pkg" not in sources.closure({"tpe_x": sources.text("tpe_fifo")})
    assert "tpe_pkg" in sources.closure({"tpe_x": sources.text("tpe_unpack")})
