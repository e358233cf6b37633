"""Both machines, exhaustively: whatever the table does not name is refused."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from campaigns.errors import WrongState
from campaigns.policy import (
    CAMPAIGN_TRANSITIONS,
    IN_FLIGHT,
    MAX_ATTEMPTS,
    MESSAGE_TRANSITIONS,
    OPEN,
    RETRY_DELAYS,
    CampaignAct,
    CampaignStatus,
    MessageAct,
    MessageState,
    may,
    next_status,
)

EVERY_ACT = list(product(CampaignStatus, CampaignAct))


@pytest.mark.parametrize(("status", "act"), EVERY_ACT)
def test_a_campaign_does_what_its_table_says_and_nothing_else(status: CampaignStatus, act: CampaignAct) -> None:
    if (status, act) in CAMPAIGN_TRANSITIONS:
        assert next_status(status, act) is CAMPAIGN_TRANSITIONS[status, act]
        assert may(status, act)
    else:
        assert not may(status, act)
        with pytest.raises(WrongState):
            next_status(status, act)


def test_cancelled_is_final() -> None:
    assert not [act for act in CampaignAct if may(CampaignStatus.CANCELLED, act)]


def test_every_status_but_draft_is_reached() -> None:
    assert set(CAMPAIGN_TRANSITIONS.values()) == set(CampaignStatus)


def test_what_was_tried_to_an_end_is_never_tried_again() -> None:
    claimable = {state for state, act in MESSAGE_TRANSITIONS if act is MessageAct.CLAIM}
    assert claimable == {MessageState.QUEUED, MessageState.DEFERRED}
    ends = set(MessageState) - set(OPEN) - {MessageState.UNKNOWN}
    assert not [state for state, _ in MESSAGE_TRANSITIONS if state in ends]


def test_results_change_only_what_is_in_flight() -> None:
    results = {MessageAct.ACCEPT, MessageAct.DEFER, MessageAct.FAIL, MessageAct.GIVE_BACK, MessageAct.LOSE}
    for state, act in product(MessageState, results):
        assert ((state, act) in MESSAGE_TRANSITIONS) == (state in IN_FLIGHT)
    for act in results - {MessageAct.LOSE}:
        claimed, unknown = (MESSAGE_TRANSITIONS[state, act] for state in IN_FLIGHT)
        assert claimed is unknown


def test_waits_between_tries_grow() -> None:
    assert all(earlier < later for earlier, later in pairwise(RETRY_DELAYS))
    assert len(RETRY_DELAYS) + 1 == MAX_ATTEMPTS
