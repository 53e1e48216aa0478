"""A process in which one module of the product is another: it fails if a history goes otherwise than by the model.

It is told the name of the module, and reads what it is instead.
"""

from __future__ import annotations

import importlib.util
import sys


def main() -> None:
    """Plant the module, then compare."""
    name, text = sys.argv[1], sys.stdin.read()
    spec = importlib.util.find_spec(name)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(compile(text, name, "exec"), module.__dict__)  # noqa: S102 - our own words
    from gate_histories import ALPHABET, at_random, every  # noqa: PLC0415 - it finds what was planted

    sys.exit(any(every(first, 2)[1] for first in range(len(ALPHABET))) or bool(at_random(1, 60)[1]))


if __name__ == "__main__":
    main()
