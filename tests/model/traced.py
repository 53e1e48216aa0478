"""What a process does to files, call by call, as the kernel sees it: ``strace`` writes it down, and this reads it.

Nothing of the process is changed for it, so what a library does by itself (the database engine syncs a folder, or does
not) is in it. A process tells something by writing a line into a file of its own, so what it told stands between
the calls that came before and after.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from disk import Call, Kind

CALLS = "openat,pwrite64,write,fsync,fdatasync,ftruncate,rename,link,unlink,mkdir"
TOLD = "told"
"""The file into which a process tells, beside the folder that is looked at."""
_PLAIN: dict[str, Kind] = {
    "fsync": "sync",
    "fdatasync": "sync",
    "rename": "move",
    "link": "link",
    "unlink": "remove",
    "mkdir": "folder",
}
_LINE = re.compile(r"^(?P<at>[\d.]+) (?P<name>\w+)\((?P<given>.*)\) += (?P<result>-?\d+)")
_HANDLE = re.compile(r"^\d+<(?P<path>(?:\\x[0-9a-f]{2})*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def can_trace() -> bool:
    """Say whether calls can be written down here."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


def traced(program: Sequence[str], scratch: Path, *, environment: Mapping[str, str]) -> list[Call]:
    """Run a Python program and give its calls in the order in which they began.

    Raises
    ------
    RuntimeError
        When the program failed.
    """
    out = scratch / "calls"
    options = ["-f", "-ff", "-ttt", "-y", "-xx", "-s", "100000000", "--seccomp-bpf", "-e", f"trace={CALLS}"]
    command = ["strace", *options, "-o", str(out), sys.executable, *program]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(environment), check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    lines = [line for path in scratch.glob("calls.*") for line in path.read_text().splitlines()]
    found = sorted((match for line in lines if (match := _LINE.match(line))), key=lambda match: match["at"])
    return list(_calls(found))


def _calls(lines: Sequence[re.Match[str]]) -> Iterator[Call]:
    ends: dict[str, int] = {}  # how far was written, by file: none is opened twice to write on from its beginning
    for line in lines:
        if int(line["result"]) < 0:
            continue
        handle, texts = _HANDLE.match(line["given"]), [_bytes_of(text) for text in _TEXT.findall(line["given"])]
        path = _bytes_of(handle["path"]).decode() if handle else texts[0].decode() if texts else ""
        match line["name"]:
            case "openat" if "O_CREAT" in line["given"]:
                yield Call("create", texts[0].decode())
                ends[texts[0].decode()] = 0
            case "pwrite64":
                yield Call("write", path, at=_last_number(line), data=texts[-1])
            case "write" if path.endswith(f"/{TOLD}"):
                yield Call("told", path, data=texts[-1])
            case "write":
                yield Call("write", path, at=ends.get(path, 0), data=texts[-1])
                ends[path] = ends.get(path, 0) + len(texts[-1])
            case "ftruncate":
                yield Call("length", path, at=_last_number(line))
            case name if name in _PLAIN:
                yield Call(_PLAIN[name], path, to=texts[1].decode() if len(texts) > 1 else "")


def _last_number(line: re.Match[str]) -> int:
    return int(line["given"].rpartition(", ")[2])


def _bytes_of(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
