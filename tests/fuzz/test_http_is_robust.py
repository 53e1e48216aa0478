"""Generated requests, good and bad, against the OpenAPI document: never 500, and every answer as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

import marketofone
from marketofone import wiring
from marketofone.domain.moment import Instant
from marketofone.web.api.operations import OPERATIONS, Operation
from marketofone.web.app import build_app

pytestmark = pytest.mark.fuzz

EXAMPLES = 120
# A value goes with `valued` only, an end with a grant or a delegate who begins only: no schema says it plainly.
BOUND_TOGETHER = ("/outcomes", "/consents", "/delegates")
# 10.0 is a whole number to a schema, and none to a reader of JSON that tells numbers apart.
COUNTED = ("/v1/decisions",)
LATE = Instant(7_258_118_399_999_999)  # the last of 2199: no moment that can be written lies ahead of it
HOST = {"Host": "localhost"}  # the server answers to loopback's own names only

OF_A_PERSON = ("/inferences", "/links")  # which names there are, and who may act, differs from person to person


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("fuzzed")
    wiring.lay_out(folder)
    with marketofone.open(folder, clock=lambda: LATE) as bank:
        yield schemathesis.openapi.from_asgi("/openapi.json", build_app(bank), headers=HOST)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
def test_every_answer_is_as_described(described: Any, operation: Operation, mode: GenerationMode) -> None:
    asked = described[operation.path][operation.method]
    if mode is GenerationMode.NEGATIVE and not (list(asked.iter_parameters()) or list(asked.body)):
        pytest.skip("there is nothing to get wrong")
    strategy = asked.as_strategy(generation_mode=mode)
    not_asked = [positive_data_acceptance] if operation.path.endswith(BOUND_TOGETHER + COUNTED + OF_A_PERSON) else []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def attack(case: Any) -> None:
        case.call_and_validate(headers=HOST, excluded_checks=not_asked)

    attack()
