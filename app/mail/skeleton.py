"""The compiled message: everything that is the same for all is encoded once; only slots are filled per person.

``build_skeleton`` is called once per campaign, language and tracking variant; workers load ``Skeleton.from_bytes``.
Body slots stand between soft line breaks of quoted-printable, so static runs never change by what stands in them.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from functools import cached_property
from operator import itemgetter

from app.mail import fragments, merge, mime, plaindata
from app.mail.content import Design, Link
from app.mail.content.links import encoded_tag
from app.mail.content.tags import escape_static, split
from app.mail.fragments import Piece, Slot
from app.mail.merge import Escape, Fields, Values

_SOFT = b"=\r\n"
_TEXT_HEAD = "Content-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
# Signed twice, so that a second one added on the way breaks the signature (RFC 6376 §5.4, §8.15).
_OVERSIGNED = frozenset(
    {"From", "To", "Subject", "Date", "Reply-To", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"}
)
_FORMAT = 1
_MEMO_SIZE = 2_000  # per slot: a few dozen slots stay within some megabytes


@dataclass(frozen=True, slots=True)
class Engagement:
    """Where links and the pixel point. ``token`` None: one token per message and a pixel (the tracked variant);
    else the campaign-wide token, and no pixel (the untracked variant)."""

    base_url: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """What the headers are made of. ``subject`` may hold merge tags; addresses have been checked."""

    from_address: str
    from_name: str
    subject: str
    message_id_domain: str
    reply_to: str = ""
    list_id: str = ""
    list_name: str = ""
    feedback_id: str = ""
    bulk: bool = True


class Rendered:
    """One person's message, ready to be signed and sent."""

    __slots__ = ("body", "canonical", "headers", "signed", "signed_folded")

    def __init__(self, headers: bytes, canonical: bytes, body: bytes, signed: bytes, signed_folded: bytes) -> None:
        self.headers, self.canonical, self.body = headers, canonical, body
        self.signed, self.signed_folded = signed, signed_folded

    def parts(self, signature: bytes = b"") -> tuple[bytes, ...]:
        """Return the pieces to write after DATA, without the final dot; no dot-stuffing is needed."""
        return (signature, self.headers, b"\r\n", self.body)

    def message(self, signature: bytes = b"") -> bytes:
        """Return the whole message."""
        return b"".join(self.parts(signature))


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as its reader sees it."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True)
class Skeleton:
    """Static runs and slots. ``statics`` has one run more than ``order``, which names the slot after each run."""

    frame: Frame
    boundary: str
    statics: tuple[bytes, ...]
    order: tuple[int, ...]
    slots: tuple[Slot, ...]
    constants: Values

    # Storage.
    def to_bytes(self) -> bytes:
        """Return the skeleton for storage; ``from_bytes`` undoes it."""
        data = {
            "format": _FORMAT,
            "frame": {name: getattr(self.frame, name) for name in Frame.__slots__},
            "boundary": self.boundary,
            "statics": [run.decode("ascii") for run in self.statics],
            "order": self.order,
            "slots": [[slot.source, slot.escape.value] for slot in self.slots],
            "constants": plaindata.dump(self.constants),
        }
        return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Skeleton:
        """Load what ``to_bytes`` gave."""
        data = json.loads(stored)
        if data["format"] != _FORMAT:
            raise ValueError(f"the stored message has format {data['format']}, this version reads {_FORMAT}")
        return cls(
            frame=Frame(**data["frame"]),
            boundary=data["boundary"],
            statics=tuple(run.encode("ascii") for run in data["statics"]),
            order=tuple(data["order"]),
            slots=tuple(Slot(source, Escape(escape)) for source, escape in data["slots"]),
            constants=plaindata.load(data["constants"]),
        )

    # What a person's values must hold.
    @cached_property
    def needs(self) -> frozenset[str]:
        """The names looked up in ``values``; contact fields that are missing count as empty."""
        reserved = {"to_address", "to_name", "message_id", "date"} | ({"unsubscribe_url"} if self.frame.bulk else set())
        named = fragments.needs(self.slots) | merge.variables(self.frame.subject) | reserved
        return frozenset(named) - self.constants.keys()

    # Filling.
    def render(self, values: Values) -> Rendered:
        """Fill in one person's values. Raises AddressRefused for a ``to_address`` no header can carry."""
        encoded = [encode(values) for encode in self._encoders]
        body = self._body % self._pick(encoded)
        head = self._head
        to = mime.mailbox(str(values.get("to_name") or ""), mime.envelope_address(str(values["to_address"])))
        subject = head.subject
        if not isinstance(subject, bytes):
            subject = self._subjects[subject(values)]
        date, message_id = str(values["date"]).encode(), str(values["message_id"]).encode()
        fixed: tuple[bytes, ...] = (date, message_id)
        if self.frame.bulk:
            fixed = (date, message_id, _ways_out(values))
        lines = head.lines % (to, subject, *fixed)
        canonical = head.canonical % (mime.canonical(to), mime.canonical(subject), *map(mime.canonical, fixed))
        return Rendered(lines, canonical, body, head.signed, head.signed_folded)

    def subject(self, values: Values) -> str:
        """Return a person's subject as they read it."""
        text = fragments.text_renderer(self.frame.subject, self.constants)
        return mime.one_line(text if isinstance(text, str) else text(values))

    def preview(self, values: Values) -> Preview:
        """Return subject, HTML and text exactly as sent, decoded."""
        message = message_from_bytes(self.render(values).message(), policy=policy.default)
        text, html_ = message.get_body(("plain",)), message.get_body(("html",))
        assert text is not None and html_ is not None
        return Preview(str(message["Subject"]), str(html_.get_content()), str(text.get_content()))

    @cached_property
    def _body(self) -> bytes:
        return b"%b".join(run.replace(b"%", b"%%") for run in self.statics)

    @cached_property
    def _pick(self) -> Callable[[list[bytes]], tuple[bytes, ...]]:
        if len(self.order) > 1:
            return itemgetter(*self.order)
        return lambda encoded: tuple(encoded[index] for index in self.order)

    @cached_property
    def _encoders(self) -> tuple[Callable[[Values], bytes], ...]:
        return tuple(_encoder(slot, self.constants) for slot in self.slots)

    @cached_property
    def _subjects(self) -> _Memo:
        return _SubjectMemo()

    @cached_property
    def _head(self) -> _Head:
        return _head(self.frame, self.boundary, self.constants)


