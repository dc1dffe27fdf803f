"""The table-lookup timer: small netlists by plain arithmetic, mapped ones beside OpenSTA."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.synth.test_synth import FULL, OSU018, without
from tests.synth.timer_reference import EVERY_PE, compared, mapped_parts
from tests.technology import tiny_liberty as tiny
from tpe.base.errors import TpeError
from tpe.cli.main import app
from tpe.model.engine import Engine
from tpe.synth.area import synthesis, timing
from tpe.synth.netlist.netlist import Netlist, read_netlist
from tpe.technology.technology import Technology, technology

sta = pytest.mark.skipif(shutil.which("sta") is None, reason="OpenSTA needs Debian's opensta")
CLOCK_SLEW = 0.05
WITHIN = 2e-3  # of OpenSTA; measured: 3e-5 at most


@pytest.fixture(scope="module")
def tech(tmp_path_factory) -> Technology:
    return tiny_technology(tmp_path_factory.mktemp("tiny"))


def tiny_technology(folder: Path, **options) -> Technology:
    file = folder / "tiny.lib"
    file.write_text(tiny.library(**options))
    return technology(file)


def netlist(ports: str, *cells: str) -> Netlist:
    """A module as Yosys writes it: `a b > y` are its ports, `INV u A=a Y=y` a cell."""
    inputs, outputs = (side.split() for side in ports.split(">"))
    lines = [f"module top({', '.join([*inputs, *outputs])});"]
    lines += [f"  input {port};" for port in inputs] + [f"  output {port};" for port in outputs]
    instances, nets = [], []
    for words in cells:
        kind, name, *pins = words.split()
        found = [pin.split("=") for pin in pins]
        nets += [net for _, net in found if "'" not in net]
        body = ",\n".join(f"    .{pin}({net})" for pin, net in found)
        instances.append(f"  {kind} {name} (\n{body}\n  );")
    own = dict.fromkeys(net for net in nets if net not in (*inputs, *outputs))
    lines += [f"  wire {net};" for net in own]
    return read_netlist("\n".join([*lines, *instances, "endmodule", ""]), "top")


def start(load: tuple[float, float]) -> dict[str, tuple[float, float]]:
    """(arrival, slew) of a rise and of a fall behind a flip-flop that drives a load."""
    rise, fall = load
    return {
        "rise": (tiny.Q_RISE.delay(CLOCK_SLEW, rise), tiny.Q_RISE.slew(CLOCK_SLEW, rise)),
        "fall": (tiny.Q_FALL.delay(CLOCK_SLEW, fall), tiny.Q_FALL.slew(CLOCK_SLEW, fall)),
    }


def through(edge: tiny.Edge, before: tuple[float, float], load: float) -> tuple[float, float]:
    """(arrival, slew) behind an arc."""
    arrival, slew = before
    return arrival + edge.delay(slew, load), edge.slew(slew, load)


def end(rise: tuple[float, float], fall: tuple[float, float]) -> float:
    """The later of two edges with its setup time."""
    return max(
        rise[0] + tiny.SETUP_RISE(CLOCK_SLEW, rise[1]),
        fall[0] + tiny.SETUP_FALL(CLOCK_SLEW, fall[1]),
    )


INV, ONE, D = (2.0, 6.0), (1.0, 1.0), (2.0, 3.0)  # what pins weigh, fF: of a rise, of a fall


def inverters() -> float:
    """Three inverters: a fall makes a rise, and every load is its own edge's."""
    q = start(INV)
    rise, fall = q["rise"], q["fall"]
    for load in (INV, INV, D):
        rise, fall = (
            through(tiny.INV_RISE, fall, load[0]),
            through(tiny.INV_FALL, rise, load[1]),
        )
    return end(rise, fall)


def heavy() -> float:
    """One inverter drives forty: 80 and 240 fF, where the tables end at 10."""
    q = start(INV)
    rise = through(tiny.INV_RISE, q["fall"], 40 * 2.0)
    fall = through(tiny.INV_FALL, q["rise"], 40 * 6.0)
    return end(
        through(tiny.INV_RISE, fall, D[0]),
        through(tiny.INV_FALL, rise, D[1]),
    )


