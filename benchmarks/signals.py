"""The bench that the bulk one is measured against: every operand's port written in every cycle."""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import Timer


@cocotb.test()
async def drive(dut: Any) -> None:
    """Stream random operands port by port and read C whenever it is valid."""
    rng = np.random.default_rng(0)
    dut.rst_n.value = 0
    await Timer(2, "step")
    dut.rst_n.value = 1
    words = 0
    for cycle in range(int(os.environ["TPE_SIGNAL_CYCLES"])):
        dut.valid.value = 1
        dut.last.value = int(cycle % 128 == 127)
        operands = rng.integers(0, 256, 16).tolist()
        for i in range(8):
            getattr(dut, f"a{i}").value = operands[i]
            getattr(dut, f"b{i}").value = operands[8 + i]
        await Timer(1, "step")
        dut.clk.value = 1
        await Timer(1, "step")
        if dut.c_valid.value:
            words += int(dut.c.value) & 1
        dut.clk.value = 0
    Path("results.json").write_text(json.dumps([{"cycles": words}]))
