"""Generated requests, good and bad, against the OpenAPI document: never 500, and every answer as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

import marketofone
from marketofone import wiring
from marketofone.web.app import build_app

pytestmark = pytest.mark.fuzz

EXAMPLES = 60
HOST = {"Host": "localhost"}  # the server answers to loopback's own names only


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("fuzzed")
    wiring.lay_out(folder)
    with marketofone.open(folder) as bank:
        bank.decide("c-1", occasion="app.opened", id="d-1")
        yield schemathesis.openapi.from_asgi("/openapi.json", build_app(bank), headers=HOST)


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_described(case: Any) -> None:
    case.call_and_validate(headers=HOST)
