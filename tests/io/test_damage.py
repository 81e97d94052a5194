"""Damaged files, and forged ones with right digests: one error, nothing executed, no memory for mere claims."""

import json
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

import minigrad as mg
from minigrad.io.layout import LIMIT
from minigrad.io.record import sealed, sha256_of

from .damage_files import Bait, damage

ENDINGS = ("npz", "safetensors")
both = pytest.mark.parametrize("ending", ENDINGS)
ONES = np.ones(3)


def test_damaged_files_are_refused_or_right(tmp_path):
    """1,500 of them; `python -m tests.io.damage_files` makes more."""
    counts, slowest, _ = damage(tmp_path, 1500, seed=5)
    assert counts.total() == 1500
    assert sum(n for (_, result), n in counts.items() if result == "refused") > 900
    assert slowest < 10


def forge(path, seal, arrays=()):
    """A file with a text of one's own, in the layout that its ending says."""
    if path.suffix == ".safetensors":
        if isinstance(seal, dict) and len(seal) == 2 and isinstance(seal["minigrad"], str):
            seal = {"minigrad": f"{seal['sha256']} {seal['minigrad']}"}
        tensors, end = {}, 0
        for name, x in arrays:
            kind = "BOOL" if x.dtype == bool else "F64"
            tensors[name] = {"dtype": kind, "shape": x.shape, "data_offsets": [end, end := end + x.nbytes]}
        header = json.dumps({"__metadata__": seal, **tensors}).encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header + b"".join(x.tobytes() for _, x in arrays))
        return
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("minigrad.json", "w", force_zip64=True) as member:
            member.write(json.dumps(seal).encode())
        for name, x in arrays:
            with archive.open(name + ".npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, x)


def refusal(path):
    """The reason why a file is refused."""
    with pytest.raises(mg.CheckpointError) as caught:
        mg.load(path)
    beginning, reason = str(caught.value).split(" is not a whole file of mg.save: ")
    assert beginning == str(path)
    return reason


def record(tree=None, arrays=(), version=1):
    """A text that says what one likes, with its digest."""
    return sealed(json.dumps({"version": version, "tree": tree, "arrays": arrays}))


PYTHONS = ""  # the reason is in the words of Python or of a library, which change with their versions
NODE = "its text has a node of no known kind"
ARRAY = "it declares an array of no dtype and shape that is saved"


@both
@pytest.mark.parametrize(
    ("seal", "reason"),
    [
        (None, "it was written by something else"),
        ({"minigrad": 3, "sha256": ""}, PYTHONS),
        ({"minigrad": ""}, "it was written by something else"),
        ({"minigrad": "{}", "sha256": "0"}, "its text was damaged"),
        (sealed("no JSON"), PYTHONS),
        (sealed("{}"), "'version'"),
        (sealed("[]"), PYTHONS),
        (record(version=2), "it has version 2 of the format, and this minigrad reads 1"),
        (record({}), NODE),
        (record([1]), NODE),
        (record({"pickle": "gASVCg=="}), NODE),
        (record({"list": 3}), NODE),
        (record({"array": "w"}), "'w'"),
        (record({"array": []}), PYTHONS),
        (record({"dict": [[{"list": []}, 1]]}), PYTHONS),
        (record({"dict": [[1, 2, 3]]}), PYTHONS),
        (record({"int": 3}), PYTHONS),
        (record({"float": "00"}), PYTHONS),
        (sealed("[" * 100_000), PYTHONS),
        (record(arrays=[["w", "<f8", [-1], ""]]), ARRAY),
        (record(arrays=[["w", "<f8", [True], ""]]), ARRAY),
        (record(arrays=[["w", "<f8", [0.5], ""]]), ARRAY),
        (record(arrays=[["w", "|O", [1], ""]]), ARRAY),
        (record(arrays=[["w", "<c16", [1], ""]]), ARRAY),
        (record(arrays=[[3, "<f8", [1], ""]]), ARRAY),
        (record(arrays=[["w", "<f8", [0], ""], ["w", "<f8", [0], ""]]), "it declares two arrays of one name"),
    ],
)
def test_forged_texts_are_refused(tmp_path, ending, seal, reason):
    """Whatever they say instead of a tree and arrays."""
    path = tmp_path / f"x.{ending}"
    forge(path, seal)
    assert refusal(path).startswith(reason)


@both
@pytest.mark.parametrize("shape", [[10**12], [2**62, 2**62], [10**5, 10**5]])
def test_sizes_that_are_only_claimed_take_no_memory(tmp_path, ending, shape):
    """A digest does not make a claim true: the file has to be as long as the arrays that it declares."""
    path = tmp_path / f"x.{ending}"
    forge(path, record({"array": "w"}, [["w", "<f8", shape, ""]]), [("w", ONES)])
    tracemalloc.start()
    try:
        assert refusal(path).startswith(
            f"its arrays take {8 * int(np.prod(shape, dtype=object))} bytes, and it has only "
        )
        assert tracemalloc.get_traced_memory()[1] < 2**18
    finally:
        tracemalloc.stop()


@both
def test_arrays_that_claim_the_same_bytes_are_refused(tmp_path, ending):
    """A thousand arrays cannot all lie in the place of one."""
    path = tmp_path / f"x.{ending}"
    x = np.ones(1000)
    forge(path, record(None, [[f"w{i}", "<f8", [1000], sha256_of(x)] for i in range(1000)]), [("w0", x)])
    assert refusal(path).startswith("its arrays take 8000000 bytes, and it has only ")


@both
@pytest.mark.parametrize("shape", [[0, 2**70], [0] * 65])
def test_absurd_shapes_of_no_bytes_are_refused(tmp_path, ending, shape):
    """NumPy has limits of its own."""
    path = tmp_path / f"x.{ending}"
    forge(path, record({"array": "w"}, [["w", "<f8", shape, ""]]), [("w", ONES)])
    assert refusal(path)


@both
def test_bytes_that_are_no_bools_are_refused(tmp_path, ending):
    """NumPy's functions may do anything with a bool of 2."""
    path = tmp_path / f"x.{ending}"
    bools = np.array([1, 0, 2], np.uint8).view(bool)
    forge(path, record({"array": "w"}, [["w", "|b1", [3], sha256_of(bools)]]), [("w", bools)])
    assert refusal(path) == "an array of bools has bytes that are neither 0 nor 1"


@both
def test_damaged_values_are_found_and_named(tmp_path, ending):
    """Also where ZIP's own checksum would have been put right."""
    path = tmp_path / f"x.{ending}"
    forge(path, record({"array": "w"}, [["w", "<f8", [3], sha256_of(ONES)]]), [("w", 2 * ONES)])
    assert refusal(path) == "the values of the array 'w' were damaged"


@both
def test_files_that_are_cut_short_are_refused(tmp_path, ending):
    """At every byte, down to an empty one; in the ZIP file, up to the directory that is for others."""
    path = tmp_path / f"x.{ending}"
    mg.save(path, {"w": ONES, "n": 1})
    data = path.read_bytes()
    end = data.index(ONES.tobytes()) + ONES.nbytes
    for length in range(end):
        path.write_bytes(data[:length])
        assert refusal(path)
    path.write_bytes(data[:end])
    assert mg.load(path)["n"] == 1


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path, monkeypatch):
    """The length was right when it was asked for."""
    path = tmp_path / "x.npz"
    mg.save(path, {"w": ONES})
    monkeypatch.setattr("minigrad.io.checkpoint.remaining", lambda file: 10**9)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(ONES.tobytes()) + 23])
    assert refusal(path) == "it ends in the middle of an array"


