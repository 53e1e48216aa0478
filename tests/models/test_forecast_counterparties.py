"""Names on statements: one payee is one name, two payees are two, whatever is printed around them. Synthetic labels."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from marketofone.models.forecast.counterparties import normal_name
from marketofone.models.forecast.streams import find_streams
from marketofone.profile.ledger import Account, Kind

# Each line is one payee as statements print it; the label is the line.
LABELLED = (
    ("NETFLIX.COM 8842", "Netflix 01/23 AMSTERDAM", "PAYPAL *NETFLIX B.V.", "netflix.com Amsterdam NL", "Netflix"),
    ("SPOTIFY P0A3B STOCKHOLM", "Spotify AB Stockhol", "Spotify 2024-03-11", "SPOTIFY"),
    ("LIDL 0421 BERLIN DE", "Lidl sagt danke 12.03", "LIDL 1190 HAMBURG", "Lidl GmbH & Co. KG"),
    ("7-Eleven 2231", "7-ELEVEN 0417 OSLO", "7-Eleven"),
    ("SEPA LASTSCHRIFT Vodafone GmbH Ref 99-112", "VODAFONE GMBH 2024-05 RNr 88123", "Vodafone DE"),
    ("SQ *BLUE DOOR CAFE 44", "Blue Door Cafe", "Blue Door Cafe Prague"),
    ("SumUp *Blue Lantern", "BLUE LANTERN 12/04"),
    ("UBER *TRIP HELP.UBER.COM", "Uber Trip 4432 Paris"),
    ("UBER *EATS 8874", "Uber Eats Amsterdam"),
    ("Card 1234 TESCO STORES 3297", "TESCO STORES 2210 LONDON GB", "Tesco Stores"),
    ("TESCO BANK DD 00412", "Tesco Bank"),
    ("H&M 332 Wien", "H&M"),
    ("Payment to Power and Light 2024-03 inv 99213", "POWER AND LIGHT Ltd", "Power and Light 04/24"),
    ("Harbour Insurance plc REF 0091-A", "HARBOUR INSURANCE 0092-B", "Harbour Insurance"),
    ("YZ/87144583",),
    ("YZ/87144584",),
    ("Müller GmbH 33", "MULLER", "Müller"),
    ("Mullerova s.r.o. Praha", "MULLEROVA"),
)


def test_of_all_pairs_of_statement_lines_nearly_all_that_mean_one_payee_agree_and_no_others() -> None:
    lines = [(label, normal_name(text)) for label, texts in enumerate(LABELLED) for text in texts]
    pairs = [(one[0] == other[0], one[1] == other[1]) for one, other in combinations(lines, 2)]
    right = sum(same and told for same, told in pairs)
    assert right / sum(told for _, told in pairs) >= 0.98
    assert right / sum(same for same, _ in pairs) >= 0.9


@given(st.text(max_size=60))
def test_every_text_has_a_name_and_the_name_of_a_name_is_itself(text: str) -> None:
    name = normal_name(text)
    assert bool(name) == bool("".join(text.split()))
    assert normal_name(name) == normal_name(normal_name(name))


BRANDS = ("Netflix", "Spotify", "Fit Club", "Daily News Online", "Clear Line Mobile", "Cloud Box", "Power and Light")
SHOPS = (
    "Corner Market",
    "Green Basket",
    "Noodle House",
    "City Transit",
    "Fuel Stop",
    "Thread and Button",
    "Cinema Lux",
)
CITIES = ("Amsterdam", "Berlin", "Praha", "London", "Wien")


def printed(name: str, rng: random.Random) -> str:
    forms = (
        f"{name.upper()} {rng.randrange(10**4):04d}",
        f"{name} {rng.randrange(1, 13):02d}/{rng.randrange(20, 29)} {rng.choice(CITIES).upper()}",
        f"PAYPAL *{name.upper()}",
        f"{name} GmbH Ref {rng.randrange(10**6)}",
        f"Card {rng.randrange(10**4):04d} {name} {rng.choice(CITIES)}",
    )
    return rng.choice(forms)


def person(seed: int) -> tuple[Account, set[str]]:
    """Somebody with some subscriptions and everyday shopping, all in messy text, and the names of the former."""
    rng = random.Random(seed)
    own = rng.sample(BRANDS, rng.randrange(2, 6))
    rows: list[tuple[int, int, str]] = []
    for name in own:
        first, price = rng.randrange(30), rng.randrange(500, 6000)
        rows += [
            (first + round(30.44 * month) + rng.choice((0, 0, 0, 1, 2)), -price, printed(name, rng))
            for month in range(14)
            if rng.random() < 0.97
        ]
    for name in SHOPS:
        times = rng.randrange(5, 60)
        rows += [(rng.randrange(430), -rng.randrange(300, 9000), printed(name, rng)) for _ in range(times)]
    rows.sort()
    kinds: dict[Kind, int] = {}
    of = [kinds.setdefault(Kind("card", None, text), len(kinds)) for _, _, text in rows]
    days, amounts = np.array([row[:2] for row in rows], dtype=np.int64).T
    return Account("a", "EUR", tuple(kinds), days, amounts, np.array(of), days * 0), {name.casefold() for name in own}


def test_what_recurs_in_messy_text_is_found_with_few_false_ones() -> None:
    told = right = there = 0
    for seed in range(60):
        account, own = person(seed)
        found = {normal_name(stream.counterparty or "") for stream in find_streams(account, as_of=440)}
        told, right, there = told + len(found), right + len(found & own), there + len(own)
    assert right / told >= 0.95
    assert right / there >= 0.95
