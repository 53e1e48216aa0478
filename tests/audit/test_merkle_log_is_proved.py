"""One root stands for the whole log: short proofs show what is in it and what it continues, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.audit import merkle
from marketofone.audit.merkle import Frontier, Tree, leaf_hash, verify_consistency, verify_inclusion

DATA = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
DATA.append(bytes(range(0x60, 0x70)))
KNOWN = [leaf_hash(data) for data in DATA]
# The reference vectors of Certificate Transparency (RFC 6962): the root of each size from 0 to 8.
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
NODE_0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
NODE_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
NODES_2_3 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
NODE_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
NODES_4_5 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
NODES_6_7 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
NODES_4_7 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
PATHS = {
    (0, 1): [],
    (0, 8): [NODE_1, NODES_2_3, NODES_4_7],
    (5, 8): [NODE_4, NODES_6_7, ROOTS[4]],
    (2, 3): [ROOTS[2]],
    (1, 5): [NODE_0, NODES_2_3, NODE_4],
}
CONTINUATIONS = {
    (1, 1): [],
    (1, 8): [NODE_1, NODES_2_3, NODES_4_7],
    (6, 8): [NODES_4_5, NODES_6_7, ROOTS[4]],
    (2, 5): [NODES_2_3, NODE_4],
}
SOURCES: dict[str, Callable[[Sequence[bytes]], merkle.Leaves]] = {
    "a sequence": lambda leaves: leaves,
    "a function": lambda leaves: lambda start, end: iter(leaves[start:end]),
}


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(size)]


def flipped(value: bytes, *, at: int) -> bytes:
    place = at % len(value)
    return value[:place] + bytes([value[place] ^ (1 << (at % 8))]) + value[place + 1 :]


def hexed(hashes: Iterable[bytes]) -> list[str]:
    return [each.hex() for each in hashes]


def defined(leaves: Sequence[bytes]) -> bytes:
    """The root exactly as RFC 6962 defines it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    split = next(1 << bits for bits in range(len(leaves)) if 1 << bits < len(leaves) <= 1 << (bits + 1))
    return sha256(b"\x01" + defined(leaves[:split]) + defined(leaves[split:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_every_size_has_the_root_of_the_reference(size: int) -> None:
    assert merkle.root(KNOWN[:size]).hex() == ROOTS[size]
    assert Tree(KNOWN).root(size).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_paths_are_those_of_the_reference(index: int, size: int) -> None:
    assert hexed(merkle.inclusion_proof(KNOWN, index=index, size=size)) == PATHS[index, size]


@pytest.mark.parametrize(("old_size", "size"), CONTINUATIONS)
def test_continuations_are_those_of_the_reference(old_size: int, size: int) -> None:
    assert hexed(merkle.consistency_proof(KNOWN, old_size=old_size, size=size)) == CONTINUATIONS[old_size, size]


def test_a_node_does_not_pass_for_a_leaf() -> None:
    left, right = KNOWN[:2]

    assert merkle.node_hash(left, right) != leaf_hash(left + right)


@given(st.integers(0, 200))
def test_the_root_is_the_one_that_the_standard_defines(size: int) -> None:
    assert merkle.root(leaves_of(size)) == defined(leaves_of(size))


@pytest.mark.parametrize("source", SOURCES)
@given(sizes=st.tuples(st.integers(0, 199), st.integers(1, 200)))
def test_every_leaf_is_proved_and_no_other_passes(source: str, sizes: tuple[int, int]) -> None:
    size = sizes[1]
    index = sizes[0] % size
    leaves = leaves_of(size)
    tree = Tree(SOURCES[source](leaves))

    path, root = tree.inclusion(index, size=size), merkle.root(leaves)

    assert verify_inclusion(leaves[index], index=index, size=size, path=path, root=root)
    assert not verify_inclusion(flipped(leaves[index], at=index), index=index, size=size, path=path, root=root)
    assert not verify_inclusion(leaves[index], index=index, size=size, path=path, root=flipped(root, at=index))


@given(st.integers(2, 200), st.data())
def test_an_altered_path_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves, index = leaves_of(size), data.draw(st.integers(0, size - 1))
    path, root = Tree(leaves).inclusion(index, size=size), merkle.root(leaves)
    place = data.draw(st.integers(0, len(path) - 1))
    altered = [
        [*path[:place], flipped(path[place], at=data.draw(st.integers(0, 255))), *path[place + 1 :]],
        [*path[:place], *path[place + 1 :]],
        [*path, path[place]],
        [*path[:place], path[place][:-1], *path[place + 1 :]],
    ]

    assert not any(verify_inclusion(leaves[index], index=index, size=size, path=each, root=root) for each in altered)


@given(st.integers(2, 200), st.data())
def test_a_path_proves_one_place_only(size: int, data: st.DataObject) -> None:
    leaves, index = leaves_of(size), data.draw(st.integers(0, size - 1))
    elsewhere = data.draw(st.integers(-1, size).filter(lambda place: place != index))
    path, root = Tree(leaves).inclusion(index, size=size), merkle.root(leaves)

    assert not verify_inclusion(leaves[index], index=elsewhere, size=size, path=path, root=root)


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_log_that_only_grew_continues_every_older_one(first: int, second: int) -> None:
    old_size, size = sorted((first, second))
    leaves = leaves_of(size)
    old_root, root = merkle.root(leaves[:old_size]), merkle.root(leaves)

    proof = Tree(leaves).consistency(old_size, size=size)

    assert verify_consistency(proof, old_size=old_size, old_root=old_root, size=size, root=root)


@given(st.integers(1, 200), st.integers(1, 200), st.data())
def test_a_rewritten_log_continues_no_older_one(first: int, second: int, data: st.DataObject) -> None:
    old_size, size = sorted((first, second))
    leaves = leaves_of(size)
    old_root = merkle.root(leaves[:old_size])
    place = data.draw(st.integers(0, old_size - 1))
    leaves[place] = flipped(leaves[place], at=place)

    proof = Tree(leaves).consistency(old_size, size=size)

    assert not verify_consistency(proof, old_size=old_size, old_root=old_root, size=size, root=merkle.root(leaves))


@given(st.integers(2, 200), st.data())
def test_an_altered_proof_of_continuation_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves, old_size = leaves_of(size), data.draw(st.integers(1, size - 1))
    old_root, root = merkle.root(leaves[:old_size]), merkle.root(leaves)
    proof = Tree(leaves).consistency(old_size, size=size)
    place = data.draw(st.integers(0, len(proof) - 1))
    altered = [
        [*proof[:place], flipped(proof[place], at=data.draw(st.integers(0, 255))), *proof[place + 1 :]],
        [*proof[:place], *proof[place + 1 :]],
        [*proof, proof[place]],
        [*proof[:place], proof[place] + b"\0", *proof[place + 1 :]],
    ]

    assert not any(
        verify_consistency(each, old_size=old_size, old_root=old_root, size=size, root=root) for each in altered
    )


@given(st.integers(2, 200), st.data())
def test_a_proof_that_is_too_short_or_too_long_for_the_size_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves, old_size = leaves_of(size), data.draw(st.integers(1, size - 1))
    old_root, root, above = merkle.root(leaves[:old_size]), merkle.root(leaves), leaf_hash(b"above")
    path, proof = Tree(leaves).inclusion(old_size, size=size), Tree(leaves).consistency(old_size, size=size)
    claims = [  # a root makes no claim about its size: these hashes do lead from the leaf to the root
        (path, proof, old_root, 512, root),
        ((*path, above), (*proof, above), merkle.node_hash(above, old_root), size, merkle.node_hash(above, root)),
    ]

    for way, continuation, old, claimed, new in claims:
        assert not verify_inclusion(leaves[old_size], index=old_size, size=claimed, path=way, root=new)
        assert not verify_consistency(continuation, old_size=old_size, old_root=old, size=claimed, root=new)


def test_a_larger_log_is_no_beginning_of_a_smaller_one() -> None:
    old_root, root = merkle.root(KNOWN), merkle.root(KNOWN[:7])

    assert not verify_consistency([], old_size=8, old_root=old_root, size=7, root=root)
    with pytest.raises(ValueError, match="no continuation"):
        Tree(KNOWN).consistency(8, size=7)


def test_the_same_size_needs_the_same_root_and_no_proof() -> None:
    root, other = merkle.root(KNOWN), merkle.root(reversed(KNOWN))

    assert verify_consistency([], old_size=8, old_root=root, size=8, root=root)
    assert not verify_consistency([], old_size=8, old_root=other, size=8, root=root)
    assert not verify_consistency([root], old_size=8, old_root=root, size=8, root=root)


def test_the_empty_log_has_one_root_only() -> None:
    root = merkle.root(KNOWN)

    assert verify_consistency([], old_size=0, old_root=merkle.EMPTY_ROOT, size=8, root=root)
    assert not verify_consistency([], old_size=0, old_root=bytes(32), size=8, root=root)
    assert not verify_consistency([root], old_size=0, old_root=merkle.EMPTY_ROOT, size=8, root=root)


@given(st.lists(st.integers(0, 60), max_size=6))
def test_a_log_extended_in_pieces_is_the_log_in_one(pieces: list[int]) -> None:
    leaves = iter(leaves_of(sum(pieces)))
    frontier = Frontier()
    for count in pieces:
        frontier = Frontier.from_bytes(frontier.extended(next(leaves) for _ in range(count)).to_bytes())

    assert frontier == Frontier().extended(leaves_of(sum(pieces)))
    assert frontier.root() == merkle.root(leaves_of(sum(pieces)))
    assert len(frontier.hashes) == sum(pieces).bit_count()


def test_the_bytes_of_a_frontier_stay_the_same() -> None:
    frontier = Frontier().extended(KNOWN[:3])

    assert frontier.to_bytes().hex() == "010000000000000003" + ROOTS[2] + KNOWN[2].hex()


@pytest.mark.parametrize(
    ("encoded", "says"),
    [
        (b"", "cut"),
        (b"\x01\0\0\0", "cut"),
        (b"\x02" + bytes(8), "format 2"),
        (b"\x01" + bytes(7) + b"\x01", "fit"),
        (b"\x01" + bytes(7) + b"\x01" + bytes(31), "fit"),
        (b"\x01" + bytes(7) + b"\x01" + bytes(64), "fit"),
        (b"\x01" + bytes(8) + b"\0", "fit"),
    ],
)
def test_bytes_that_are_no_frontier_are_refused(encoded: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Frontier.from_bytes(encoded)


def test_a_leaf_that_is_no_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Frontier().extended([b"short"])


@pytest.mark.parametrize(("index", "size"), [(8, 8), (-1, 8), (0, 0)])
def test_a_place_outside_of_the_log_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        Tree(KNOWN).inclusion(index, size=size)
    assert not verify_inclusion(KNOWN[0], index=index, size=size, path=[], root=merkle.root(KNOWN))


def test_a_negative_size_has_no_root() -> None:
    with pytest.raises(ValueError, match="negative"):
        Tree(KNOWN).root(-1)


@pytest.mark.parametrize("surplus", [-1, 1])
def test_a_source_that_gives_another_number_of_leaves_is_refused(surplus: int) -> None:
    tree = Tree(lambda start, end: leaves_of(end - start + surplus))

    with pytest.raises(ValueError, match="fewer or more"):
        tree.root(8)


class Counting:
    """A source that counts the leaves it hands out."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = leaves
        self.read = 0
        self.longest = 0

    def __call__(self, start: int, end: int) -> Iterable[bytes]:
        self.read += end - start
        self.longest = max(self.longest, end - start)
        return self.leaves[start:end]


@pytest.fixture(scope="module")
def many() -> list[bytes]:
    return leaves_of(5 * merkle.TILE + 77)


def test_a_large_log_is_read_in_pieces_and_once(many: list[bytes]) -> None:
    source = Counting(many)
    tree = Tree(source)

    assert tree.root(len(many)) == merkle.root(many)
    assert (source.read, source.longest) == (len(many), merkle.TILE)


@pytest.mark.parametrize("index", [0, merkle.TILE, 3 * merkle.TILE + 5, 5 * merkle.TILE + 76])
def test_a_further_proof_reads_about_a_piece(many: list[bytes], index: int) -> None:
    source = Counting(many)
    tree = Tree(source)
    root = tree.root(len(many))
    source.read = 0

    path = tree.inclusion(index, size=len(many))

    assert verify_inclusion(many[index], index=index, size=len(many), path=path, root=root)
    assert source.read < 2 * merkle.TILE


@pytest.mark.parametrize("old_size", [1, merkle.TILE - 1, merkle.TILE, 4 * merkle.TILE, 5 * merkle.TILE + 1])
def test_a_large_log_proves_what_it_continues(many: list[bytes], old_size: int) -> None:
    tree = Tree(many)

    proof = tree.consistency(old_size, size=len(many))

    assert verify_consistency(
        proof, old_size=old_size, old_root=tree.root(old_size), size=len(many), root=merkle.root(many)
    )


def test_a_tree_stays_right_while_its_log_grows(many: list[bytes]) -> None:
    growing: list[bytes] = []
    tree = Tree(growing)
    for size in (1, 700, merkle.TILE, 2 * merkle.TILE + 3, len(many)):
        growing.extend(many[len(growing) : size])
        assert tree.root(size) == merkle.root(many[:size])
