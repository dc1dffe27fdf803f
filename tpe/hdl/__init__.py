"""RTL: sources, emission, the simulator, co-simulation."""
