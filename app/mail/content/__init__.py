"""Content: MJML with merge tags → HTML, text and numbered links."""

from app.mail.content.design import Design, compile_design
from app.mail.content.links import Link
from app.mail.errors import DesignError
from app.mail.merge import Fields, check

__all__ = ["Design", "DesignError", "Fields", "Link", "check_subject", "compile_design"]


def check_subject(subject: str, fields: Fields) -> frozenset[str]:
    """Check the merge tags of a subject and return the fields they name. Raises DesignError."""
    return check(subject, fields)