@both
def test_a_text_that_is_too_long_is_refused(tmp_path, ending):
    """Before it is read: it would unfold into objects of many times its size."""
    path = tmp_path / f"x.{ending}"
    forge(path, sealed(" " * LIMIT))
    assert refusal(path).endswith(f"(at most {LIMIT})")


def test_a_header_that_claims_more_than_the_file_is_refused(tmp_path):
    """As zip bombs and absurd lengths do."""
    path = tmp_path / "x.safetensors"
    path.write_bytes((2**64 - 1).to_bytes(8, "little") + b"{}")
    assert refusal(path) == f"a part of it is said to take {2**64 - 1} bytes, and 2 are left (at most {LIMIT})"


def test_files_of_others_are_refused_with_advice(tmp_path):
    """NumPy's, with a pickle or without, compressed or not, and those of the safetensors library."""
    path = tmp_path / "x.npz"
    np.savez(path, w=ONES)
    assert refusal(path) == "it begins with 'w.npy', so it was written by something else: try np.load"
    np.savez(path, w=np.array([Bait(tmp_path / "eaten")], object))
    assert refusal(path) == "it begins with 'w.npy', so it was written by something else: try np.load"
    np.savez_compressed(path, w=np.zeros(10**6))
    assert refusal(path) == "there is no member of a ZIP file as mg.save writes them"
    for other in (pickle.dumps(Bait(tmp_path / "eaten")), b"\x93NUMPY" * 20):
        path.write_bytes(other)
        assert refusal(path) == "there is no member of a ZIP file as mg.save writes them"
    path = tmp_path / "x.safetensors"
    path.write_bytes((2).to_bytes(8, "little") + b"{}")
    assert refusal(path) == "it was written by something else: mg.load_torch reads it"
    assert not (tmp_path / "eaten").exists()


