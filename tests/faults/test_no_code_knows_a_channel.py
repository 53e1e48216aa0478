"""A bank names its channels as it likes; what a person allows through any of them is open where nobody is reached."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from situations import NOW, runs_short, says, values

import marketofone
from marketofone import Bank
from marketofone.domain.errors import ConsentRefused, MalformedRequest


@pytest.mark.parametrize("channel", ["email", "push", "phone", "app"])
def test_whoever_allows_one_channel_only_is_looked_ahead_for(bank: Bank, channel: str) -> None:
    says(bank, "c-1", channel=channel)
    bank.ingest(runs_short("c-1"), now=NOW)
    assert bank.forecast("c-1", now=NOW).accounts
    assert values(bank, "c-1")
    assert bank.spending("c-1", now=NOW).notes == ()
    assert bank.refresh_forecasts(now=NOW).looked == 1
    other = "app" if channel != "app" else "email"
    used = {source for _, source in bank.decide("c-1", occasion="app.opened", channel=other, now=NOW).uses}
    assert used <= {"protection"}, "a contact needs its own channel"


def test_a_bank_without_a_channel_called_app_works(project: Path) -> None:
    for name in ("consent.toml", "actions.toml", "guardrails.toml"):
        text = (project / name).read_text(encoding="utf-8")
        text = re.sub(r'(?m)^(channels? = .*)"app"', r'\1"web"', text.replace("channels.app]", "channels.web]"))
        text = re.sub(r'(?m)^(.*channel = )"app"', r'\1"web"', text)
        (project / name).write_text(text, encoding="utf-8")
    with marketofone.open(project, now=NOW) as bank:
        says(bank, "c-1")
        bank.ingest(runs_short("c-1"), now=NOW)
        assert bank.forecast("c-1", now=NOW).accounts
        assert values(bank, "c-1")
        assert bank.decide("c-1", occasion="app.opened", now=NOW).channel == "web"
        with pytest.raises(MalformedRequest):
            bank.decide("c-1", occasion="app.opened", channel="app", now=NOW)
        says(bank, "c-1", "withdraw", channel="web")
        assert bank.forecast("c-1", now=NOW).accounts, "the other channels are still open"
        says(bank, "c-1", "withdraw")
        with pytest.raises(ConsentRefused):
            bank.forecast("c-1", now=NOW)