def _ways_out(values: Values) -> bytes:
    """Return the value of List-Unsubscribe: first the address that one-click posts to (RFC 8058 §3.1), then, where
    there is one, the address that takes the same wish by mail (RFC 2369 §3.2)."""
    url, mailbox = values["unsubscribe_url"], values.get("unsubscribe_mailbox")
    if mailbox is None:
        return f"<{url}>".encode()
    return f"<{url}>,\r\n <mailto:{mailbox}?subject=unsubscribe>".encode()


class _Memo(dict[str, bytes]):
    """Encoded forms of values seen before: names and cities repeat."""

    def __missing__(self, text: str) -> bytes:
        if len(self) > _MEMO_SIZE:
            self.clear()
        encoded = self[text] = mime.quoted_value(text)
        return encoded


def _encoder(slot: Slot, constants: Values) -> Callable[[Values], bytes]:
    simple = merge.compile_output(slot.source)
    if simple is None:
        render = fragments.renderer(slot, constants)
        return lambda values: mime.quoted_value(render(values))
    name, evaluate = simple
    if name == "engagement_token" or name in merge.URL_FIELDS:  # unlike for each person: a memo would only fill up
        escape = html.escape if slot.escape is Escape.HTML else str
        return lambda values: mime.quoted_value(escape(evaluate(values)))
    memo = _HtmlMemo() if slot.escape is Escape.HTML else _Memo()
    return lambda values: memo[evaluate(values)]


class _HtmlMemo(_Memo):
    def __missing__(self, text: str) -> bytes:
        if len(self) > _MEMO_SIZE:
            self.clear()
        encoded = self[text] = mime.quoted_value(html.escape(text))
        return encoded


class _SubjectMemo(_Memo):
    def __missing__(self, text: str) -> bytes:
        if len(self) > _MEMO_SIZE:
            self.clear()
        encoded = self[text] = mime.unstructured("Subject", text)
        return encoded


# Building.
def build_skeleton(
    design: Design,
    frame: Frame,
    engagement: Engagement | None,
    *,
    constants: Values | None = None,
    fields: Fields | None = None,
) -> Skeleton:
    """Compile ``design`` and ``frame`` to a skeleton. Without ``engagement`` links point where they say.

    ``constants`` are values that all recipients share; they are baked into the static runs. Raises DesignError for a
    wrong merge tag in the subject.
    """
    constants = constants or {}
    html_source, text_source = design.with_links(
        lambda link: escape_static(_link(link, engagement)),
        lambda link: _link(link, engagement),
    )
    if engagement is not None and engagement.token is None:
        html_source = _with_pixel(html_source, engagement.base_url)
    merge.check(frame.subject, fields or Fields.any())
    text = fragments.cut(text_source, Escape.TEXT, constants)
    page = fragments.cut(html_source, Escape.HTML, constants)
    boundary = "=_" + hashlib.sha256(repr((text, page)).encode()).hexdigest()[:32]
    statics, order, slots = _assemble(boundary, text, page)
    named = fragments.needs(slots) | merge.variables(frame.subject)
    kept = {name: value for name, value in constants.items() if name in named}
    return Skeleton(frame, boundary, statics, order, slots, kept)


