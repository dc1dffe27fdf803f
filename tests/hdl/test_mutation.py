"""Mutation testing: the benches see the faults that Yosys puts into the RTL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import tpe
from tpe import pe as pes
from tpe.array import combinations
from tpe.engine.config import Config
from tpe.hdl import emit
from tpe.hdl.mutate.bench import MutantSimulator, Trial
from tpe.hdl.mutate.equivalence import DIFFERENT, EQUIVALENT, judge
from tpe.hdl.mutate.float_operands import ROWS, subnormal_psums, zero_products
from tpe.hdl.mutate.mutate import (
    FLOOR,
    LIMIT,
    SPACED,
    MutationReport,
    classes,
    judge_engine,
    mutate,
    survivors,
    trials,
)
from tpe.hdl.mutate.netlist import Mutant, MutatedNetlist, mutated
from tpe.hdl.mutate.subjects import is_float, require_judged, sample, subjects, subjects_of
from tpe.numbers.approx_sums import added, approx_step, datapath_of, finished, loaded
from tpe.numbers.float_parts import exact_product
from tpe.numbers.formats import number_format
from tpe.numbers.tensor_cores import FusedDot, fused_dot

SMALL = {"a_type": "int3", "b_type": "int3", "acc_bits": 16, "overflow": "wrap"}


def small() -> tpe.Engine:
    return tpe.Engine("opt1", "matrix2d", (2, 1), **SMALL)


@pytest.fixture(scope="module")
def netlist() -> MutatedNetlist:
    return mutated(emit.engine_modules(small()), "tpe_engine", 40, seed=3)


# Survivors with what their proof says: equivalent by an argument where it does not finish, or seen
# by words that no bench happens to draw. See docs/mutation.md.
ARGUED = {
    # The index of a group without a digit: its codes are all zero, whichever of them is read.
    "opt3_matrix2d_4x2": ("open", "tpe_sparse tpe_sparse.sv:23: const1 at "),
    # Bit 23 of a scaled word that is clipped to 12 bits: seen by none but 2**23 to 2**23 + 2047.
    "mac_systolic_ws_4x2": ("different", "tpe_requant tpe_requant.sv:66: const0 at "),
}


def argued(engine, verdict):
    """Whether a survivor is one of ARGUED, with the answer of its proof that stands there."""
    proof, said = ARGUED.get(engine.name, ("", "-"))
    return verdict.proof == proof and verdict.mutant.describe().startswith(said)


@pytest.mark.parametrize("count", [20, pytest.param(50, marks=pytest.mark.full)])
def test_a_seeded_sample_is_killed(count):
    report = mutate(count, seed=0, limit=240)
    left = [
        f"{e.name} {v.proof}: {v.mutant.describe()}"
        for e, v in survivors(report)
        if not argued(e, v)
    ]
    assert len(report.verdicts) == count
    assert not left, "\n".join(left)
    assert {"array", "cell", "encoder", "finish", "front"} == report.table("part").keys()


@pytest.mark.full
def test_a_thousand_are_killed():
    report = mutate(1000, seed=0, limit=LIMIT)
    alive = [f"{e.name} {v.proof}: {v.mutant.describe()}" for e, v in survivors(report)]
    assert len(report.verdicts) == 1000
    assert report.rate >= FLOOR, "\n".join(alive)


def test_subjects_are_every_pe_and_array_with_rtl():
    known = [(p, a) for p, a, reason in combinations() if reason is None and p.rtl]
    judged = {p.name for p, _ in known if p.arithmetic.integral or is_float(p)}
    named = {"mac", "bipolar", "mixpe", "table_mult", "lut_tc", "fma", "fma_approxnorm", "lmul"}
    assert named | {"tensorcore"} <= judged
    legal = {(p.name, a.name) for p, a in known if p.name in judged and not a.fixed}
    assert {(e.pe.name, e.array.name) for e in subjects()} == legal
    assert len(sample(10_000, seed=0)) == len(subjects())
    few = sample(50, seed=0)
    assert any(e.pe.front != "none" for e in few) and any(is_float(e.record) for e in few)
    assert len(few) < len(subjects())


FLOATING = ("fma", "fma_approxnorm", "lmul", "tensorcore")
FEW = 12  # mutants of a fused sum in the landing tier, of one cell: many take long to build


@pytest.mark.parametrize("pe", FLOATING)
def test_operands_of_floating_point_meet_what_it_is_there_for(pe):
    """Seen in sums by the model: no numbers, both zeros, both ends, and what cancels to nothing."""
    e = tpe.Engine.of(subjects_of(pe)[0])
    result = e.arithmetic.result
    seen, cancelled = set(), 0
    for a, b in classes(e, seed=0):
        c = np.asarray(e.run(a, b).C, float)
        zero, end = c == 0, np.abs(c)
        cases = {
            "nan": np.isnan(c),
            "inf": np.isinf(c),
            "zero": zero & ~np.signbit(c),
            "-zero": zero & np.signbit(c),
            "subnormal": (end > 0) & (end < result.smallest_normal),
            "largest": (end > result.high / 4) & np.isfinite(c),
        }
        seen |= {name for name, there in cases.items() if there.any()}
        if a.shape[1] == 4:
            with np.errstate(invalid="ignore"):
                first = np.abs(a[:, :1].astype(float) * b[0])
            cancelled += np.count_nonzero((end < first / 64) & (first > 0))
    assert seen | {"-zero"} == {*cases} and cancelled > 10
    # L-Mul starts from +0, and its sums are exact where they are small; a tensor core has no -0.
    assert ("-zero" in seen) == (pe in ("fma", "fma_approxnorm"))


def fused_subject(**choice) -> tpe.Config:
    """The subject of fused sums in one array that has these parameters."""
    named = [e for e in subjects_of("tensorcore") if e.array.name == "matrix2d"]
    return next(e for e in named if choice.items() <= e.params.items())


def steps_of(e: tpe.Engine, a: np.ndarray, b: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """(c before it, products (M, lanes, N)) of every step, in float64: not rounded to the sum's."""
    lanes, c = e.widths.lanes, np.zeros((len(a), b.shape[1]))
    for k in range(0, a.shape[1], lanes):
        products = a[:, k : k + lanes, None].astype(float) * b[k : k + lanes].astype(float)
        yield c, products
        c = c + products.sum(axis=1)


