"""Groups of countries that a segment can name, by ISO 3166-1 codes. Continents follow the UN's M49 (Türkiye, Cyprus and
the Caucasus count as Asia there; here Cyprus, being in the Union, counts as Europe)."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _

_UNION = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_EUROPE = f"{_UNION} AD AL AX BA BY CH FO GB GG GI IM IS JE LI MC MD ME MK NO RS RU SJ SM UA VA XK"

AREAS: Mapping[str, tuple[object, frozenset[str]]] = {
    name: (label, frozenset(codes.split()))
    for name, label, codes in (
        ("eu", _("the European Union"), _UNION),
        ("eea", _("the European Economic Area"), f"{_UNION} IS LI NO"),
        ("eurozone", _("the euro area"), "AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK"),
        ("dach", _("Germany, Austria and Switzerland"), "AT CH DE"),
        ("benelux", _("the Benelux countries"), "BE LU NL"),
        ("nordic", _("the Nordic countries"), "AX DK FI FO GL IS NO SE SJ"),
        ("europe", _("Europe"), _EUROPE),
        (
            "africa",
            _("Africa"),
            "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ "
            "NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW",
        ),
        (
            "north_america",
            _("North America"),
            "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV SX "
            "TC TT US VC VG VI",
        ),
        ("south_america", _("South America"), "AR BO BR BV CL CO EC FK GF GS GY PE PY SR UY VE"),
        (
            "asia",
            _("Asia"),
            "AE AF AM AZ BD BH BN BT CN GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY NP OM PH "
            "PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE",
        ),
        (
            "oceania",
            _("Oceania"),
            "AS AU CC CK CX FJ FM GU HM KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS",
        ),
    )
}
