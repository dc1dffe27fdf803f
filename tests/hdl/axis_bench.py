"""The cocotb side of `tests/hdl/test_axis.py`: stream models that nobody here wrote, random pauses.

`jobs.json` has, for each wrapper of the bench, the beats of its streams and how many frames of C
to wait for; what came out goes into `results.json`.
"""

import json
import logging
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer, with_timeout
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource


def pauses(seed, share):
    """True in about `share` of the cycles, in bursts."""
    rng = random.Random(seed)
    while True:
        paused = rng.random() < share
        for _ in range(rng.randint(1, 4)):
            yield paused


def frames(beats):
    """Beats as frames: one ends with each beat that is a last one."""
    data, found = b"", []
    for beat, last in beats:
        data += bytes.fromhex(beat)
        if last:
            found.append(AxiStreamFrame(tdata=data))
            data = b""
    return found + ([AxiStreamFrame(tdata=data)] if data else [])


async def play(dut, number, job):
    """One GEMM through one wrapper; its frames of C."""
    streams = {}
    for side in job["streams"]:
        bus = AxiStreamBus.from_prefix(dut, f"e{number}_s_axis_{side}")
        source = AxiStreamSource(bus, dut.aclk, dut.aresetn, reset_active_level=False)
        source.log.setLevel(logging.WARNING)
        streams[side] = source
    bus = AxiStreamBus.from_prefix(dut, f"e{number}_m_axis_c")
    sink = AxiStreamSink(bus, dut.aclk, dut.aresetn, reset_active_level=False)
    sink.log.setLevel(logging.WARNING)
    while int(dut.aresetn.value) == 0:
        await RisingEdge(dut.aclk)
    for side, model in {**streams, "c": sink}.items():
        share = job["pauses"].get(side, job["pauses"]["other"])
        model.set_pause_generator(pauses(f"{number} {side} {job['seed']}", share))
    for side, source in streams.items():
        for frame in frames(job["streams"][side]):
            source.send_nowait(frame)
    found = []
    for _ in range(job["frames"]):
        frame = await sink.recv()
        found.append(bytes(frame.tdata).hex())
    for _ in range(50):
        await RisingEdge(dut.aclk)
    left = [side for side, source in streams.items() if not source.empty()]
    return {"frames": found, "left": left, "more": sink.count()}


@cocotb.test()
async def every_wrapper(dut):
    """All wrappers at once, each with its own GEMM."""
    jobs = json.loads(Path("jobs.json").read_text())
    for number, job in enumerate(jobs):
        for name, value in job["ports"].items():
            getattr(dut, f"e{number}_{name}").value = value
    dut.aresetn.value = 0
    Clock(dut.aclk, 2, "step").start()
    playing = [cocotb.start_soon(play(dut, i, job)) for i, job in enumerate(jobs)]
    await Timer(20, "step")
    await RisingEdge(dut.aclk)
    dut.aresetn.value = 1
    results = []
    for i, task in enumerate(playing):
        try:
            results.append(await with_timeout(task, 400_000, "step"))
        except TimeoutError:
            results.append({"hangs": i})
    Path("results.json").write_text(json.dumps(results))