def kinds_of(c: np.ndarray, products: np.ndarray, rule: FusedDot) -> dict[str, np.ndarray]:
    """Which sums of a step are of a kind that a fused sum is there for."""
    size = np.abs(products)
    top, exact = size.max(axis=1), c + products.sum(axis=1)
    cut, before = 2.0**-rule.fraction_bits, c != 0
    finite = np.isfinite(c) & np.isfinite(products).all(axis=1)
    return {
        "c dominates": finite & before & (top < cut * np.abs(c)) & (top > 0),
        "c vanishes": finite & before & (np.abs(c) < cut * top),
        "c is taken back": finite & before & (np.abs(exact) < np.abs(c) / 2**10),
        "below the floor": finite & (top > 0) & (top < 2.0**rule.floor) & ~before,
        "terms are cut": finite & ((size > 0) & (size < cut * top[:, None])).any(axis=1),
        "a product is infinite, with c": np.isinf(products).any(axis=1) & before,
        "c is infinite": np.isinf(c) & (top > 0),
        "opposite infinities": np.isinf(c) & np.isnan(exact),
    }


def test_operands_of_fused_sums_meet_what_such_sums_are_there_for():
    """Each kind, fifty times and more; and every lane has its share of the products."""
    e = tpe.Engine.of(fused_subject(arch="ampere"))
    rule = fused_dot("ampere", "tf32", "tf32")
    met: Counter[str] = Counter()
    lanes = np.zeros(rule.lanes, int)
    with np.errstate(invalid="ignore", over="ignore"):
        for a, b in classes(e, seed=0):
            for c, products in steps_of(e, a, b):
                kinds = kinds_of(c, products, rule)
                met.update({name: int(there.sum()) for name, there in kinds.items()})
                lanes[: products.shape[1]] += (products != 0).sum(axis=(0, 2))
    assert len(met) == 8 and min(met.values()) > 50, met
    assert lanes.min() > 0.8 * lanes.max()


NEAREST = Config("tensorcore", "matrix2d", (1, 1), arch="volta", acc_bits=16)  # one cell


@pytest.mark.full
def test_a_sample_of_one_cell_that_rounds_to_nearest_is_killed():
    report = mutate(60, seed=0, engines=[NEAREST], limit=240)
    alive = [f"{e.name} {v.proof}: {v.mutant.describe()}" for e, v in survivors(report)]
    assert report.rate >= FLOOR, "\n".join(alive)