def bends() -> float:
    """BENT drives 5 fF for a fall: beyond 4 fF it goes on at 0.5 ns a fF; slews beyond 0.2 too.

    Delay is bilinear on the last pieces: `0.5 (load - 2) + 10 (slew - 0.1)` there.
    """
    q = start(ONE)
    first = {
        edge: (q[edge][0] + part(q[edge][1], load), slew)
        for edge, load, slew in (("rise", 1.0, 0.1), ("fall", 1.0, 0.25))
    }
    load = {"rise": 2.0 + 3 * 1.0, "fall": 3.0 + 3 * 1.0}  # D and three buffers
    slew = {"rise": 0.1 + 0.1 * (load["rise"] - 2.0), "fall": 0.25}
    rise, fall = ((first[e][0] + part(first[e][1], load[e]), slew[e]) for e in ("rise", "fall"))
    return end(rise, fall)


def part(slew: float, load: float) -> float:
    """BENT's delay, written as the sum of its two bends."""
    return 0.5 * max(0.0, load - 2.0) + 10 * max(0.0, slew - 0.1)


def non_unate() -> float:
    """Either edge of either input makes either edge: here a late fall makes the rise."""
    q = start(ONE)
    rise = max(through(tiny.XOR_RISE, q[e], D[0]) for e in q)
    slew = max(through(tiny.XOR_RISE, q[e], D[0])[1] for e in q)
    fall = max(through(tiny.XOR_FALL, q[e], D[1]) for e in q)
    slew_fall = max(through(tiny.XOR_FALL, q[e], D[1])[1] for e in q)
    return end((rise[0], slew), (fall[0], slew_fall))


def full_adder() -> float:
    """The carry of the first adder, then the sum of the second, by either edge of it.

    The slew of the sum is that of its other inputs, which turn more slowly than the carry.
    """
    q = start(ONE)
    carry = {e: through(tiny.CARRY, q[e], 1.0) for e in q}
    assert max(c[1] for c in carry.values()) < q["fall"][1]

    def sums(load: float) -> tuple[float, float]:
        late = max(through(tiny.SUM, carry[e], load)[0] for e in q)
        return late, through(tiny.SUM, q["fall"], load)[1]

    return end(sums(D[0]), sums(D[1]))


def worst_slew() -> float:
    """NAND: input B comes last, input A turns the output slowest; both count in what follows."""
    q = start(ONE)
    late = {e: through(tiny.NAND_B, q[f], load)[0] for e, f, load in opposite(INV)}
    slow = {e: through(tiny.NAND_A, q[f], load)[1] for e, f, load in opposite(INV)}
    rise = through(tiny.INV_RISE, (late["fall"], slow["fall"]), D[0])
    fall = through(tiny.INV_FALL, (late["rise"], slow["rise"]), D[1])
    return end(rise, fall)


def opposite(load: tuple[float, float]) -> list[tuple[str, str, float]]:
    return [("rise", "fall", load[0]), ("fall", "rise", load[1])]


def any_state() -> float:
    """An arc under `when` counts whatever the state: the slower one, which does not invert."""
    q = start(ONE)
    by_a = {e: through(tiny.WHEN_0, q[e], load) for e, load in zip(q, D, strict=True)}
    return end(by_a["rise"], by_a["fall"])


def one_state() -> float:
    """B is 1: the arcs of B = 0 cannot be, and the one that is left inverts."""
    q = start(ONE)
    by_a = {e: through(tiny.WHEN_1, q[f], load) for e, f, load in opposite(D)}
    return end(by_a["rise"], by_a["fall"])


def register() -> float:
    """From one flip-flop to itself through an inverter."""
    q = start(INV)
    return end(through(tiny.INV_RISE, q["fall"], D[0]), through(tiny.INV_FALL, q["rise"], D[1]))


