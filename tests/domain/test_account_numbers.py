"""An account has one name however its number is written, and in whichever format it comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.account_numbers import account_number, is_known_everywhere, world_number


@pytest.mark.parametrize(
    ("number", "bank", "name"),
    [
        ("DE89 3704 0044 0532 0130 00", "37040044", "DE89370400440532013000"),
        ("de89-3704-0044-0532-0130-00", "", "DE89370400440532013000"),
        ("DE89370400440532013000EUR", "", "DE89370400440532013000"),
        ("DE88370400440532013000", "B", "B/DE88370400440532013000"),  # its check digits are wrong: no IBAN
        ("gb29 nwbk 6016 1331 9268 19", "", "601613/31926819"),
        ("GB29NWBK60161331926819", "NWBKGB2L", "601613/31926819"),
        ("31926819", "60-16-13", "601613/31926819"),
        ("60-16-13 31926819", "", "601613/31926819"),
        ("4111-1111-1111-1111", "", "411111******1111"),
        ("4111111111111112", "9", "9/4111111111111112"),  # its check digit is wrong: no card
        ("XXXXXXXXXXXX1111", "", "************1111"),
        ("525412xxxxxx3241", "", "525412******3241"),
        (" 12  34-5 ", " ", "12345"),
        (" Joint  Account ", "", "Joint Account"),
        ("  ", "37040044", ""),
    ],
)
def test_an_account_has_one_name_however_it_is_written(number: str, bank: str, name: str) -> None:
    assert account_number(number, bank=bank) == name


@pytest.mark.parametrize(
    ("number", "iban"),
    [
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("37040044/0532013000", "DE89370400440532013000"),
        ("19043/00234573201", "AT611904300234573201"),
        ("19-2000145399/0800", "CZ6508000000192000145399"),
        ("61 1090 1014 0000 0712 1981 2874", "PL61109010140000071219812874"),
        ("62 1090 1014 0000 0712 1981 2874", None),  # its check digits are wrong
        ("601613/31926819", "601613/31926819"),
        ("532013000", None),
        ("411111******1111", None),
        ("giro", None),
    ],
)
def test_a_number_of_a_country_is_its_iban(number: str, iban: str | None) -> None:
    assert world_number(number) == iban


def test_a_number_of_an_account_that_checks_like_a_card_is_kept_whole_where_the_format_tells_them_apart() -> None:
    assert account_number("4111 1111 1111 1111", may_be_card=False) == "4111111111111111"


@given(st.text(max_size=40))
def test_a_name_that_is_known_everywhere_is_its_own_name(number: str) -> None:
    name = account_number(number)
    assert not is_known_everywhere(name) or account_number(name) == name