def test_few_mutants_of_a_fused_sum_are_killed():
    """The same, of the landing tier."""
    report = mutate(FEW, seed=0, engines=[NEAREST], limit=60)
    alive = [f"{e.name} {v.proof}: {v.mutant.describe()}" for e, v in survivors(report)]
    assert len(report.verdicts) == FEW and not alive, "\n".join(alive)


def test_zeros_between_terms_tell_a_sum_that_they_move():
    """Sums in which a product of zero is added as any other are other sums, not always, but often:
    of a zero of A, which has a low exponent, only where they are normalised once more."""
    e = subjects_of("fma_approxnorm")[0]
    how = datapath_of(e.pe.kernel.settings)
    a, b = zero_products(np.random.default_rng(0), e.a_format, e.b_format, e.arithmetic.result)
    assert ((a == 0) & (b[:, 0] != 0)).any() and ((a != 0) & (b[:, 0] == 0)).any()
    left, right = e.a_format.codes(a).tolist(), e.b_format.codes(b[:, 0]).tolist()

    def total(row, moved):
        word = 0
        for k, (x, y) in enumerate(zip(row, right, strict=True)):
            _, _, exponent, product = exact_product(x, y, how.a, how.b)
            if product == 0 and k in moved:
                bits = e.a_format.fraction_bits + e.b_format.fraction_bits
                exponent += bits + (1 << (how.exponent_bits - 1))
                word = added(*loaded(word, how)[2:], exponent, 0, how)
            else:
                word = approx_step(word, x, y, how)
        return finished(word, how)

    plain = [total(row, ()) for row in left]
    assert (
        plain == e.arithmetic.result.codes(np.asarray(tpe.Engine.of(e).run(a, b).C)[:, 0]).tolist()
    )
    for moved in ((2, 3), (4, 5)):
        other = [total(row, moved) for row in left]
        assert sum(x != y for x, y in zip(plain, other, strict=True)) > ROWS // 16


@pytest.mark.parametrize("pe", [name for name in FLOATING if name != "tensorcore"])
def test_sums_of_normal_products_pass_through_subnormal_psums(pe):
    e = tpe.Engine.of(subjects_of(pe)[0])
    least = e.arithmetic.result.smallest_normal
    a, b = subnormal_psums(np.random.default_rng(0), e.a_format, e.b_format, e.arithmetic.result)
    both, second, others, every = (
        np.asarray(e.run(a[:, first:last], b[first:last]).C, float)
        for first, last in ((0, 2), (1, 2), (2, 4), (0, 4))
    )
    assert ((both != 0) & (np.abs(both) < least)).mean() > 0.3
    assert (np.abs(second) >= least).mean() > 0.9
    assert (every != others).mean() > 0.1


@pytest.mark.full
@pytest.mark.parametrize("pe", FLOATING)
def test_a_sample_of_floating_point_is_killed(pe):
    engines = [e for e in subjects_of(pe) if e.array.name == "matrix2d"]
    report = mutate(60, seed=0, engines=engines[:1], limit=240)
    alive = [f"{e.name} {v.proof}: {v.mutant.describe()}" for e, v in survivors(report)]
    assert report.rate >= FLOOR, "\n".join(alive)


def test_no_mutants_of_another_arithmetic():
    unknown = replace(pes.get("lmul").arithmetic, name="unknown", result=number_format("int8"))
    with pytest.raises(tpe.TpeError, match=r"no mutants of pe lmul: .* it computes in unknown"):
        require_judged(replace(pes.get("lmul"), arithmetic=unknown))


def test_a_drawing_is_reproducible_and_spread(netlist):
    modules = emit.engine_modules(small())
    again, other = (mutated(modules, "tpe_engine", 40, seed).mutants for seed in (3, 4))
    assert netlist.mutants == again != other
    assert [m.number for m in again] == list(range(1, 41))
    per_module = [sum(m.module == name for m in again) for name in {m.module for m in again}]
    assert len(per_module) >= 7
    assert max(per_module) - min(per_module) <= 1
    assert not any("CLK" in m.port for m in again)
    assert len({m.command for m in again}) == 40


def test_a_weak_bench_kills_fewer(netlist):
    e = small()
    case = next(trials(e, 0)).case
    zeros = replace(case, a=np.zeros((2, 1), int), b=np.zeros((1, 1), int))
    weak = MutantSimulator(e, netlist, [Trial(zeros)]).kills(netlist.mutants)
    strong = MutantSimulator(e, netlist, list(trials(e, 0))).kills(netlist.mutants)
    assert 0 < len(weak) < 0.8 * len(strong)
    assert weak.keys() <= strong.keys()


