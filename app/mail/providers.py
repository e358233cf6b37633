"""Which company runs a mailbox, by the address's domain: they throttle and block as one."""

from __future__ import annotations

_DOMAINS: dict[str, str] = {
    "gmail": "gmail.com googlemail.com",
    "microsoft": "outlook.com hotmail.com live.com msn.com outlook.fr hotmail.fr live.fr hotmail.co.uk live.co.uk "
    "outlook.de hotmail.de live.de outlook.es hotmail.es outlook.it hotmail.it live.it live.nl live.be outlook.be "
    "hotmail.be hotmail.ca live.ca outlook.com.br outlook.jp windowslive.com passport.com",
    "yahoo": "yahoo.com yahoo.fr yahoo.co.uk yahoo.de yahoo.it yahoo.es yahoo.ca yahoo.co.in yahoo.com.br yahoo.ie "
    "ymail.com rocketmail.com myyahoo.com aol.com aol.fr aol.co.uk aol.de aim.com verizon.net netscape.net",
    "apple": "icloud.com me.com mac.com",
    "orange": "orange.fr wanadoo.fr voila.fr",
    "free": "free.fr libertysurf.fr aliceadsl.fr online.fr",
    "laposte": "laposte.net",
    "sfr": "sfr.fr neuf.fr cegetel.net club-internet.fr numericable.fr 9online.fr",
    "bouygues": "bbox.fr",
    "gmx": "gmx.com gmx.de gmx.net gmx.at gmx.ch gmx.fr web.de mail.com 1und1.de email.de",
    "telekom": "t-online.de magenta.de",
    "proton": "proton.me protonmail.com pm.me protonmail.ch",
    "libero": "libero.it virgilio.it inwind.it iol.it blu.it giallo.it",
    "comcast": "comcast.net xfinity.com",
    "att": "att.net sbcglobal.net bellsouth.net",
    "mailru": "mail.ru bk.ru inbox.ru list.ru internet.ru",
    "yandex": "yandex.ru yandex.com ya.ru",
    "zoho": "zoho.com zohomail.com zoho.eu",
    "fastmail": "fastmail.com fastmail.fm",
}
_GROUP_OF = {domain: group for group, domains in _DOMAINS.items() for domain in domains.split()}

DOMAINS: tuple[str, ...] = tuple(_GROUP_OF)
OTHER = "other"
GROUPS: tuple[str, ...] = (*_DOMAINS, OTHER)


def group_of(domain: str) -> str:
    """Return the mailbox-provider group of ``domain`` (A-label form, any case); ``other`` when none is known."""
    return _GROUP_OF.get(domain.lower().rstrip("."), OTHER)