CASES: dict[str, tuple[Netlist, str, Callable[[], float]]] = {
    "inverters": (
        netlist("a > y", "INV u1 A=a Y=n", "INV u2 A=n Y=m", "INV u3 A=m Y=y"),
        "in_to_out",
        inverters,
    ),
    "beyond the axes": (
        netlist(
            "a > y",
            "INV u1 A=a Y=n",
            "INV u2 A=n Y=y",
            *(f"INV v{i} A=n Y=z{i}" for i in range(39)),
        ),
        "in_to_out",
        heavy,
    ),
    "bends": (
        netlist(
            "a > y",
            "BENT u1 A=a Y=n",
            "BENT u2 A=n Y=y",
            *(f"BUF v{i} A=y Y=z{i}" for i in range(3)),
        ),
        "in_to_out",
        bends,
    ),
    "non-unate": (netlist("a b > y", "XOR u A=a B=b Y=y"), "in_to_out", non_unate),
    "full adders": (
        netlist(
            "a b c d e > s co",
            "FA u1 A=a B=b C=c CO=n",
            "FA u2 A=n B=d C=e S=s CO=co",
        ),
        "in_to_out",
        full_adder,
    ),
    "worst slew": (
        netlist("a b > y", "NAND u1 A=a B=b Y=n", "INV u2 A=n Y=y"),
        "in_to_out",
        worst_slew,
    ),
    "any state": (netlist("a b > y", "WHEN u A=a B=b Y=y"), "in_to_out", any_state),
    "a constant": (netlist("a > y", "WHEN u A=a B=1'h1 Y=y"), "in_to_out", one_state),
    "a tied constant": (
        netlist("a > y", "TIE t NIL=n", "XOR v A=n B=1'h1 Y=m", "WHEN u A=a B=m Y=y"),
        "in_to_out",
        one_state,
    ),
    "register": (
        netlist("clk_i > ", "DFF r CK=clk_i D=d Q=q", "INV u A=q Y=d"),
        "reg_to_reg",
        register,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_netlist_by_hand(name, tech):
    given, kind, by_hand = CASES[name]
    found = timing.timings(tech, [given])[0]
    assert found is not None and found.paths[kind] == pytest.approx(by_hand(), rel=1e-9)
    assert found.limited_by == kind and found.path[-1].arrival_ns == found.period_ns


@sta
@pytest.mark.parametrize("name", CASES)
def test_opensta_says_the_same_of_it(name, tech):
    given, kind, by_hand = CASES[name]
    found = timing.timings(tech, [given], "sta")[0]
    assert found is not None and found.paths[kind] == pytest.approx(by_hand(), abs=3e-6)


def test_between_opposite_edges_lies_half_a_period(tech):
    """From a rise to a fall: twice the path. From a fall to a fall: once, as between rises."""
    given = netlist(
        "clk_i > ",
        "DFF r CK=clk_i D=d Q=q",
        "INV u A=q Y=d",
        "DFFN s CK=clk_i D=q Q=p",
    )
    found = timing.timings(tech, [given])[0]
    q = start((2.0 + 2.0, 6.0 + 3.0))  # the inverter and the data pin of s
    assert found is not None
    assert found.period_ns == pytest.approx(2 * end(q["rise"], q["fall"]), rel=1e-9)
    assert found.path[-1].arrival_ns == pytest.approx(found.period_ns / 2)
    if timing.opensta() is not None:
        with pytest.raises(TpeError, match="opposite edges of the clock: not timed with --timer"):
            timing.timings(tech, [given], "sta")
    falling = netlist("clk_i > ", "DFFN r CK=clk_i D=d Q=q", "INV u A=q Y=d")
    again = timing.timings(tech, [falling])[0]
    assert again is not None and again.period_ns == pytest.approx(register(), rel=1e-9)


def test_an_inverted_clock_is_the_other_edge(tech):
    """A rising flip-flop behind an inverter of the clock takes what a falling one would."""
    plain = netlist("clk_i > ", "DFF r CK=clk_i D=d Q=d", "DFFN s CK=clk_i D=d Q=p")
    behind = netlist(
        "clk_i > ", "DFF r CK=clk_i D=d Q=d", "INV c A=clk_i Y=k", "DFF s CK=k D=d Q=p"
    )
    first, second = timing.timings(tech, [plain, behind])
    assert first is not None and second is not None
    assert first.period_ns == pytest.approx(second.period_ns, rel=1e-12)


def test_a_library_whose_flip_flops_all_have_resets_is_timed(tmp_path):
    """The reset of the one at the edge is tied off; its arcs are those of a plain one."""
    only = tiny_technology(tmp_path, plain=False)
    assert timing.edge_flop(only).cell == "DFFR"
    given, kind, by_hand = CASES["inverters"]
    for timer in ("own", "sta") if timing.opensta() else ("own",):
        found = timing.timings(only, [given], timer)[0]
        assert found is not None and found.paths[kind] == pytest.approx(by_hand(), abs=3e-6)


@sta
@pytest.mark.parametrize("options", [{"low": 30, "high": 70}, {"derate": 0.5}], ids=str)
def test_thresholds_and_derates_are_the_tables_own(options, tmp_path):
    """Slews in and out are those of the same library: neither changes a figure, in either timer."""
    other = tiny_technology(tmp_path, **options)
    given, kind, by_hand = CASES["worst slew"]
    for timer in timing.TIMERS:
        found = timing.timings(other, [given], timer)[0]
        assert found is not None and found.paths[kind] == pytest.approx(by_hand(), abs=3e-6)


def test_modules_inside_are_timed_through(tech):
    """Two copies of a module in a row, one port passed straight through, one held at 1."""
    text = (
        "module leaf(a, b, y, z);\n  input a;\n  input b;\n  output y;\n  output z;\n"
        "  assign z = a;\n  WHEN u (\n    .A(a),\n    .B(b),\n    .Y(y)\n  );\nendmodule\n"
        "module top(a, y, z);\n  input a;\n  output y;\n  output z;\n  wire n;\n"
        "  leaf l (\n    .a(a),\n    .b(1'h1),\n    .y(y),\n    .z(n)\n  );\n"
        "  leaf m (\n    .a(n),\n    .b(1'h1),\n    .z(z)\n  );\nendmodule\n"
    )
    q = start((2 * 1.0 + D[0], 2 * 1.0 + D[1]))
    by_a = {e: through(tiny.WHEN_1, q[f], load) for e, f, load in opposite(D)}
    found = timing.timings(tech, [read_netlist(text, "top")])[0]
    assert found is not None
    assert found.period_ns == pytest.approx(end(by_a["rise"], by_a["fall"]), rel=1e-9)
    assert [stage.instance for stage in found.path] == ["tpe_in_a_0", "l/u", "tpe_out_y_0"]


def test_what_has_no_path_has_no_timing(tech):
    """Constants alone, and what a black box drives."""
    for given in (
        netlist("a > y", "INV u A=1'h1 Y=y", "INV v A=a Y=n"),
        netlist("a > y", "RAM r A=a Q=n", "INV v A=n Y=y"),
    ):
        assert timing.timings(tech, [given]) == [None]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["INV u A=y Y=n", "INV v A=n Y=y"], "combinational loop through [uv], [uv]: it"),
        (["INV u A=a Y=y", "INV v A=a Y=y"], "gate v drives a net that another gate drives"),
        (
            ["LATCH u G=a D=a Q=y"],
            "cell LATCH is a latch: not timed; legal: flip-flops",
        ),
        (["OFF u A=a B=a Y=y"], "cell OFF has a three-state output Y"),
        (["DFF u CK=clk_i D=clk_i Q=y"], "u takes the clock as data"),
    ],
)
def test_what_is_not_timed_is_said(cells, said, tech):
    with pytest.raises(TpeError, match=said) as error:
        timing.timings(tech, [netlist("clk_i a > y", *cells)])
    assert "\n" not in str(error.value)