def test_verdicts_do_not_depend_on_the_order(netlist):
    e = small()
    bench = MutantSimulator(e, netlist, list(trials(e, 0))[:6])
    forth, back = bench.kills(netlist.mutants), bench.kills(netlist.mutants[::-1])
    assert forth == back


def test_an_unmutated_netlist_that_is_wrong_is_refused(netlist):
    e = small()
    bench_trials = list(trials(e, 0))
    kills = MutantSimulator(e, netlist, bench_trials).kills(netlist.mutants)
    number = next(n for n, kill in kills.items() if kill.how == "value")
    active = f"mutsel == 16'h{number:04x}"
    assert netlist.verilog.count(active) == 1
    broken = replace(netlist, verilog=netlist.verilog.replace(active, "1'b1"))
    with pytest.raises(RuntimeError, match="differs from its model"):
        MutantSimulator(e, broken, bench_trials).kills(netlist.mutants)


TOY = """
module toy (
    input wire clk_i, input wire rst_ni, input wire step_i, input wire x_i,
    output wire both_o, output wire y_o
);
  reg [1:0] q;  // one flag travels round: never both
  always @(posedge clk_i or negedge rst_ni)
    if (!rst_ni) q <= 2'b01;
    else if (step_i) q <= {q[0], q[1]};
  assign both_o = q[0] & q[1];
  assign y_o = q[0] ^ x_i;
endmodule
"""


@pytest.mark.parametrize(
    ("cell", "mode", "proof"),
    [
        ("$and", "const0", EQUIVALENT),  # in every state that can be reached
        ("$and", "const1", DIFFERENT),
        ("$xor", "const0", DIFFERENT),
        ("$xor", "inv", DIFFERENT),
    ],
)
def test_a_proof_of_equivalence_needs_all_reachable_states(cell, mode, proof):
    netlist = mutated({"toy": TOY}, "toy", 200, seed=0)
    chosen = next(m for m in netlist.mutants if cell in m.cell and m.mode == mode and m.port == "Y")
    assert judge(netlist, "toy", chosen, LIMIT) == proof


def test_a_word_that_is_not_valid_may_be_anything():
    text = """
module toy (
    input wire clk_i, input wire v_i, input wire x_i, output wire c_valid_o, output wire c_o
);
  assign c_valid_o = ~v_i;
  assign c_o = x_i & ~v_i;
endmodule
"""
    netlist = mutated({"toy": text}, "toy", 200, seed=0)
    ands = [m for m in netlist.mutants if "$and" in m.cell and m.mode == "const1"]
    proofs = {m.port: judge(netlist, "toy", m, LIMIT) for m in ands}
    assert proofs == {"A": DIFFERENT, "B": EQUIVALENT, "Y": DIFFERENT}


def test_a_memory_that_reads_on_while_the_sink_refuses_is_seen():
    """A psum buffer goes on showing the word of a read; no row need stand behind that one."""
    e = tpe.Engine("mac", "systolic_ws", (4, 2), **SMALL, psum_depth=3)
    modules = dict(emit.engine_modules(e))
    held = "if (read_i) data_q <="
    assert modules["tpe_ram"].count(held) == 1
    modules["tpe_ram"] = modules["tpe_ram"].replace(held, "data_q <=")
    always = mutated(modules, "tpe_engine", 1, seed=0)
    spaced = [trial for trial in trials(e, 0) if trial.case.handshake == SPACED]
    with pytest.raises(RuntimeError, match="differs from its model"):
        MutantSimulator(e, always, spaced).kills(always.mutants)


def test_rates_count_what_they_say():
    judged = judge_engine(small(), 12, seed=5, limit=5)
    assert len(judged.verdicts) == 12
    report = MutationReport(5, (judged,))
    killed, equivalent = report.count("killed"), report.count("equivalent")
    assert report.rate == killed / (12 - equivalent)
    assert report.raw_rate == killed / 12
    data = report.to_json("tpe mutate")
    assert data["killed"] + data["equivalent"] + data["survived"] == data["mutants"] == 12
    assert sum(data["by_kill"].values()) == killed


@pytest.mark.parametrize("count", [0, -1, 20001])
def test_a_count_out_of_range_is_refused(count):
    with pytest.raises(tpe.TpeError, match="count"):
        mutate(count)


def test_a_mutant_says_where_it_is(netlist):
    assert all(isinstance(m, Mutant) and m.module in m.describe() for m in netlist.mutants)
    assert all(m.line.startswith(m.module) for m in netlist.mutants)