def test_members_have_to_be_those_that_the_text_names(tmp_path):
    """Missing, renamed, in another order, or too short for what they should hold."""
    path = tmp_path / "x.npz"
    entries = [["v", "<f8", [3], sha256_of(ONES)], ["w", "<f8", [3], sha256_of(ONES)]]
    forge(path, record(None, entries), [("w", ONES), ("v", ONES)])
    assert refusal(path) == "the array 'v' is expected in a member of at least 24 bytes, not 'w.npy' of 152"
    forge(path, record(None, entries), [("v", ONES)])
    assert refusal(path) == "there is no member of a ZIP file as mg.save writes them"
    forge(path, record(None, [["w", "<f8", [100], ""]]), [("w", ONES), ("v", np.ones(200))])
    assert refusal(path) == "the array 'w' is expected in a member of at least 800 bytes, not 'w.npy' of 152"


def test_tensors_have_to_be_those_that_the_text_names(tmp_path):
    """Missing, or of the same bytes in another shape or dtype."""
    path = tmp_path / "x.safetensors"
    forge(path, record(None, [["v", "<f8", [3], sha256_of(ONES)]]), [("w", ONES)])
    assert "v" in refusal(path)
    for dtype, shape in (("<f8", [3, 1]), ("<i8", [3])):
        forge(path, record(None, [["w", dtype, shape, sha256_of(ONES)]]), [("w", ONES)])
        assert refusal(path) == "the array 'w' is of float64 and shape (3,), and not as its text says"


@pytest.mark.parametrize(("offset", "what"), [(0, "signature"), (6, "encryption"), (8, "method"), (28, "extra")])
def test_members_are_plain(tmp_path, offset, what):
    """Neither encrypted, nor compressed, nor with fields that are not written here."""
    path = tmp_path / "x.npz"
    mg.save(path, {"größe": ONES})
    assert mg.load(path)["größe"].tolist() == [1, 1, 1]
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)
    assert refusal(path) == "there is no member of a ZIP file as mg.save writes them"


def test_a_member_that_says_it_is_compressed_is_refused(tmp_path):
    """Two sizes that differ mean what the method denies."""
    path = tmp_path / "x.npz"
    mg.save(path, 1)
    data = path.read_bytes()
    start = data.index(b"minigrad.json") + len("minigrad.json")
    path.write_bytes(data[:start] + struct.pack("<2H2Q", 1, 16, 10**15, 10) + data[start + 20 :])
    assert refusal(path) == "its member 'minigrad.json' is compressed, or has no size"


def test_memory_that_is_not_there_is_an_error_of_the_file(tmp_path, monkeypatch):
    """As for a file that is larger than the machine."""

    def none_left(*args):
        raise MemoryError("Unable to allocate")

    path = tmp_path / "x.npz"
    mg.save(path, ONES)
    monkeypatch.setattr(np, "empty", none_left)
    assert refusal(path) == "Unable to allocate"
