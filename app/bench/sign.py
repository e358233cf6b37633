"""``flask bench sign``: filling and signing on one core, beside OpenSSL's own RSA-2048 figure."""

from __future__ import annotations

from app.bench import mail
from app.bench.ground import Result, openssl_signatures


def run(*, quick: bool = False) -> Result:
    """Measure filling and signing without database and network."""
    seconds = 1.0 if quick else 4.0
    fill = mail.fill_rate(seconds / 2)
    signing = mail.signer_rate(seconds)
    speed = openssl_signatures(seconds=1 if quick else 3)
    return Result(
        "sign",
        figures={**fill, "signed per second": signing["signed per second"]},
        references={
            "OpenSSL rsa2048 in the same process, per second": signing["OpenSSL rsa2048 per second"],
            "openssl speed rsa2048, per second": speed,
        },
        ratios={
            "signer ÷ OpenSSL in the same process": signing["ratio"],
            "signer ÷ openssl speed": signing["signed per second"] / speed,
        },
    )
