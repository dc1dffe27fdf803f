"""Carry-save trees against the literature, plain sums, an adder-by-adder walk, and their RTL.

Published counts are for unsigned N x N multipliers, whose column c holds min(c + 1, 2N - 1 - c)
bits, in rows that start at max(0, c - N + 1).
"""

from __future__ import annotations

import itertools
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tpe
from tpe.base.errors import TpeError
from tpe.hdl import emit
from tpe.hdl.emit.compressors import (
    KINDS,
    Tree,
    evaluate_tree,
    reduce_columns,
    tree_modules,
    word_tree,
)
from tpe.hdl.simulate.build import QUICK, Design, build, lint
from tpe.hdl.simulate.elaborate import elaborated

TREES = ("wallace", "dadda")
every_kind = pytest.mark.parametrize("kind", KINDS)
every_tree = pytest.mark.parametrize("kind", TREES)


def multiplier(kind: str, n: int) -> Tree:
    columns = range(2 * n - 1)
    heights = [min(c + 1, 2 * n - 1 - c) for c in columns]
    first = None if kind == "dadda" else [max(0, c - n + 1) for c in columns]
    return reduce_columns(kind, heights, keep_carry=True, first_rows=first)


def adders(tree: Tree) -> list[tuple[int, int]]:
    """Full and half adders of every stage."""
    sizes = [[len(x.takes) for x in stage.adders] for stage in tree.stages]
    return [(stage.count(3), stage.count(2)) for stage in sizes]


# ---- counts of the literature ----


@pytest.mark.parametrize("n", range(4, 25))
def test_dadda_multipliers_have_the_published_adders(n):
    """N^2 - 4N + 3 full, N - 1 half adders. Townsend, Swartzlander, Abraham, SPIE 5205, 2003."""
    tree = multiplier("dadda", n)
    assert (tree.full_adders, tree.half_adders) == (n * n - 4 * n + 3, n - 1)


def test_wallace_multipliers_have_the_published_adders():
    """4 x 4: 5 full, 3 half (Parhi, "VLSI Digital Signal Processing Systems", E.3). 8 x 8: 38 and
    15 (the usual dot diagram). Its stages are counted by hand, from the columns that rows cover:

    1. rows 0-7, 1-8, 2-9 and 3-10, 4-11, 5-12; through: 6-13, 7-14.
    2. 0-9, 2-9, 3-12: full 3-9, half 2. 5-12, 6-13, 7-14: full 7-12, half 6, 13.
    3. 0-12, 3-10, 5-14: full 5-10, half 3, 4, 11, 12; through: 7-14.
    4. 0-14, 4-13, 7-14: full 7-13, half 4, 5, 6, 14.
    """
    assert adders(multiplier("wallace", 8)) == [(12, 4), (13, 3), (6, 4), (7, 4)]
    assert [(t.full_adders, t.half_adders) for t in (multiplier("wallace", n) for n in (4, 8))] == [
        (5, 3),
        (38, 15),
    ]


# Dadda 1965: bits in a column -> stages, for the largest of each: 2, 3, 4, 6, 9, 13, ...
LARGEST = {1: 3, 2: 4, 3: 6, 4: 9, 5: 13, 6: 19, 7: 28, 8: 42, 9: 63, 10: 94}


@every_tree
def test_stages_are_those_of_daddas_sequence(kind):
    for height in range(3, 95):
        stages = next(n for n, largest in LARGEST.items() if height <= largest)
        assert len(word_tree(kind, height, 16).stages) == stages, height
        if height <= 24:
            assert len(multiplier(kind, height).stages) == stages, height


