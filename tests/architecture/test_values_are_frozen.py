"""A value is what it was made as: nothing of words, consent, rules, proofs and people is changed in place."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import pytest
from msgspec import Struct

ROOMS = ("domain", "consent", "governance", "audit", "profile")


def values(room: str) -> Iterator[type]:
    package = import_module(f"marketofone.{room}")
    for module in walk_packages(package.__path__, f"{package.__name__}."):
        for one in vars(import_module(module.name)).values():
            if isinstance(one, type) and one.__module__ == module.name:
                yield one


@pytest.mark.parametrize("room", ROOMS)
def test_values_are_frozen(room: str) -> None:
    structs = [one for one in values(room) if issubclass(one, Struct)]
    data = [one for one in values(room) if dataclasses.is_dataclass(one)]

    assert structs or data
    assert [one.__name__ for one in structs if not one.__struct_config__.frozen] == []
    assert [one.__name__ for one in data if not one.__dataclass_params__.frozen] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("room", ["consent", "governance"])
def test_what_allows_or_stops_is_made_field_by_field_by_name(room: str) -> None:
    """What rests packed on disk is written in its order; nothing else of these rooms can be put in a wrong place."""
    structs = [one for one in values(room) if issubclass(one, Struct) and not one.__struct_config__.array_like]
    fields = {one.__name__: inspect.signature(one).parameters.values() for one in structs}

    by_place = [name for name, each in fields.items() if any(field.kind != field.KEYWORD_ONLY for field in each)]

    assert structs
    assert by_place == []
