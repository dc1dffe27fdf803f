"""RTL that is not ours: read with a SystemVerilog parser, run beside a model, judged."""