# ---- mapped netlists, beside OpenSTA ----


def check(tech: Technology, mapped) -> None:
    found = list(compared(tech, mapped))
    assert found
    wrong = [(one.name, one.error) for one in found if one.error > WITHIN]
    assert not wrong, wrong


@sta
@pytest.mark.parametrize("pe", EVERY_PE, ids=lambda pe: pe.name)
def test_every_pe_is_what_opensta_says(pe):
    tech = technology()
    check(tech, mapped_parts(pe, tech, "sklansky/small"))


@sta
def test_every_recipe_is_what_opensta_says():
    tech = technology()
    check(tech, mapped_parts("opt4c", tech, "portfolio", cell_alone=True))


@sta
@pytest.mark.parametrize(
    "library",
    [
        pytest.param(FULL, id="sky130hd", marks=without(FULL, "../shared/liberty")),
        pytest.param(OSU018, id="osu018", marks=without(OSU018, "Debian's qflow-tech-osu018")),
    ],
)
@pytest.mark.parametrize("pe", ["mac", "opt4c"])
def test_other_libraries_are_what_opensta_says(pe, library):
    tech = technology(library)
    check(tech, mapped_parts(pe, tech, "sklansky/fast,ripple/small,ripple/small/full_adders"))


@sta
@pytest.mark.full
@pytest.mark.parametrize(
    "library",
    [
        "tpe130",
        pytest.param(FULL, id="sky130hd", marks=without(FULL, "../shared/liberty")),
        pytest.param(OSU018, id="osu018", marks=without(OSU018, "Debian's qflow-tech-osu018")),
    ],
)
@pytest.mark.parametrize("pe", EVERY_PE, ids=lambda pe: pe.name)
def test_every_pe_by_every_recipe_is_what_opensta_says(pe, library):
    tech = technology(library)
    check(tech, mapped_parts(pe, tech, "portfolio"))


