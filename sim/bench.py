"""The one cocotb bench: runs a list of jobs on the harnesses of `tpe_bench`, operands in bulk.

The jobs stand in `jobs.json` of the directory the simulator runs in, each with its settings and
the directory of its memories; what the harness measured goes into `results.json`.
"""

import json
import shutil
from pathlib import Path

import cocotb
from cocotb.triggers import RisingEdge, Timer


@cocotb.test()
async def run_jobs(dut):
    """Run every job and note the cycles it took; C lies in the job's own c.hex.

    The harness ends a run at its `cycle_limit`.
    """
    results = []
    dut.go.value = 0
    await Timer(4, "step")
    for job in json.loads(Path("jobs.json").read_text()):
        folder = Path(job["folder"])
        for memory in ("a.hex", "b.hex", "d.hex"):
            if (folder / memory).exists():
                shutil.copyfile(folder / memory, memory)
        for name in job.keys() - {"folder"}:
            getattr(dut, name).value = job[name]
        await Timer(4, "step")
        dut.go.value = 1
        await RisingEdge(dut.done)
        await Timer(1, "step")
        results.append({"cycles": int(dut.cycles.value)})
        if Path("deadlock.txt").exists():
            results[-1]["deadlock"] = "; ".join(Path("deadlock.txt").read_text().splitlines())
            Path("deadlock.txt").unlink()
        if Path("c.hex").exists():  # a run without a word leaves none
            shutil.move("c.hex", folder / "c.hex")
        dut.go.value = 0
        await Timer(4, "step")
    Path("results.json").write_text(json.dumps(results))
