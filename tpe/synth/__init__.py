"""Area, timing and power from synthesis: Liberty libraries and technologies."""
