"""Threads that meet a type together for the first time all read it.

With msgspec's own functions in the place of ours, all of these processes but that of TOML end by a signal.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import sys
from threading import Barrier, Thread

import msgspec

from marketofone.domain.decoding import convert, decode_toml, json_decoder, msgpack_decoder

class Inner(msgspec.Struct):
    name: "str"
    numbers: "list[int]"

class Outer(msgspec.Struct):
    first: "Inner"
    others: "dict[str, Inner]"

VALUE = {"first": {"name": "a", "numbers": [1]}, "others": {"b": {"name": "b", "numbers": []}}}
TOML = "first = {name = 'a', numbers = [1]}\\nothers.b = {name = 'b', numbers = []}"
JSON, PACKED = msgspec.json.encode(VALUE), msgspec.msgpack.encode(VALUE)
WAYS = {
    "convert": lambda: convert(VALUE, of=Outer),
    "toml": lambda: decode_toml(TOML, of=Outer),
    "json": lambda: json_decoder(Outer).decode(JSON),
    "msgpack": lambda: msgpack_decoder(Outer).decode(PACKED),
}
begin, read = Barrier(8), []

def reads():
    begin.wait()
    read.append(WAYS[sys.argv[1]]())

sys.setswitchinterval(1e-6)
threads = [Thread(target=reads) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert read == 8 * [Outer(Inner("a", [1]), {"b": Inner("b", [])})]
"""


@pytest.mark.parametrize("way", ["convert", "toml", "json", "msgpack"])
def test_threads_that_meet_a_type_together_all_read_it(way: str) -> None:
    subprocess.run([sys.executable, "-c", _PROGRAM, way], check=True)
