"""Hand-made mails that came back."""

from __future__ import annotations

TOKEN_PLACE = "{token}"


def report(
    *groups: str, text: str = "It was not delivered.", original: str = "", to: str = "news@example.com", **headers: str
) -> bytes:
    """Return a delivery report (RFC 3462, 3464) with one group of fields a recipient."""
    more = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    fields = "\n".join(f"{group}\n" for group in ("Reporting-MTA: dns; mx.example.net\n", *groups))
    returned = f"--b\nContent-Type: message/rfc822\n\n{original}\n" if original else ""
    return (
        f"From: Mail Delivery System <MAILER-DAEMON@mx.example.net>\nTo: {to}\nSubject: Undelivered Mail\n{more}"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\n\n{text}\n--b\nContent-Type: message/delivery-status\n\n{fields}\n{returned}--b--\n"
    ).encode()


def person(address: str, status: str, diagnostic: str = "", action: str = "failed") -> str:
    """Return the fields of one recipient."""
    said = f"\nDiagnostic-Code: smtp; {diagnostic}" if diagnostic else ""
    return f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}{said}"


def feedback(kind: str, fields: str = "", original: str = "") -> bytes:
    """Return a feedback report (RFC 5965)."""
    return (
        "From: feedback@fbl.example.net\nTo: abuse@example.com\nSubject: Report\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n\n'
        "--b\n\nAn e-mail abuse report.\n"
        f"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nVersion: 1\n{fields}\n\n"
        f"--b\nContent-Type: message/rfc822\n\n{original}\n--b--\n"
    ).encode()


def prose(
    text: str, *, sender: str = "MAILER-DAEMON@mx.example.net", subject: str = "failure notice", **headers: str
) -> bytes:
    """Return a plain mail."""
    more = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return (
        f"From: {sender}\nTo: news@example.com\nSubject: {subject}\n{more}"
        f"Content-Type: text/plain; charset=utf-8\n\n{text}\n"
    ).encode()
