"""Tokens open only what they were made for."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.core import config, tokens
from app.core.config import Settings
from app.core.errors import InvalidToken
from app.core.tokens import MessageToken, Purpose

loose = hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
campaigns = st.integers(0, 2**32 - 1)
contacts = st.integers(0, 2**63 - 1)


@loose
@given(campaigns, contacts)
def test_a_message_token_comes_back_whole(settings: Settings, campaign: int, contact: int) -> None:
    token = tokens.sign_message(Purpose.ENGAGEMENT, campaign, contact)
    assert len(token) == 32
    assert tokens.read_message(Purpose.ENGAGEMENT, token) == MessageToken(campaign, contact)


@loose
@given(campaigns, contacts)
def test_a_return_path_survives_the_loss_of_case(settings: Settings, campaign: int, contact: int) -> None:
    token = tokens.sign_return_path(campaign, contact)
    assert tokens.read_return_path(token.upper()) == MessageToken(campaign, contact)


@loose
@given(st.integers(0, 24 * 8 - 1))
def test_no_flipped_bit_is_accepted(settings: Settings, bit: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(tokens.sign_message(Purpose.PERMISSION, 7, 9)))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidToken):
        tokens.read_message(Purpose.PERMISSION, base64.urlsafe_b64encode(raw).decode())


@loose
@given(st.text(max_size=64))
def test_no_other_text_is_accepted(settings: Settings, text: str) -> None:
    for purpose in (Purpose.ENGAGEMENT, Purpose.PERMISSION):
        with pytest.raises(InvalidToken):
            tokens.read_message(purpose, text)
    with pytest.raises(InvalidToken):
        tokens.read_return_path(text)
    with pytest.raises(InvalidToken):
        tokens.read_timed(Purpose.CONFIRM, text, max_age=60)


@pytest.mark.parametrize("other", [p for p in Purpose if p is not Purpose.ENGAGEMENT])
def test_a_token_works_for_its_purpose_alone(settings: Settings, other: Purpose) -> None:
    with pytest.raises(InvalidToken):
        tokens.read_message(other, tokens.sign_message(Purpose.ENGAGEMENT, 7, 9))
    with pytest.raises(InvalidToken):
        tokens.read_timed(other, tokens.sign_timed(Purpose.ENGAGEMENT, {"id": 1}), max_age=60)


def test_older_keys_still_verify_and_the_newest_signs(settings: Settings) -> None:
    message, timed = tokens.sign_message(Purpose.VIEW, 1, 2), tokens.sign_timed(Purpose.CONFIRM, {"id": 1})
    rotated = settings.model_copy(update={"secret_key": "n" * 40, "secret_key_fallbacks": settings.secret_key})
    config.use(rotated)
    assert tokens.read_message(Purpose.VIEW, message) == MessageToken(1, 2)
    assert tokens.read_timed(Purpose.CONFIRM, timed, max_age=60) == {"id": 1}
    fresh = tokens.sign_message(Purpose.VIEW, 1, 2)
    config.use(settings)
    with pytest.raises(InvalidToken):
        tokens.read_message(Purpose.VIEW, fresh)


def test_a_late_timed_token_says_so(settings: Settings) -> None:
    token = tokens.sign_timed(Purpose.ACCESS, {"id": 1})
    later = datetime.now(UTC) + timedelta(hours=2)
    with time_machine.travel(later), pytest.raises(InvalidToken) as raised:
        tokens.read_timed(Purpose.ACCESS, token, max_age=3600)
    assert raised.value.expired
