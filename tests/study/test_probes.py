"""Probes of tensor cores: what they have to find, by the rule; the command that prints them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from tpe.cli.main import app
from tpe.numbers.tensor_cores import all_rules, fused_dot
from tpe.study.probes import PROBES, probe, probes


def test_a_product_is_exact_in_fp32_and_rounded_once_in_fp16():
    for found in (probe(rule, "product") for rule in all_rules()):
        if found.rule.d.name == "fp32":
            assert found.mean_abs_error == 0  # 22 bits at most, 8 where 13 are kept
        assert found.not_nearest == 0


def test_sums_lose_bits_where_the_rule_says_so():
    errors = {
        (found.rule.arch, found.rule.a.name, found.rule.d.name, found.name): found
        for found in probes()
    }
    for (arch, name, d_type, kind), found in errors.items():
        if kind == "product" or d_type == "fp16":
            continue
        same = arch in ("turing", "ampere", "ada") and name in ("fp16", "bf16", "tf32")
        if same and ("ampere", name, d_type, kind) in errors:
            other = errors["ampere", name, d_type, kind]
            assert found.mean_abs_error == other.mean_abs_error
        short = name in ("e4m3fn", "e5m2") and arch in ("ada", "hopper")
        if kind == "accumulation":  # of fp32: cut at 13 bits, or at 23
            low, high = (2.0**-16, 2.0**-13) if short else (2.0**-27, 2.0**-23)
            assert low < found.mean_abs_error < high
            assert found.bias < 0 or short  # c itself is cut, which is most of it
            assert found.not_nearest > (0.9 if short else 0.05)


def test_the_accumulation_probe_is_the_rule_of_two_terms():
    """One product and c by float64: both cut at the larger exponent, and then D."""
    rule = fused_dot("ampere", "fp16", "fp16")
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 64)).astype(np.float16).astype(np.float64)
    c = rng.normal(size=(64, 64)).astype(np.float32).astype(np.float64)
    p = np.multiply.outer(a, b)
    raw = np.add.outer(np.frexp(a)[1], np.frexp(b)[1]) - 2  # a significand of 1 to 4
    unit = 2.0 ** (np.maximum(raw, np.frexp(c)[1] - 1) - 24)
    total = (np.trunc(p / unit) + np.trunc(c / unit)) * unit
    last = 2.0 ** (np.frexp(total)[1] - 24)
    d = np.trunc(total / last) * last
    found = probe(rule, "accumulation")
    assert found.mean_abs_error == np.abs(d - (p + c)).mean()


def test_the_command_prints_every_rule_and_says_what_is_not_modelled(tmp_path: Path):
    file = tmp_path / "probes.json"
    done = CliRunner().invoke(app, ["reproduce", "tensorcore", "--json", str(file)])
    assert done.exit_code == 0, done.output
    text = " ".join(done.output.split())
    assert "latencies and throughputs are of GPUs and are not modelled" in text
    rows = json.loads(file.read_text())["probes"]
    assert len(rows) == len(PROBES) * sum(rule.a == rule.b for rule in all_rules())
    assert {row["evidence"] for row in rows if row["arch"] == "turing"} == {"oracle only"}
    refused = CliRunner().invoke(app, ["reproduce", "tensorcore", "--liberty", "tpe130"])
    assert refused.exit_code == 2 and "--liberty is not legal for tensorcore" in str(
        refused.output + str(refused.exception)
    )
