"""From which age somebody may consent on their own to a service of the information society, by country (GDPR 8(1)).

The regulation says 16 and lets states go down to 13. Whether a newsletter is such a service is argued about; a brand
that writes for young people asks. What is kept is the statement, never a date of birth (GDPR 5(1)(c)).
"""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT = 16  # GDPR 8(1)
# Each state's own law; the United Kingdom's is its Data Protection Act. Where a law is not listed, 16 holds.
AGES: Mapping[str, int] = {
    "AT": 14,  # DSG § 4(4)
    "BE": 13,  # Loi du 30 juillet 2018, art. 7
    "BG": 14,  # ЗЗЛД art. 25c
    "CY": 14,  # Law 125(I)/2018, s. 8
    "CZ": 15,  # Zákon 110/2019, § 7
    "DE": 16,  # no law of its own
    "DK": 15,  # Databeskyttelsesloven § 6, as amended in 2023
    "EE": 13,  # IKS § 8
    "ES": 14,  # LOPDGDD art. 7
    "FI": 13,  # Tietosuojalaki § 5
    "FR": 15,  # Loi Informatique et Libertés, art. 45
    "GB": 13,  # Data Protection Act 2018, s. 9
    "GR": 15,  # Law 4624/2019, art. 21
    "HR": 16,
    "HU": 16,
    "IE": 16,  # Data Protection Act 2018, s. 31
    "IT": 14,  # Codice privacy, art. 2-quinquies
    "LT": 14,  # ADTAĮ art. 6
    "LU": 16,
    "LV": 13,  # FPDAL art. 33
    "MT": 13,  # S.L. 586.11
    "NL": 16,  # UAVG art. 5
    "NO": 13,  # Personopplysningsloven § 5
    "PL": 16,
    "PT": 13,  # Lei 58/2019, art. 16
    "RO": 16,
    "SE": 13,  # Lag 2018:218, 2 kap. 4 §
    "SI": 15,  # ZVOP-2 art. 8
    "SK": 16,  # Zákon 18/2018, § 15
}


def age(country: str) -> int:
    """Return the age of a country (ISO 3166), 16 for one that is not listed."""
    return AGES.get(country, DEFAULT)