def _link(link: Link, engagement: Engagement | None) -> str:
    """Return a numbered link's address as Liquid: personal values ride in the click URL's query."""
    pieces = split(link.url)
    if engagement is None:
        return "".join(p if i % 2 == 0 else encoded_tag(p) for i, p in enumerate(pieces))
    token = "{{ engagement_token }}" if engagement.token is None else engagement.token
    query = "&".join(f"v={encoded_tag(tag)}" for tag in pieces[1::2])
    return f"{engagement.base_url.rstrip('/')}/c/{token}/{link.number}" + (f"?{query}" if query else "")


def _with_pixel(page: str, base_url: str) -> str:
    source = f"{base_url.rstrip('/')}/o/{{{{ engagement_token }}}}.gif"
    pixel = f'<img src="{source}" width="1" height="1" alt="" style="display:block;width:1px;height:1px;border:0">\n'
    before, end, after = page.rpartition("</body>")
    return f"{before}{pixel}{end}{after}" if end else page + pixel


def _assemble(
    boundary: str, text: list[Piece], page: list[Piece]
) -> tuple[tuple[bytes, ...], tuple[int, ...], tuple[Slot, ...]]:
    """Return encoded static runs, the slot after each run, and the slots."""
    runs: list[bytes] = [f"--{boundary}\r\n{_TEXT_HEAD.format('plain')}".encode()]
    order: list[int] = []
    slots: dict[Slot, int] = {}

    def add(pieces: list[Piece]) -> None:
        at_start = True
        for index, piece in enumerate(pieces):
            if isinstance(piece, Slot):
                runs[-1] += b"" if at_start else _SOFT
                order.append(slots.setdefault(piece, len(slots)))
                runs.append(_SOFT)
                # The value's line is over; a slot that follows directly needs no second break.
                at_start = True
            else:
                runs[-1] += mime.quoted_printable(piece, before_slot=index + 1 < len(pieces))
                at_start = False

    add(text)
    runs[-1] += f"\r\n--{boundary}\r\n{_TEXT_HEAD.format('html')}".encode()
    add(page)
    runs[-1] += f"\r\n--{boundary}--\r\n".encode()
    return tuple(runs), tuple(order), tuple(slots)


@dataclass(frozen=True, slots=True)
class _Head:
    lines: bytes
    canonical: bytes
    subject: bytes | Callable[[Values], str]
    signed: bytes
    signed_folded: bytes


def _head(frame: Frame, boundary: str, constants: Values) -> _Head:
    """Return the header templates: as written and in DKIM's relaxed form, in the same order."""
    subject = fragments.text_renderer(frame.subject, constants)
    domain = frame.message_id_domain.encode("ascii")
    headers: list[tuple[str, bytes, bool]] = [
        ("From", mime.mailbox(frame.from_name, mime.envelope_address(frame.from_address), "From"), False),
        ("To", b"%b", True),
        ("Subject", b"%b", True),
        ("Date", b"%b", True),
        ("Message-ID", b"<%b@" + domain + b">", True),
        ("MIME-Version", b"1.0", False),
        ("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"'.encode(), False),
    ]
    if frame.reply_to:
        headers.append(("Reply-To", mime.mailbox("", mime.envelope_address(frame.reply_to), "Reply-To"), False))
    if frame.list_id:
        headers.append(("List-Id", mime.list_id(frame.list_name, frame.list_id), False))
    if frame.bulk:
        headers.append(("List-Unsubscribe", b"%b", True))
        headers.append(("List-Unsubscribe-Post", b"List-Unsubscribe=One-Click", False))
    else:
        headers.append(("Auto-Submitted", b"auto-generated", False))
    if frame.feedback_id:
        headers.append(("Feedback-ID", mime.unstructured("Feedback-ID", frame.feedback_id), False))
    signed, folded = _signed_names([name for name, _, _ in headers])
    lines = canonical = b""
    for name, value, dynamic in headers:
        value = value if dynamic else value.replace(b"%", b"%%")
        lines += name.encode() + b": " + value + b"\r\n"
        canonical += name.lower().encode() + b":" + mime.canonical(value) + b"\r\n"
    encoded = mime.unstructured("Subject", subject) if isinstance(subject, str) else subject
    return _Head(lines, canonical, encoded, signed, folded)


def _signed_names(names: list[str]) -> tuple[bytes, bytes]:
    """Return the h= list, on one line in relaxed form and folded as written."""
    all_names = [n.lower() for n in names] + [n.lower() for n in names if n in _OVERSIGNED]
    if "Reply-To" not in names:
        all_names.append("reply-to")  # none may be added either
    rows = [":".join(all_names[start : start + 5]) for start in range(0, len(all_names), 5)]
    return ": ".join(rows).encode(), ":\r\n  ".join(rows).encode()


__all__ = ["Engagement", "Frame", "Preview", "Rendered", "Skeleton", "build_skeleton"]