def test_rows_fall_as_each_tree_is_defined():
    """Wallace: h -> 2 (h // 3) + h % 3 = ceil(2h / 3). Dadda: the sequence. Chain: h - 1."""
    for height in (*range(3, 29), 42, 43, 63, 64, 94, 95, 130):
        counts = {kind: word_tree(kind, height, 16).row_counts for kind in KINDS}
        wallace = [height]
        while wallace[-1] > 2:
            wallace.append(2 * (wallace[-1] // 3) + wallace[-1] % 3)
        assert counts["wallace"] == tuple(wallace)
        dadda = [2, *(n for n in (*LARGEST.values(), 141) if n < height), height]
        assert counts["dadda"] == tuple(reversed(dadda))
        assert counts["chain"] == tuple(range(height, 1, -1))


@every_kind
@pytest.mark.parametrize("ops", [3, 4, 6, 9, 10, 18, 34])
def test_a_further_bit_costs_two_adders_less_than_words(kind, ops):
    """A column far from the low end gets as many carries as it makes, and keeps two of its bits."""
    narrow, wide = (word_tree(kind, ops, width) for width in (40, 41))
    assert wide.full_adders - narrow.full_adders == ops - 2
    assert wide.half_adders == narrow.half_adders


# ---- structure ----


def assert_sound(tree: Tree, keep: bool) -> None:
    """Every bit goes into one place; every output stands in the next stage; two rows are left."""
    standing = [*(stage.columns for stage in tree.stages), tree.rows]
    for stage, columns in zip(tree.stages, standing[1:], strict=True):
        taken = [(x.column, row) for x in stage.adders for row in x.takes]
        taken += [(x.column, x.row) for x in stage.wires]
        assert sorted(taken) == [(c, row) for c, rows in enumerate(stage.columns) for row in rows]
        made = [(x.column, x.sum_row) for x in stage.adders]
        made += [(x.column + 1, x.carry_row) for x in stage.adders if x.carry_row is not None]
        made += [(x.column, x.to) for x in stage.wires]
        assert sorted(made) == [(c, row) for c, rows in enumerate(columns) for row in rows]
        assert {len(x.takes) for x in stage.adders} <= {2, 3}
        dropped = {x.column for x in stage.adders if x.carry_row is None}
        assert dropped <= (set() if keep else {len(tree.columns) - 1})
    assert all(set(rows) <= {0, 1} for rows in tree.rows)
    assert keep or len(tree.rows) == len(tree.columns)


shapes = st.tuples(
    st.sampled_from(KINDS),
    st.lists(st.integers(0, 20), min_size=1, max_size=12).filter(any),
    st.booleans(),
)


@given(shapes, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_any_heights_are_reduced_soundly_and_exactly(shape, rng):
    kind, heights, keep = shape
    tree = reduce_columns(kind, heights, keep_carry=keep)
    assert [len(rows) for rows in tree.columns] == heights
    assert_sound(tree, keep)
    bits = {(c, row): rng.getrandbits(1) for c, h in enumerate(heights) for row in range(h)}
    words = [
        sum(bits.get((c, row), 0) << c for c in range(len(heights))) for row in range(max(heights))
    ]
    pair = evaluate_tree(tree, words, len(heights))
    assert pair == walk(tree, bits)
    assert (
        sum(pair) - sum(words) == 0 if keep else (sum(pair) - sum(words)) % 2 ** len(heights) == 0
    )


def walk(tree: Tree, bits: dict[tuple[int, int], int]) -> tuple[int, int]:
    """The pair, adder by adder: each counts the ones that it takes."""
    for stage in tree.stages:
        after = {(x.column, x.to): bits[x.column, x.row] for x in stage.wires}
        for x in stage.adders:
            ones = sum(bits[x.column, row] for row in x.takes)
            after[x.column, x.sum_row] = ones % 2
            if x.carry_row is not None:
                after[x.column + 1, x.carry_row] = ones // 2
        bits = after
    rows = [sum(bit << c for (c, row), bit in bits.items() if row == r) for r in (0, 1)]
    return rows[0], rows[1]


@every_kind
@pytest.mark.parametrize("n", [4, 7, 8, 12])
def test_a_multiplier_multiplies(kind, n):
    tree = multiplier(kind, n)
    assert_sound(tree, keep=True)
    for a, b in itertools.product([0, 1, 2**n - 1, 2 ** (n - 1), 0x5A5 % 2**n], repeat=2):
        words = [(a << row if b >> row & 1 else 0) for row in range(n)]
        if kind == "dadda":  # its columns are packed: row i is the i-th bit of a column
            columns = [[w >> c & 1 for w in words] for c in range(2 * n - 1)]
            packed = [bits[max(0, c - n + 1) : c + 1] for c, bits in enumerate(columns)]
            words = [
                sum(bits[row] << c for c, bits in enumerate(packed) if row < len(bits))
                for row in range(n)
            ]
        assert sum(evaluate_tree(tree, words, 2 * n - 1)) == a * b


def test_a_dadda_stage_adds_no_more_than_it_must():
    """Each column ends at the target, or below it without an adder; one half adder at most."""
    for tree in (multiplier("dadda", 13), word_tree("dadda", 18, 24), word_tree("dadda", 66, 40)):
        heights = [[len(rows) for rows in stage.columns] for stage in tree.stages]
        heights.append([len(rows) for rows in tree.rows])
        for i, stage in enumerate(tree.stages):
            target = tree.row_counts[i + 1]
            for column in range(len(tree.columns)):
                sizes = [len(x.takes) for x in stage.adders if x.column == column]
                assert sizes.count(2) <= 1
                assert heights[i + 1][column] == target or not sizes
                assert heights[i + 1][column] <= target


# ---- values ----


@every_kind
@pytest.mark.parametrize("keep", [False, True])
def test_every_set_of_few_narrow_words(kind, keep):
    for ops, width in itertools.product(range(1, 6), range(1, 4)):
        codes = np.arange(1 << (ops * width), dtype=np.uint64)
        words = [(codes >> (i * width)) % (1 << width) for i in range(ops)]
        tree = reduce_columns(kind, [ops] * width, keep_carry=keep)
        total, carry = evaluate_tree(tree, words, width)
        expected = np.sum(words, axis=0)
        if keep:
            assert (total + carry == expected).all()
        else:
            assert ((total + carry) % (1 << width) == expected % (1 << width)).all()
            assert (total | carry).max(initial=0) < 1 << width


def operand_sets(ops: int, width: int, count: int, seed: int) -> list[list[int]]:
    """Corners held constant over the words, one word apart, alternating; the rest uniform."""
    top = (1 << width) - 1
    corners = [0, 1, top, top - 1, 1 << (width - 1), top >> 1, 0x5555_5555_5555_5555_5555 & top]
    sets = [[corner] * ops for corner in corners]
    sets += [
        [x if i == at else y for i in range(ops)]
        for at in (0, ops - 1)
        for x, y in ((top, 0), (0, top), (1, top))
    ]
    sets += [[(x, y)[i % 2] for i in range(ops)] for x in corners for y in corners]
    rng = random.Random(seed)
    sets += [[rng.getrandbits(width) for _ in range(ops)] for _ in range(count)]
    return sets[:count]


LARGE = ((6, 32), (7, 1), (9, 13), (18, 14), (34, 16), (66, 40), (130, 63), (130, 64))


@every_kind
@pytest.mark.parametrize(("ops", "width"), LARGE)
def test_many_wide_words(kind, ops, width):
    tree = word_tree(kind, ops, width)
    assert_sound(tree, keep=False)
    sets = operand_sets(ops, width, 300, seed=ops * width)
    pairs = [evaluate_tree(tree, words, width) for words in sets]
    for words, pair in zip(sets, pairs, strict=True):
        assert sum(pair) % 2**width == sum(words) % 2**width
    total, carry = evaluate_tree(tree, np.array(sets, np.uint64).T, width)
    assert list(zip(total.tolist(), carry.tolist(), strict=True)) == pairs


@given(st.sampled_from(KINDS), st.integers(1, 40), st.integers(1, 100), st.data())
@settings(deadline=None)
def test_signed_words_of_any_size(kind, ops, width, data):
    words = data.draw(st.lists(st.integers(-(2**100), 2**100), min_size=ops, max_size=ops))
    total, carry = evaluate_tree(word_tree(kind, ops, width), words, width)
    assert 0 <= total < 2**width and 0 <= carry < 2**width
    assert (total + carry - sum(words)) % 2**width == 0


def test_arrays_are_words_of_one_shape():
    words = np.random.default_rng(1).integers(-(2**31), 2**31, (9, 4, 5), np.int32)
    total, carry = evaluate_tree(word_tree("dadda", 9, 40), words, 40)
    assert total.shape == (4, 5) and total.dtype == np.uint64
    modulus = 1 << 40
    assert ((total + carry) % modulus == (words.sum(axis=0, dtype=np.int64) % modulus)).all()
    total, carry = evaluate_tree(word_tree("wallace", 3, 8), [words[0], 7, -1], 8)
    assert ((total + carry) % 256 == (words[0].astype(np.int64) + 6) % 256).all()


def test_one_and_two_words_are_wires():
    for kind in KINDS:
        assert evaluate_tree(word_tree(kind, 1, 8), [-3], 8) == (253, 0)
        assert evaluate_tree(word_tree(kind, 2, 8), [-3, 5], 8) == (253, 5)
        total, carry = evaluate_tree(word_tree(kind, 2, 8), np.array([[-3], [-2]]), 8)
        assert (total.tolist(), carry.tolist()) == ([253], [254])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reduce_columns("wallas", [3]), "unknown tree 'wallas' (did you mean 'wallace'?)"),
        (lambda: tree_modules("array", []), "unknown tree 'array'"),
        (lambda: reduce_columns("dadda", []), "heights = []"),
        (lambda: reduce_columns("dadda", [0, 0]), "one bit or more"),
        (lambda: reduce_columns("dadda", [3, -1]), "none negative"),
        (lambda: reduce_columns("wallace", [3, 2], first_rows=[0]), "as many first rows"),
        (lambda: reduce_columns("dadda", [3], first_rows=[0]), "first_rows: a dadda tree"),
        (lambda: word_tree("dadda", 0, 8), "ops = 0, width = 8: both are 1 or more"),
        (lambda: tree_modules("chain", [(4, 0)]), "ops = 4, width = 0"),
        (lambda: evaluate_tree(word_tree("dadda", 3, 8), [1, 2], 8), "2 words: this tree takes 3"),
        (lambda: evaluate_tree(word_tree("dadda", 3, 8), [1, 2, 3], 9), "width = 9: this tree"),
        (lambda: evaluate_tree(reduce_columns("dadda", [3, 1]), [1, 2, 0], 2), "word 1 has a bit"),
        (lambda: evaluate_tree(word_tree("dadda", 1, 8), [np.ones(2)], 8), "arrays of float64"),
        (lambda: evaluate_tree(word_tree("dadda", 1, 8), [0.5], 8), "arrays of float64"),
        (lambda: evaluate_tree(word_tree("dadda", 1, 65), [np.ones(2, int)], 65), "65 columns"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(TpeError) as error:
        call()
    assert message in str(error.value)


# ---- SystemVerilog ----

PAIRS = ((3, 1), (4, 3), (4, 16), (6, 32), (7, 1), (9, 13), (12, 64), (18, 14), (34, 16), (66, 40))
COUNT = 4096  # operand sets: all of 4 words of 3 bits


def instance(prefix: str, number: int, ops: int, width: int) -> str:
    name = f"{prefix}_{number}"
    return f"""
  logic [{width - 1}:0] sum_{name}, carry_{name};
  {prefix}_half_reduce #(.NumOps({ops}), .Width({width})) u_{name} (
    .op_i(op_{number}), .sum_o(sum_{name}), .carry_o(carry_{name})
  );"""


def all_trees() -> dict[str, str]:
    """The modules of every kind, each under its own prefix."""
    modules: dict[str, str] = {}
    for kind in KINDS:
        modules |= emit.rename(tree_modules(kind, [*PAIRS, (1, 5), (2, 5)]), kind)
    return modules


def bench() -> str:
    """Reads words_I.hex, one operand set a line, and writes the pairs of all kinds."""
    body, reads, steps, shown = "", "", "", []
    for i, (ops, width) in enumerate(PAIRS):
        body += f"\n  logic [{ops - 1}:0][{width - 1}:0] op_{i};"
        body += f"\n  logic [{ops * width - 1}:0] words_{i} [0:{COUNT - 1}];"
        body += "".join(instance(kind, i, ops, width) for kind in KINDS)
        reads += f'\n    $readmemh({{folder, "/words_{i}.hex"}}, words_{i});'
        steps += f"\n      op_{i} = words_{i}[t];"
        shown += [f"{word}_{kind}_{i}" for kind in KINDS for word in ("sum", "carry")]
    return f"""
module bench;{body}
  initial begin
    string folder;
    int file;
    if (!$value$plusargs("folder=%s", folder)) $fatal;
    file = $fopen({{folder, "/pairs.txt"}}, "w");{reads}
    for (int t = 0; t < {COUNT}; t++) begin{steps}
      #1;
      $fdisplay(file, "{" ".join(["%h"] * len(shown))}", {", ".join(shown)});
    end
    $fclose(file);
    $finish;
  end
endmodule
"""


def test_rtl_is_the_model_bit_for_bit_and_the_sum(tmp_path):
    home = build(Design({**all_trees(), "bench": bench()}, "bench", (), False, QUICK))
    given = []
    for i, (ops, width) in enumerate(PAIRS):
        sets = operand_sets(ops, width, COUNT, seed=i)
        if ops * width == 12:
            sets = [[code >> (j * width) & 7 for j in range(ops)] for code in range(COUNT)]
        given.append(sets)
        lines = (f"{sum(x << (j * width) for j, x in enumerate(s)):x}\n" for s in sets)
        (tmp_path / f"words_{i}.hex").write_text("".join(lines))
    subprocess.run([home / "bench", f"+folder={tmp_path}"], check=True, capture_output=True)
    lines = (tmp_path / "pairs.txt").read_text().splitlines()
    assert len(lines) == COUNT
    shown = np.array([[int(word, 16) for word in line.split()] for line in lines], np.uint64).T
    pairs = iter(shown)
    for i, (ops, width) in enumerate(PAIRS):
        mask = np.uint64(2**width - 1)
        words = np.array(given[i], np.uint64).T
        for kind in KINDS:
            total, carry = next(pairs), next(pairs)
            assert ((total + carry) & mask == words.sum(axis=0, dtype=np.uint64) & mask).all()
            model = evaluate_tree(word_tree(kind, ops, width), words, width)
            assert (total == model[0]).all() and (carry == model[1]).all(), (kind, ops, width)


@every_tree
def test_generated_text_lints_and_keeps_to_the_house_rules(kind):
    pairs = [(1, 5), (2, 5), *PAIRS]
    modules = tree_modules(kind, pairs)
    leaves = [f"tpe_tree_{kind}_{ops}x{width}" for ops, width in PAIRS]
    assert list(modules) == ["tpe_half_reduce", *leaves]
    for name, text in modules.items():
        assert text.startswith(f"// {name} -- ")
        assert text.endswith("endmodule\n\n`default_nettype wire\n")
        assert "\n`default_nettype none\n" in text
        assert max(len(line) for line in text.splitlines()) <= 100
        assert not any(line != line.rstrip() for line in text.splitlines())
    ports = "".join(
        f",\n  input wire logic [{n - 1}:0][{w - 1}:0] op_{n}_{w}"
        f",\n  output logic [{w - 1}:0] s_{n}_{w}, c_{n}_{w}"
        for n, w in pairs
    )
    body = "".join(
        f"\n  tpe_half_reduce #(.NumOps({n}), .Width({w})) u_{n}_{w} "
        f"(.op_i(op_{n}_{w}), .sum_o(s_{n}_{w}), .carry_o(c_{n}_{w}));"
        for n, w in pairs
    )
    top = f"module every ({ports.removeprefix(',')}\n);{body}\nendmodule\n"
    assert lint({**modules, "every": top}, "every") == ""


@every_tree
def test_any_other_size_is_an_elaboration_error(kind):
    modules = tree_modules(kind, [(6, 32), (4, 16)])
    top = """
module every (input wire logic [5:0][15:0] op_i, output logic [15:0] sum_o, carry_o);
  tpe_half_reduce #(.NumOps(6), .Width(16)) u_half_reduce (.op_i, .sum_o, .carry_o);
endmodule
"""
    said = lint({**modules, "every": top}, "every")
    assert "was generated for this NumOps and Width" in said and "%Error" in said


@every_tree
def test_wires_alone_have_no_leaf(kind):
    modules = tree_modules(kind, [(1, 8), (2, 8)])
    assert list(modules) == ["tpe_half_reduce"]
    assert lint(modules, "tpe_half_reduce") == ""


YOSYS = """
from pyosys import libyosys as ys
design = ys.Design()
for command in {commands!r}:
    ys.run_pass(command, design)
"""


def yosys(modules: dict[str, str], commands: list[str], folder) -> subprocess.CompletedProcess[str]:
    for name, text in modules.items():
        (folder / f"{name}.sv").write_text(text)
    commands = [f"read_verilog -sv {folder / name}.sv" for name in modules] + commands
    script = YOSYS.format(commands=commands)
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )


MITER = """
module miter (input wire logic [{n}-1:0][{w}-1:0] op_i, output logic same);
  logic [{w}-1:0] sum, carry, pair, total;
  tpe_half_reduce #(.NumOps({n}), .Width({w})) u_half_reduce (.op_i, .sum_o(sum), .carry_o(carry));
  assign pair  = sum + carry;
  assign total = {total};
  assign same  = pair == total;
endmodule
"""
PROVE = ["hierarchy -check -top miter", "proc", "check -assert", "flatten", "opt -full"]


@every_tree
@pytest.mark.parametrize(("ops", "width"), [(3, 1), (5, 4), (6, 5), (7, 3)])
def test_yosys_proves_that_the_pair_is_the_sum(kind, ops, width, tmp_path):
    modules = tree_modules(kind, [(ops, width)])
    total = " + ".join(f"op_i[{i}]" for i in range(ops))
    modules["miter"] = MITER.format(n=ops, w=width, total=total)
    done = yosys(modules, [*PROVE, "sat -verify -prove same 1 miter"], tmp_path)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    # One exclusive or that is none: the same proof fails.
    leaf = f"tpe_tree_{kind}_{ops}x{width}"
    head, assigns = modules[leaf].split("  assign ", 1)
    modules[leaf] = f"{head}  assign {assigns.replace(' ^ ', ' | ', 1)}"
    done = yosys(modules, [*PROVE, "sat -verify -prove same 1 miter"], tmp_path)
    assert done.returncode != 0 and "proof did fail" in done.stdout + done.stderr


ENGINES = [
    ("mac", "systolic_os", {"stages": 3}),
    ("opt1", "matrix2d", {"a_type": "int16", "encoder": "ent"}),
    ("opt1", "systolic_os", {"a_type": "uint8", "zero_points": "offset"}),
    ("opt4c", "matrix2d", {"depth": 64}),
]


@every_tree
@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: f"{e[0]}-{e[1]}")
def test_a_whole_engine_takes_the_trees(kind, engine, tmp_path):
    pe, array, parameters = engine
    modules = emit.engine_modules(tpe.Engine(pe, array, (2, 2), **parameters))
    built = elaborated(modules, "tpe_engine")
    pairs = [(x.fan_in, x.bits) for x in built if x.op == "half_reduce"]
    assert pairs
    modules |= tree_modules(kind, pairs)
    assert elaborated(modules, "tpe_engine") == built
    renamed = emit.rename(modules, "mine")
    assert not any(
        "tpe_" in line.split("//")[0] for t in renamed.values() for line in t.split("\n")
    )
    assert lint(renamed, "mine") == ""
    commands = ["hierarchy -check -top mine", "proc", "check -assert", "memory -nomap"]
    commands += ["select -assert-none t:$dlatch t:$dlatchsr"]
    done = yosys(renamed, commands, tmp_path)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