@sta
def test_an_array_is_what_opensta_says():
    """Modules mapped once, composed, with buffers between them: timed through every boundary."""
    engine = Engine("opt1", "systolic_os", "4x4")
    made = synthesis.synthesise(engine, recipes=("sklansky/fast", "ripple/small"), array=True)
    for composed in made.designs[0].composed:
        other = timing.timings(made.technology, [composed.netlist], "sta")[0]
        assert composed.timing is not None and other is not None
        assert composed.timing.paths == pytest.approx(other.paths, rel=WITHIN)


@sta
def test_wires_of_a_wire_load():
    """Each sink's branch delays it and weighs; OpenSTA's drivers see a little less of it."""
    plain, wired = technology(), technology(wire_load="Small")
    netlists = [m.netlist for m in mapped_parts("opt4c", plain, "sklansky/small")]
    without_, own = timing.timings(plain, netlists), timing.timings(wired, netlists)
    theirs = timing.timings(wired, netlists, "sta")
    for dry, mine, other in zip(without_, own, theirs, strict=True):
        assert dry is not None and mine is not None and other is not None
        assert mine.period_ns > 1.03 * dry.period_ns
        assert mine.period_ns == pytest.approx(other.period_ns, rel=0.02)


@sta
def test_the_critical_path_is_that_of_opensta(tmp_path):
    """Instance by instance, pin by pin, with the arrival at every one."""
    tech = technology()
    mapped = mapped_parts("mac", tech, "sklansky/small")[0]
    found = timing.timings(tech, [mapped.netlist])[0]
    assert found is not None and found.limited_by == "in_to_reg"
    read, linked = tech.opensta()
    script = [*read, *timing.opensta_script(tech, mapped.netlist, 0, tmp_path, linked)]
    said = timing.run_opensta("\n".join(script), tmp_path)
    groups = re.findall(r"^Path Group: (\w+)$(.*?)data arrival time", said, re.S | re.M)
    row = re.compile(r"([\d.]+) [v^] (?:u_dut/)?(\S+)/(\w+) \((\S+)\)$", re.MULTILINE)
    theirs = [match.groups() for match in row.finditer(dict(groups)["in_to_reg"])][1:]
    mine = [(s.instance, s.output or s.input, s.cell) for s in found.path]
    assert [names for _, *names in theirs] == [list(one) for one in mine]
    arrivals = [s.arrival_ns if s.output else s.arrival_ns - s.delay_ns for s in found.path]
    assert [float(late) for late, *_ in theirs] == pytest.approx(arrivals, abs=1e-5)


def test_ripples_of_full_adders_are_timed_through():
    """3276 um2 of tpe130, 15 to 16 ns as its gates are ordered; a timer that sees no path: 3.1."""
    made = synthesis.synthesise("mac", recipes="ripple/small,ripple/small/full_adders")
    smallest = min(made.designs[0].points["cell"], key=lambda point: point.area_um2)
    assert "full_adders" in smallest.mapped.label and round(smallest.area_um2) == 3276
    assert 15 < smallest.period_ns < 17
    if timing.opensta():
        (theirs,) = timing.timings(technology(), [smallest.mapped.netlist], "sta")
        assert theirs is not None
        assert smallest.period_ns == pytest.approx(theirs.period_ns, rel=WITHIN)
    assert smallest.mapped.abc_delay_ns < 0.3 * smallest.period_ns


# ---- the choice of a timer, what is kept, what is shown ----


@pytest.mark.parametrize("timer", ["abc", "x", ""])
def test_timers_are_own_and_sta(timer):
    done = CliRunner().invoke(app, ["synth", "--pe", "mac", "--timer", timer])
    assert done.exit_code == 2
    assert done.stderr.strip().endswith(f"timer = '{timer}' is not legal: own or sta")


def test_a_path_is_kept_whole(tech):
    """As JSON and back; and a key that changes with the timer."""
    found = timing.timings(tech, [CASES["inverters"][0]])[0]
    assert found is not None and len(found.path) == 5
    assert timing.timing_of(json.loads(json.dumps(asdict(found)))) == found
    times = [stage.delay_ns for stage in found.path]
    assert sum(times) == pytest.approx(found.period_ns, rel=1e-12)
    if timing.opensta():
        assert timing.timer_key(tech, "sta") != timing.timer_key(tech)
    assert timing.timer_key(replace(tech, wire_load="w")) != timing.timer_key(tech)
