"""Periodic work of the sealed archive."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext, ngettext

from app.core import config
from app.core.db import unit_of_work
from app.core.jobs import periodic
from app.core.registries import Retention, retentions
from consent.services import archive

retentions.add("archive", Retention(lazy_gettext("Sealed proofs of erased people"), lambda _: _kept()))


@periodic("consent.purge_archive", every=86400)
def purge() -> None:
    """Delete sealed proofs after the limitation period."""
    with unit_of_work() as session:
        archive.purge(session)


def _kept() -> str:
    if not config.current().archive_public_key:
        return str(gettext("none are kept"))
    return str(ngettext("%(num)d year", "%(num)d years", config.current().archive_years))
