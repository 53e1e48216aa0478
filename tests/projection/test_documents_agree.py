"""Documents are checked against each other: a name that stands in one only is an error that names both places."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedDocument
from marketofone.domain.role import ROLES
from marketofone.projection.bank_config import BankConfig, read_config
from renaming import CHANNELS, PURPOSES, TEMPLATE, channel_renamed, in_german, purpose_renamed

NAMES = st.from_regex(r"\A[a-z][a-z0-9_-]{0,12}\Z").filter(lambda name: name not in {*PURPOSES, *CHANNELS})
PLAIN = read_config(TEMPLATE)
few = settings(deadline=None, max_examples=12)  # each reads all documents of a bank
USED = {
    "actions.toml": ("app", "push", "email", "phone"),
    "guardrails.toml": ("push", "phone"),
    "consent.toml": ("app", "push", "email", "phone"),
}


def test_the_template_agrees_and_serves_every_role() -> None:
    assert {role: PLAIN.policy.serving(role) for role in ROLES} == {
        "insights": "insights",
        "forecast": "insights",
        "personalisation": "personalisation",
        "marketing": "marketing",
        "care": "care",
        "learning": "learning",
        "protection": "protection",
    }


@few
@given(
    document=st.sampled_from(sorted(USED)),
    place=st.integers(0, 3),
    new=NAMES,
)
def test_renaming_a_channel_in_one_document_is_an_error_that_names_both_places(
    document: str, place: int, new: str
) -> None:
    old = USED[document][place % len(USED[document])]
    renamed = channel_renamed(TEMPLATE, old, new, only=document)
    if renamed == TEMPLATE:
        return  # it does not stand there
    if document == "consent.toml" and channel_renamed(TEMPLATE, old, new) == {**TEMPLATE, **renamed}:
        return  # and nowhere else either
    with pytest.raises(MalformedDocument) as refused:
        read_config(renamed)
    said = refused.value
    assert said.field.split()[0] in ("actions.toml", "guardrails.toml")
    assert "consent.toml [channels]" in said.shape
    assert repr(old if document == "consent.toml" else new) in said.shape
    assert all(word in said.fix for word in (CHANNELS if document != "consent.toml" else {new: ""}))


def told_of(document: str, before: str, after: str) -> MalformedDocument:
    changed = TEMPLATE | {document: TEMPLATE[document].replace(before, after)}
    assert changed != TEMPLATE
    with pytest.raises(MalformedDocument) as refused:
        read_config(changed)
    return refused.value


def test_what_is_asked_for_must_be_a_source_of_the_purpose_that_the_action_does_not_need_itself() -> None:
    known = PLAIN.asks
    assert known == {"ask_other_banks": ("insights", "open_banking"), "ask_places": ("personalisation", "location")}
    for source in ("messages", "app"):
        said = told_of("actions.toml", 'asks = "location"', f'asks = "{source}"')
        assert said.field == "actions.toml actions.ask_places.asks"
        assert "'personalisation'" in said.shape
        assert "purposes.personalisation.sources: location" in said.fix


def test_what_serves_marketing_is_not_asked_for() -> None:
    joined = TEMPLATE["consent.toml"].replace('serves = "marketing"', 'serves = ["marketing", "personalisation"]')
    texts = TEMPLATE | {"consent.toml": joined.replace('\nserves = "personalisation"', "")}
    with pytest.raises(MalformedDocument, match="would be marketing itself"):
        read_config(texts)


def test_who_asks_must_be_able_to_see_whom_to_spare() -> None:
    said = told_of("consent.toml", 'serves = "protection"', "")
    assert "'protection'" in said.shape


def test_a_version_of_the_documents_is_read_once_and_another_one_anew() -> None:
    assert read_config(dict(TEMPLATE)) is read_config(TEMPLATE)
    other = {**TEMPLATE, "bank.toml": TEMPLATE["bank.toml"] + "\n"}
    assert read_config(other) is not read_config(TEMPLATE)
    assert read_config(other).digest != PLAIN.digest


@few
@given(channels=st.permutations(list(CHANNELS)), new=st.lists(NAMES, min_size=4, max_size=4, unique=True))
def test_renaming_channels_everywhere_changes_nothing_but_their_names(channels: list[str], new: list[str]) -> None:
    texts = dict(TEMPLATE)
    for old, name in zip(channels, new, strict=True):
        texts = channel_renamed(texts, old, name)

    config = read_config(texts)

    back = dict(zip(new, channels, strict=True))
    assert [back[name] for name in config.policy.channels] == list(PLAIN.policy.channels)
    assert shape(config, back) == shape(PLAIN, {name: name for name in CHANNELS})


def shape(config: BankConfig, names: dict[str, str]) -> object:
    return (
        [(action.id, [names[channel] for channel in action.channels]) for action in config.actions.offered],
        {name: names[occasion.channel] for name, occasion in config.actions.occasions.items()},
        {
            (occasion, names[channel]): config.compiled.candidate_set(occasion=occasion, channel=channel).rows
            for occasion in config.actions.occasions
            for channel in config.policy.channels
        },
        [names[channel] for channel in config.compiled.guardrails.quiet_hours.channels],
    )


@few
@given(old=st.sampled_from(sorted(PURPOSES)), new=NAMES)
def test_renaming_a_purpose_changes_nothing_but_its_name(old: str, new: str) -> None:
    config = read_config(purpose_renamed(TEMPLATE, old, new))

    for role in ROLES:
        before = PLAIN.policy.serving(role)
        assert config.policy.serving(role) == (new if before == old else before)
    assert config.compiled.reads == PLAIN.compiled.reads


def test_a_bank_may_have_words_of_its_own_for_everything() -> None:
    config = read_config(in_german())

    assert set(config.policy.purposes) == set(PURPOSES.values())
    assert set(config.policy.channels) == set(CHANNELS.values())


ACTION = '[[actions]]\nid = "tea"\nkind = "{kind}"\ntitle = "Tea"\ntext = "Some tea."\n{more}\n'


def with_action(*more: str, kind: str = "nudge") -> dict[str, str]:
    return {
        **TEMPLATE,
        "actions.toml": TEMPLATE["actions.toml"] + "\n" + ACTION.format(kind=kind, more="\n".join(more)),
    }


@pytest.mark.parametrize(
    ("texts", "field", "shape"),
    [
        (
            with_action('channels = ["pigeon"]'),
            "actions.toml actions.tea.channels",
            "the channel 'pigeon', which does not stand in consent.toml [channels]",
        ),
        (
            with_action("eligible = \"channel == 'pigeon'\""),
            "actions.toml actions.tea.eligible",
            "the channel 'pigeon', which does not stand in consent.toml [channels]",
        ),
        (
            with_action("eligible = \"occasion == 'tea.time'\""),
            "actions.toml actions.tea",
            "the occasion 'tea.time', which does not stand in actions.toml [occasions]",
        ),
        (
            {**TEMPLATE, "consent.toml": TEMPLATE["consent.toml"].replace('serves = "marketing"\n', "")},
            "actions.toml actions.",
            "which needs a purpose that serves 'marketing'; none does in consent.toml [purposes]",
        ),
        (
            {**TEMPLATE, "consent.toml": TEMPLATE["consent.toml"].replace('serves = "protection"\n', "")},
            "actions.toml actions.",
            "a credit, which needs a purpose that serves 'protection'; none does in consent.toml [purposes]",
        ),
        (
            {**TEMPLATE, "consent.toml": TEMPLATE["consent.toml"].replace('"forecast", ', "")},
            "actions.toml actions.",
            "something foreseen, which needs a purpose that serves 'forecast'; none does in consent.toml [purposes]",
        ),
        (
            {
                **TEMPLATE,
                "consent.toml": TEMPLATE["consent.toml"].replace(
                    'sources = ["app", "location"]', 'sources = ["app"]'
                ),
            },
            "actions.toml actions.",
            "which does not stand in consent.toml purposes.personalisation.sources",
        ),
        (
            {
                **TEMPLATE,
                "consent.toml": TEMPLATE["consent.toml"]
                .replace("[sources.location]", "[sources.reference]")
                .replace(', "location"', ""),
            },
            "features.py airport_visit_2h",
            "the source 'location', which does not stand in consent.toml [sources]",
        ),
        (
            {
                **TEMPLATE,
                "consent.toml": TEMPLATE["consent.toml"].replace('serves = "care"', 'serves = ["care", "learning"]'),
            },
            "purposes.learning.serves",
            "learning, which purposes.care serves already",
        ),
        (
            {**TEMPLATE, "consent.toml": TEMPLATE["consent.toml"].replace('serves = "care"', 'serves = "protection"')},
            "purposes.care.serves",
            "a role that does not go with this basis",
        ),
    ],
    ids=[
        "channel", "condition", "occasion", "offers", "credit", "foreseen", "source of a purpose",
        "source of a feature",
        "role twice", "basis",
    ],
)  # fmt: skip
def test_a_name_that_stands_nowhere_else_is_an_error(texts: dict[str, str], field: str, shape: str) -> None:
    with pytest.raises(MalformedDocument) as refused:
        read_config(texts)
    assert refused.value.field.startswith(field)
    assert shape in refused.value.shape


def test_a_role_that_nothing_needs_may_be_served_by_nobody() -> None:
    consent = TEMPLATE["consent.toml"].replace('serves = "learning"\n', "")

    assert read_config({**TEMPLATE, "consent.toml": consent}).policy.serving("learning") == ""
