"""What the demo's cast has done before the pictures are taken: `python -m tests.browser.staging`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import django

django.setup()

from django.utils import timezone  # noqa: E402 - the apps must be ready first

from accounts.kyc.details import Details  # noqa: E402
from accounts.kyc.services import give_details, send_document  # noqa: E402
from accounts.models import User  # noqa: E402
from compliance.audit import Origin  # noqa: E402
from copytrade.demo import FOLLOWER, MASTERS, follower_email  # noqa: E402
from risk.services import Wanted, replace_limits  # noqa: E402
from strategies.models import Strategy  # noqa: E402
from strategies.services import Offer, create_strategy  # noqa: E402
from strategies.webhooks import create_webhook  # noqa: E402
from tests.accounts.papers import image, pdf  # noqa: E402
from wallets.addresses import add_address  # noqa: E402

BITCOIN = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
TON = "UQD5vcDeRhwaLgAvralVC7sJXI-fc2aNcMUXqcx-BQ-OWi5c"
APPLICANT = follower_email(1)


def main() -> None:
    follower, master, applicant = (
        User.objects.get(email=email) for email in (FOLLOWER, MASTERS[0].email, APPLICANT)
    )
    _follower(follower)
    _master(master)
    _applicant(applicant)


def _follower(person: User) -> None:
    now, origin = timezone.now(), Origin(actor=str(person.public_id))
    limits = Wanted(
        max_order_notional=Decimal(25),
        max_open_notional=Decimal(900),
        max_daily_loss=Decimal(50),
        max_slippage_bps=40,
        symbols_blocked=["DOGE/USDT"],
    )
    replace_limits(user=person, wanted=limits, now=now, origin=origin)
    for network, address, memo, direction in (
        ("bitcoin", BITCOIN, "", "withdrawal"),
        ("ton", TON, "10492", "deposit"),
    ):
        add_address(
            owner=person,
            exchange="binance",
            network=network,
            address=address,
            memo=memo,
            label=f"My {network} {direction}",
            direction=direction,
            origin=origin,
            now=now,
        )


def _master(person: User) -> None:
    now, origin = timezone.now(), Origin(actor=str(person.public_id))
    published = Strategy.objects.get(owner=person)
    create_webhook(strategy=published, origin=origin, now=now)
    create_strategy(
        owner=person,
        exchange_account=published.exchange_account,
        offer=Offer(name="Weekend ETH", symbols=("ETH/USDT",), description="Not yet published."),
        now=now,
    )


def _applicant(person: User) -> None:
    now, origin = timezone.now(), Origin(actor=str(person.public_id))
    told = Details("Frida Beispiel", date(1990, 5, 17), "DE", "L01X00T47", date(2031, 8, 1))
    give_details(user=person, given=told, now=now, origin=origin)
    for kind, data in (("passport", image("JPEG", (1200, 800))), ("proof_of_address", pdf(2))):
        send_document(user=person, kind=kind, data=data, now=now, origin=origin)


if __name__ == "__main__":
    main()
