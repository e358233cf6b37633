"""One claim while it is being sent: its journal, who has been handed over, and the results so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from app.core import clock
from app.mail.errors import AddressRefused, DesignError
from app.mail.replies import BounceClass
from app.mail.smtp import Outcome, Outgoing
from campaigns.engine.journal import Journal
from campaigns.engine.mailing import Mailing
from campaigns.policy import MessageAct
from campaigns.services.claim import Recipient
from campaigns.services.write_back import ClaimRef, Result, given_back, result_of


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """The key under which the sender reports on one message."""

    batch: Batch
    contact_id: int


@dataclass(slots=True, eq=False)
class Batch:
    """A claim in the hands of this process."""

    claim: ClaimRef
    journal: Journal
    recipients: list[Recipient]
    results: dict[int, Result] = field(default_factory=dict)
    intents: set[int] = field(default_factory=set)

    def outgoing(self, mailing: Mailing) -> Iterator[Outgoing]:
        """Write one message after the other; what cannot be written has failed."""
        for recipient in self.recipients:
            now = clock.now()
            try:
                yield mailing.write(recipient, Flight(self, recipient.contact_id), now)
            except AddressRefused as error:
                self._refuse(recipient, "5.1.3", str(error), BounceClass.HARD.value)
            except DesignError as error:
                self._refuse(recipient, "", str(error), None)

    def _refuse(self, recipient: Recipient, enhanced: str, why: str, bounce: str | None) -> None:
        at = clock.now()
        self.results[recipient.contact_id] = Result(recipient.contact_id, MessageAct.FAIL, 0, enhanced, why, bounce, at)

    def intend(self, contact_id: int) -> None:
        """Record that a final dot is about to be written."""
        self.journal.intent(contact_id)
        self.intents.add(contact_id)

    def settle(self, contact_id: int, outcome: Outcome) -> None:
        """Record what became of a message."""
        self.journal.outcome(contact_id, outcome)
        self.results[contact_id] = result_of(
            contact_id,
            outcome.kind,
            code=outcome.code,
            enhanced=outcome.enhanced,
            text=outcome.text,
            bounce=outcome.bounce,
            at=outcome.at,
        )

    @property
    def complete(self) -> bool:
        """Tell whether every message has a result."""
        return len(self.results) == len(self.recipients)

    def give_up(self) -> None:
        """Give every message without a result one: given back when it was certainly not tried, else unknown."""
        for recipient in self.recipients:
            contact_id = recipient.contact_id
            if contact_id in self.results:
                continue
            if contact_id in self.intents:
                self.results[contact_id] = Result(contact_id, MessageAct.LOSE, 0, "", "", None, clock.now())
            else:
                self.results[contact_id] = given_back(contact_id)
