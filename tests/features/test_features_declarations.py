"""Declarations are checked when they are loaded, and every feature says what it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import SOURCES
from marketofone.features.catalogue import Catalogue, load_catalogue
from marketofone.features.declare import Feature, Series, active, count, distinct, habit_ratio, last, series, total
from marketofone.features.table import catalogue_table

OWNED = {"owner": "insights", "title": "some words"}
RELIED_ON = """
income_30d income_90d spend_30d spend_90d spend_7d net_30d balance_last dining_30d dining_vs_habit groceries_30d
groceries_vs_habit cash_30d debits_2h debits_vs_habit days_since_income salary_trend travel_spend_90d fees_90d
app_opens_7d app_opens_30d app_opens_trend app_errors_7d searches_7d distinct_features_30d days_since_app
other_bank_balance other_bank_spend_30d other_bank_accounts airport_visits_7d airport_visit_2h abroad_days_30d
child_searches_2h child_searches_30d home_searches_30d travel_searches_30d life_child_days life_move_days
life_job_loss_days life_retirement_days life_bereavement_days messages_30d upset_messages_3d upset_2h
negative_messages_30d fee_questions_90d account_age_days products_held in_arrears vulnerable savings_rate_90d
"""


def spending(name: str = "spend") -> Series:
    return series(name, kind="transaction.booked", value="outflow_minor")


def listed(*features: Feature) -> Catalogue:
    return Catalogue(features, context={})


def test_a_new_bank_project_declares_what_others_rely_on(catalogue: Catalogue) -> None:
    assert set(RELIED_ON.split()) <= set(catalogue.index)
    assert len(catalogue.features) >= 45
    assert 24 <= len(catalogue.context_features()) <= 28


def test_every_feature_has_unit_lineage_owner_and_title_and_stands_in_the_table(catalogue: Catalogue) -> None:
    table = catalogue_table(catalogue).splitlines()
    assert len(table) == len(catalogue.features) + 2
    for feature, row in zip(catalogue.features, table[2:], strict=True):
        assert feature.unit
        assert feature.owner
        assert feature.title
        assert feature.lineage
        assert feature.lineage <= set(SOURCES) - {"reference"}
        assert f"`{feature.name}`" in row
        assert feature.title in row


def test_all_six_switchable_sources_and_protection_are_used(catalogue: Catalogue) -> None:
    used = frozenset[str]().union(*(feature.lineage for feature in catalogue.features))
    assert used == set(SOURCES) - {"reference"}


def test_protection_facts_never_reach_the_bandit(catalogue: Catalogue) -> None:
    assert all("protection" not in feature.lineage for feature in catalogue.context_features())


@pytest.mark.parametrize(
    "declare",
    [
        lambda: series("x", kind="no.such.kind"),
        lambda: series("x", kind=("app.opened", "message.received")),
        lambda: series("x", kind="district.described"),
        lambda: series("x", kind="app.opened", where={"query": "q"}),
        lambda: series("x", kind="app.opened", value="amount_minor"),
        lambda: series("x", kind="app.opened", value="nonsense"),
        lambda: series("x", kind="person.described", where={"sex": "female"}),
        lambda: series("x", kind="person.described", per="sex"),
        lambda: total("x", spending(), window="30 days", unit="minor", **OWNED),
        lambda: total("x", spending(), window="401d", unit="minor", **OWNED),
        lambda: total("x", spending(), window="73h", unit="minor", **OWNED),
        lambda: total("x", spending(), window="30d", unit="count", **OWNED),
        lambda: total("X y", spending(), window="30d", unit="minor", **OWNED),
        lambda: count("x", spending(), window="30d", owner=" ", title="words"),
        lambda: count("x", spending(), window="30d", owner="insights", title=""),
        lambda: distinct("x", spending(), window="30d", **OWNED),
        lambda: last("x", spending(), window="2h", unit="minor", **OWNED),
        lambda: active("x", spending(), **OWNED),
        lambda: habit_ratio("x", spending(), recent="30d", habit="24h", **OWNED),
        lambda: habit_ratio("x", spending(), recent="30d", habit="380d", **OWNED),
        listed,
        lambda: listed(*[count("x", spending(), window="7d", **OWNED)] * 2),
        lambda: listed(
            count("x", spending(), window="7d", **OWNED),
            count("y", series("spend", kind="app.opened"), window="7d", **OWNED),
        ),
        lambda: Catalogue([count("x", spending(), window="7d", **OWNED)], context={"y": 1.0}),
        lambda: Catalogue([count("x", spending(), window="7d", **OWNED)], context={"x": 0.0}),
        lambda: load_catalogue("this is no program"),
        lambda: load_catalogue("1 / 0"),
        lambda: load_catalogue("FEATURES = 3"),
        lambda: load_catalogue("FEATURES = ()"),
    ],
)
def test_a_declaration_that_means_nothing_is_refused(declare: Callable[[], object]) -> None:
    with pytest.raises(MalformedDocument):
        declare()


def test_the_digest_follows_meaning_and_not_wording() -> None:
    def digest(title: str, window: str) -> str:
        return listed(count("x", spending(), window=window, owner="insights", title=title)).digest

    assert digest("some words", "30d") == digest("other words", "30d")
    assert digest("some words", "30d") != digest("some words", "31d")


def test_a_typical_magnitude_becomes_one_half_and_what_is_unknown_nothing() -> None:
    features = [count(name, spending(), window="7d", **OWNED) for name in ("a", "b", "c")]
    catalogue = Catalogue(features, context={"c": 10.0, "a": 4.0})

    squashed = catalogue.squash(np.array([4.0, 7.0, np.nan]))

    assert [feature.name for feature in catalogue.context_features()] == ["c", "a"]
    assert squashed.tolist() == [0.0, 0.5]
    assert np.abs(catalogue.squash(np.array([-1e12, 0.0, 1e12]))).max() < 1.0
    assert catalogue.squash(np.zeros((5, 3))).shape == (5, 2)
