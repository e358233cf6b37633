"""How fast one core fills and signs messages, with bare OpenSSL signatures measured in between as the reference."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.mail import dkim, mime
from app.mail.content import compile_design
from app.mail.merge import Value
from app.mail.skeleton import Engagement, Frame, Skeleton, build_skeleton

_FIELDS = ("first_name", "last_name", "city", "company", "plan", "points", "joined", "code", "country", "store",
           "phone", "segment", "colour", "size")  # fmt: skip
_STORY = "A few words about what is new, long enough to be read with pleasure and short enough to be read whole. " * 4


def design(stories: int = 10) -> str:
    """Return a newsletter of about 29 KB of HTML with 15 merge values and 3 links a story, all plain slots."""
    greeting = " ".join(f"{{{{ contact.{name} }}}}" for name in _FIELDS)
    foot = '{{ why }} {{ postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a>'
    texts = [f"{greeting} {foot}"]
    for number in range(stories):
        links = ", ".join(f'<a href="https://shop.example/{number}/{n}">item {number}.{n}</a>' for n in range(3))
        texts.append(f"{_STORY} {links}")
    sections = "".join(
        f'<mj-section background-color="#ffffff"><mj-column><mj-text>{text}</mj-text></mj-column></mj-section>'
        for text in texts
    )
    return f"<mjml><mj-body>{sections}</mj-body></mjml>"


def skeleton() -> Skeleton:
    """Return the compiled, tracked variant of ``design``."""
    frame = Frame(
        "news@brand.example", "Brand", "News for {{ contact.first_name }}", "brand.example",
        list_id="news.brand.example", list_name="News", feedback_id="1:2:3:brand",
    )  # fmt: skip
    return build_skeleton(
        compile_design(design()), frame, Engagement("https://t.brand.example"), constants={"postal_address": "1 rue X"}
    )


def person(number: int) -> dict[str, Value]:
    """Return the values of one recipient; no two are alike."""
    values: dict[str, Value] = {f"contact.{name}": f"{name} é {number % 997}" for name in _FIELDS}
    return values | {
        "why": "You subscribed on brand.example.",
        "to_address": f"person{number}@example.com",
        "to_name": f"Person {number}",
        "message_id": f"m{number}",
        "date": mime.date_header(datetime(2026, 1, 2, tzinfo=UTC)),
        "engagement_token": f"{number:043d}",
        "unsubscribe_url": f"https://t.brand.example/unsubscribe/{number:043d}",
        "unsubscribe_mailbox": f"unsubscribe+{number:048x}@bounces.brand.example",
    }


def _per_second(action: Callable[[int], object], seconds: float) -> float:
    count, started = 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds:
        for _ in range(20):
            action(count)
            count += 1
    return count / spent


def fill_rate(seconds: float = 2.0) -> dict[str, float]:
    """Return how many messages a second are filled, microseconds for one, and its size in bytes."""
    compiled = skeleton()
    people = [person(number) for number in range(2_000)]
    rate = _per_second(lambda n: compiled.render(people[n % 2_000]), seconds)
    return {
        "filled per second": rate,
        "fill, µs": 1e6 / rate,
        "message, bytes": float(len(compiled.render(people[0]).message())),
    }


def signer_rate(seconds: float = 4.0) -> dict[str, float]:
    """Return signatures a second of the signer and of bare RSA-2048 by OpenSSL, measured in turns, and their ratio."""
    pair = dkim.generate_key()
    signer = dkim.Signer(pair.private_pem, "brand.example", "s1")
    rendered = skeleton().render(person(1))
    key = serialization.load_pem_private_key(pair.private_pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    data, pad, digest = b"x" * 1_000, padding.PKCS1v15(), hashes.SHA256()
    turns = 4
    ours = bare = 0.0
    for _ in range(turns):
        bare += _per_second(lambda _n: key.sign(data, pad, digest), seconds / turns / 2) / turns
        ours += _per_second(lambda n: signer.sign(rendered, n), seconds / turns / 2) / turns
    assert dkim.verify(rendered.message(signer.sign(rendered, 1_767_312_000)), pair.dns_txt)
    return {"signed per second": ours, "OpenSSL rsa2048 per second": bare, "ratio": ours / bare}
