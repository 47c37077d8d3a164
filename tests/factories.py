"""Rows for tests: plain ORM, no venue is called. Statuses and amounts are ordinary, override what matters.

`StrategyFactory.create(...)` is typed as a Strategy, the bare call is not.
"""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone
from factory.declarations import LazyFunction, SelfAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from accounts.models import User
from exchanges.types import Credentials
from strategies.models import Strategy
from subscriptions.models import Subscription
from wallets import vault
from wallets.models import ExchangeAccount

PASSWORD = "correct horse battery staple"
MADE_UP = Credentials("made-up-key", "made-up-secret")


class UserFactory(DjangoModelFactory[User]):
    """A person without a usable log-in; `accounts.services.create_user` makes one who can log in."""

    class Meta:
        model = User

    email = Sequence(lambda n: f"person{n}@example.org")
    password = "!"


class ExchangeAccountFactory(DjangoModelFactory[ExchangeAccount]):
    """A connected paper account; its sealed `keys=Credentials(...)` are made up if not given."""

    class Meta:
        model = ExchangeAccount

    owner = SubFactory(UserFactory)
    exchange = "paper"
    label = Sequence(lambda n: f"Account {n}")
    venue_account_id = Sequence(lambda n: f"venue-{n}")
    permissions = ["spot"]
    validated_at = LazyFunction(timezone.now)
    equity = Decimal(10000)
    free_quote = Decimal(10000)

    @classmethod
    def _create(cls, model_class, *args, keys=MADE_UP, **kwargs):
        account = model_class(*args, **kwargs)
        if account.disconnected_at is None:
            account.sealed_credentials = vault.seal(keys, owner=str(account.public_id))
        account.save()
        return account


class StrategyFactory(DjangoModelFactory[Strategy]):
    """A published public strategy on an account of its owner's."""

    class Meta:
        model = Strategy

    owner = SubFactory(UserFactory)
    exchange_account = SubFactory(ExchangeAccountFactory, owner=SelfAttribute("..owner"))
    name = Sequence(lambda n: f"Strategy {n}")
    slug = Sequence(lambda n: f"strategy-{n}")
    symbols = ["BTC/USDT", "ETH/USDT"]
    quote = "USDT"
    status = Strategy.Status.PUBLISHED
    published_at = LazyFunction(timezone.now)


class SubscriptionFactory(DjangoModelFactory[Subscription]):
    """A follower's active copy of a strategy with 1,000 USDT."""

    class Meta:
        model = Subscription

    follower = SubFactory(UserFactory)
    strategy = SubFactory(StrategyFactory)
    exchange_account = SubFactory(ExchangeAccountFactory, owner=SelfAttribute("..follower"))
    allocation = Decimal(1000)
    cash = SelfAttribute("allocation")
    sizing_mode = Subscription.SizingMode.PROPORTIONAL
    sizing_value = Decimal(1)
    starts_after_number = 0
