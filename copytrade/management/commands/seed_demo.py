"""Fill an empty platform with the cast of the demo, on the paper exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from accounts.services import create_user
from compliance.audit import SYSTEM
from copytrade.demo import (
    FOLLOWER,
    FOLLOWERS,
    MASTER_BALANCE,
    MASTERS,
    PASSWORD,
    STAFF,
    Master,
    follower_email,
    sizing,
)
from strategies.models import Strategy
from strategies.services import Offer, create_strategy, publish
from subscriptions.following import Terms, follow
from wallets.services import open_paper_account

WHO = {
    FOLLOWER: "follower",
    MASTERS[0].email: "master",
    **{email: {Role.COMPLIANCE: "compliance officer"}.get(role, role.value) for email, role in STAFF.items()},
}


class Command(BaseCommand):
    help = "Fill an empty platform with masters and followers for the demo; a second time changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        if not User.objects.filter(email=FOLLOWER).exists():
            _seed()
        self.stdout.write(f"{'log in as':<20}{'e-mail':<28}password")
        for email, who in WHO.items():
            self.stdout.write(f"{who:<20}{email:<28}{PASSWORD}")


def _seed() -> None:
    strategies = [_master(master) for master in MASTERS]
    for email, role in STAFF.items():
        create_user(email=email, password=PASSWORD, role=role)
    # The follower whose log-in is shown comes last: the demo counts as seeded when they are there.
    for number in reversed(range(FOLLOWERS)):
        _follower(number, strategies)


def _master(master: Master) -> Strategy:
    owner = _person(master.email, master.name)
    account = open_paper_account(
        owner=owner, label="Paper trading", balance=MASTER_BALANCE, origin=SYSTEM, now=timezone.now()
    )
    strategy = create_strategy(
        owner=owner,
        exchange_account=account,
        offer=Offer(
            name=master.strategy,
            symbols=master.symbols,
            description=master.description,
            risk_level=master.risk_level,
            performance_fee_percent=master.fee_percent,
            min_capital=Decimal(100),
        ),
        now=timezone.now(),
    )
    return publish(strategy_id=strategy.pk, now=timezone.now())


def _follower(number: int, strategies: list[Strategy]) -> None:
    followed = [
        strategy for strategy, master in zip(strategies, MASTERS, strict=True) if number % master.every == 0
    ]
    mode, value, allocation = sizing(number)
    person = _person(follower_email(number), follower_email(number).partition("@")[0])
    account = open_paper_account(
        owner=person,
        label="Paper money",
        balance=allocation * len(followed) + 100,
        origin=SYSTEM,
        now=timezone.now(),
    )
    for strategy in followed:
        follow(
            follower=person,
            strategy=strategy,
            exchange_account=account,
            allocation=allocation,
            terms=Terms(sizing_mode=mode, sizing_value=value),
            now=timezone.now(),
        )


def _person(email: str, name: str) -> User:
    user = create_user(email=email, password=PASSWORD)
    user.display_name = name
    user.save(update_fields=["display_name"])
    return user
