"""SCALE-Sim topologies: both layouts, every tolerance, every refusal."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.workloads.test_workloads import fails
from tpe.base.errors import TpeError
from tpe.workloads import LazyLayer, exact_gemm, load_scalesim, workload

CONV = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter,"
CONV += " Strides,\n"
GEMM = "Layer, M, N, K,\n"
BIG = 2**31 - 1


def write(path: Path, text: str | bytes) -> Path:
    file = path / "net.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def shapes(path: Path, text: str | bytes) -> list[tuple[str, int, int, int, int]]:
    layers = load_scalesim(write(path, text)).layers
    return [(layer.name, layer.m, layer.n, layer.k, layer.repeat) for layer in layers]


def test_a_convolution_has_the_sizes_that_scale_sim_gives_it(tmp_path: Path) -> None:
    # 224 - 11 is no multiple of 4: ceil counts the last window, (213 / 4 -> 54) + 1 = 55.
    rows = "Conv1, 224, 224, 11, 11, 3, 96, 4,\nConv2, 27, 31, 5, 3, 96, 256, 1,\n"
    expected = [("Conv1", 55 * 55, 96, 363, 1), ("Conv2", 23 * 29, 256, 1440, 1)]
    assert shapes(tmp_path, CONV + rows) == expected
    layer = load_scalesim(write(tmp_path, CONV + rows)).layers[0]
    assert isinstance(layer, LazyLayer) and layer.op == "conv"
    assert layer.operand_source == "assumed: uniform seed 0"
    a, b = layer.operands()
    assert a.dtype == b.dtype == np.int8 and exact_gemm(layer).shape == (3025, 96)
    assert (a.reshape(55, 55, 3, 11, 11)[-1, :, :, -2:] == 0).all()  # past the edge


def test_gemms_and_depthwise_and_batch(tmp_path: Path) -> None:
    assert shapes(tmp_path, GEMM + "a, 256, 128, 64,\n") == [("a", 256, 128, 64, 1)]
    text = "Layer,M,N,K,Batch\nqk,64,64,32,8\nfc,1,10,32,\n"
    assert shapes(tmp_path, text) == [("qk", 64, 64, 32, 8), ("fc", 1, 10, 32, 1)]
    row = "DP1, 8, 8, 3, 3, 16, 1, 1,\n"
    assert shapes(tmp_path, CONV + row) == [("DP1", 36, 1, 9, 16)]


@pytest.mark.parametrize(
    "text",
    [
        GEMM + "a, 4, 5, 6,\nb, 7, 8, 9,\n",
        GEMM + "a,4,5,6\nb,7,8,9",
        "\ufeff" + GEMM + "\n\n  a , 4 , 5 , 6 , , \n,,,\n# comment\n\tb,7,8,9,#dw\n",
        (GEMM + "a, 4, 5, 6,\nb, 7, 8, 9,\n").replace("\n", "\r\n"),
        "layer name,k,n,m,notes\na,6,5,4,first\nb,9,8,7,second\n",
        "Layer\tM\tN\tK\na\t4\t5\t6\nb\t 7\t8\t9\t\n",
        "Layer;M;N;K\na;4;5;6\nb;7;8;9\n",
        (GEMM + "a, 4, 5, 6,\nb, 7, 8, 9,\n").replace("\n", "\r"),
        "# made by hand, commas\n# here\nLayer\tM\tN\tK\na\t4\t5\t6\nb\t7\t8\t9\n",
        GEMM + "a,4,5,6,\n\nLayer,K,N,M,\nb,9,8,7,\n",
        "a,4,5,6\nb,7,8,9\n",
        '"Layer","M","N","K"\n"a","4","5","6"\n"b","7","8","9"\n',
        GEMM + "a, 4.0, 5, +6,\nb, 7, 8, 9,\n",
    ],
)
def test_gemm_files_are_read_tolerantly(text: str, tmp_path: Path) -> None:
    assert shapes(tmp_path, text) == [("a", 4, 5, 6, 1), ("b", 7, 8, 9, 1)]


@pytest.mark.parametrize(
    "text",
    [
        CONV + "c, 9, 8, 3, 2, 4, 5, 1,\n",
        CONV.replace(" ", "_") + "c, 9, 8, 3, 2, 4, 5, 1\n",
        "Layer,IFMAP_H,IFMAP_W,Filter_H,Filter_W,Channels,Num Filters,Stride height,Stride width,\n"
        "c,9,8,3,2,4,5,1,1,\n",
        "c,9,8,3,2,4,5,1\n",
        CONV.strip() + " Sparsity,\nc, 9, 8, 3, 2, 4, 5, 1, 1:1,\n",
    ],
)
def test_conv_files_are_read_tolerantly(text: str, tmp_path: Path) -> None:
    assert shapes(tmp_path, text) == [("c", 7 * 7, 5, 24, 1)]


@pytest.mark.parametrize(
    ("header", "noted"),
    [
        (CONV.replace("Height", "Width", 1), "'IFMAP Width' is read by its position, as ifmap he"),
        (CONV.replace("Filter Height", "Filter Hight"), "'Filter Hight' is read by its position"),
        (CONV.replace("Num Filter", "Channels"), "'Channels' is read by its position, as num fi"),
    ],
)
def test_a_header_that_names_no_column_once_is_read_by_position(
    header: str, noted: str, tmp_path: Path
) -> None:
    network = load_scalesim(write(tmp_path, header + "c, 9, 8, 3, 2, 4, 5, 1,\n"))
    assert [(x.m, x.n, x.k) for x in network.layers] == [(7 * 7, 5, 24)]
    assert len(network.notes) == 1 and noted in network.notes[0]


def test_titles_names_with_commas_and_rows_that_lack_a_size(tmp_path: Path) -> None:
    text = CONV + "\nAlexnet,\nconv, 3x3, 9, 8, 3, 2, 4, 5, 1,\nfc, 9, 8, 3, , 4 4, 5, 1,\n"
    text += 'conv two (a b), 9, 8, 3, 2, 4, 5, 1\n"a, b",9,8,3,2,4,5,1\n'
    network = load_scalesim(write(tmp_path, text))
    assert [layer.name for layer in network.layers] == ["conv, 3x3", "conv two (a b)", "a, b"]
    assert {(layer.m, layer.n, layer.k) for layer in network.layers} == {(49, 5, 24)}
    assert network.notes == (
        "line 3: 'Alexnet' has no sizes; skipped",
        "line 5: filter width is missing; the row is not counted",
    )
    assert network.unsupported == {"row without filter width": 1}


def test_a_second_stride_is_that_of_the_width_whatever_the_header_names(tmp_path: Path) -> None:
    row = "C, 20, 31, 3, 2, 3, 5, 2, 3,"
    named = CONV.replace(" Strides", " Stride Height, Stride Width") + row
    assert shapes(tmp_path, named) == [("C", 10 * 11, 5, 18, 1)]
    assert shapes(tmp_path, CONV + row) == shapes(tmp_path, named)
    assert shapes(tmp_path, row) == shapes(tmp_path, named)
    (note,) = load_scalesim(write(tmp_path, CONV + row)).notes
    assert note == "line 2: a second stride is read as stride width"
    *_, note = load_scalesim(write(tmp_path, CONV + row + " 4, 5")).notes
    assert note == "line 2: 2 cells behind the columns are not read"
    fails(lambda: load_scalesim(write(tmp_path, CONV + row.replace("2, 3,", "2, 0,"))), "is 0")


def test_a_shape_needs_no_memory_until_values_are_made(tmp_path: Path) -> None:
    layer = load_scalesim(write(tmp_path, GEMM + "a,100000,3,20000\n")).layers[0]
    assert (layer.m, layer.n, layer.k, layer.macs) == (100000, 3, 20000, 6 * 10**9)
    for make in (lambda: layer.activations, layer.operands):
        fails(make, "100000 x 20000", "more than 1073741824")


TOPOLOGIES = Path(__file__).resolve().parents[3] / "shared/reference/scalesim_topologies.tar.gz"


@pytest.mark.skipif(not TOPOLOGIES.exists(), reason="needs ../shared/reference")
def test_all_of_scale_sims_own_topologies_load_but_templates(tmp_path: Path) -> None:
    with tarfile.open(TOPOLOGIES) as archive:
        archive.extractall(tmp_path, filter="data")
    files = sorted(tmp_path.rglob("*.csv"))
    assert len(files) == 99  # one of them in two folders
    refused = {}
    for file in files:
        try:
            assert all(layer.macs for layer in load_scalesim(file).layers)
        except TpeError as error:
            refused[file.name] = str(error)
    assert sorted(refused) == ["LSTM.csv", "LSTM_template.csv"]
    assert all("'B', a name: the file is a template" in text for text in refused.values())


def test_names_become_unique_and_sparsity_is_noted(tmp_path: Path) -> None:
    text = GEMM.replace("K,", "K, Sparsity") + "a,1,2,3,2:4\na,1,2,3,1:1\n,1,2,3\n"
    network = load_scalesim(write(tmp_path, text))
    assert [layer.name for layer in network.layers] == ["a", "a#2", "layer3"]
    assert network.notes == ("line 2: sparsity 2:4 not modelled, taken as dense",)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (GEMM + "a,4,five,6,\n", ["line 2", "N is 'five'", "legal"]),
        (GEMM + "a,4,5,6\n\nb,4,-5,6\n", ["line 4", "N is -5", "legal"]),
        (GEMM + "a,4,0,6\n", ["line 2", "N is 0", "legal"]),
        (GEMM + "a,4,5.5,6\n", ["N is '5.5'", "legal"]),
        (GEMM + "a,4,5\n", ["line 2", "K is missing"]),
        (GEMM + "a,4,5,99999999999\n", ["K is 99999999999", "legal"]),
        (GEMM + "a,4,5,1e9\n", ["K is '1e9'"]),
        (CONV + f"c,{BIG},{BIG},{BIG},{BIG},9,1,1\n", ["line 2", "K is", "legal"]),
        (CONV + "c, 1, B, 1, 1, H, H, 1,\n", ["line 2", "width is 'B'", "template", "legal"]),
        (GEMM + "a,4,5,nan\n", ["K is 'nan'"]),
        (CONV + "c,4,4,5,1,1,1,1\n", ["line 2", "filter height is 5", "legal: 1 to 4"]),
        (CONV + "c,4,4,2,2,1,1,0\n", ["stride height is 0"]),
        (CONV + "c,4,4,2,2,1,1\n", ["stride height is missing"]),
        ("Layer,M,N\na,1,2\n", ["line 1", "no column K"]),
        ("Layer,M,N,K,M\na,1,2,3,4\n", ["two columns are M"]),
        ("Layer,Foo,Bar\na,1,2\n", ["header", "legal: Layer name"]),
        ("a,1,2\n", ["3 columns", "legal"]),
        (GEMM, ["no layers"]),
        ("", ["no layers"]),
        (b"\xff\xfe\x00binary", [":1:", "not UTF-8"]),
        (b"\x1f\x8b\x08gzip", ["packed with gzip"]),
        ("Layer,Channels,IFMAP Width,IFMAP Width,Filter Height,Filter Width,a,b\n", ["two col"]),
        ("Layer,a,b,Filter Height,Filter Width,Channels,Num Filter\n", ["no column ifmap height"]),
        (GEMM + "a\x00,1,2,3\n", ["net.csv"]),
        (GEMM + '"a,1,2,3\nb,1,2,3\n', ["net.csv"]),
        (GEMM + "x" * 200_000 + ",1,2,3\n", ["no CSV"]),
    ],
)
def test_a_bad_file_names_the_line_and_the_field(
    text: str | bytes, parts: list[str], tmp_path: Path
) -> None:
    file = write(tmp_path, text)
    fails(lambda: load_scalesim(file), "net.csv", *parts)


def test_specs_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, GEMM + "a,4,5,6\n")
    network: Any = workload(str(file), seed=3, a_type="int4", b_type="uint8")
    layer = network.layers[0]
    assert layer.operand_source == "assumed: uniform seed 3"
    assert layer.activations.min() >= -8 and layer.weights.max() > 127
    fails(lambda: workload("gone.csv"), "gone.csv", "No such file")
    fails(lambda: load_scalesim(tmp_path), "a folder")
    fails(lambda: workload("/dev/../dev/zero/net.csv"), "Not a directory")
    fails(lambda: load_scalesim(file, seed=-1), "seed")
    assert workload(str(file.rename(tmp_path / "net.TSV"))).layers[0].k == 6
    monkeypatch.setattr("tpe.workloads.scalesim.MAX_LAYERS", 1)
    fails(lambda: load_scalesim(write(tmp_path, GEMM + "a,1,1,1\n" * 2)), "over 1 layers")


def test_many_layers_end_soon_and_many_cells_are_refused(tmp_path: Path) -> None:
    """Both took quadratic time: minutes."""
    text = GEMM + "a,4,5,6\n" * 50_000
    assert len(load_scalesim(write(tmp_path, text)).layers) == 50_000
    text = GEMM + "x," * 900 + "4,5,6\n"
    assert shapes(tmp_path, text)[0][1:] == (4, 5, 6, 1)
    file = write(tmp_path, GEMM + "x," * 60_000 + "4,5,6\n")
    fails(lambda: load_scalesim(file), "line 2 has 60003 cells", "at most 1000")
