"""The names by which payloads are read are those of the published specifications."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from types import ModuleType

import pytest
from msgspec import Struct
from msgspec.structs import fields

from marketofone.importers.open_banking import berlin_answers, plaid_answers, uk_ob_answers

FOLDER = "open_banking_specs"
BEFORE = {"AccountSubType"}  # of version 3.1


def names_in(module: ModuleType) -> set[str]:
    structures = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Struct)]
    return {field.encode_name for one in structures for field in fields(one)}


@pytest.mark.parametrize(
    ("module", "specification", "more"),
    [
        (uk_ob_answers, "uk_obie_v4/account-info-openapi.json.gz", BEFORE),
        (berlin_answers, "berlin_group/psd2-api_v1.3.11-2021-10-01v1.yaml.gz", set[str]()),
        (plaid_answers, "plaid/2020-09-14.yml.gz", set[str]()),
    ],
    ids=["uk", "berlin", "plaid"],
)
def test_each_name_stands_in_the_specification(
    data: Path, module: ModuleType, specification: str, more: set[str]
) -> None:
    text = gzip.decompress((data / FOLDER / specification).read_bytes()).decode()
    published = set(re.findall(r'^\s*"?(\w+)"?:', text, re.MULTILINE))
    names = names_in(module)
    assert len(names) > 20
    assert names - published == more
