"""Rows for tests: plain ORM, no venue is called. Statuses and amounts are ordinary, override what matters."""

from __future__ import annotations

from decimal import Decimal

import factory
from django.utils import timezone

from accounts.models import User
from exchanges.types import Credentials
from strategies.models import Strategy
from subscriptions.models import Subscription
from wallets import vault
from wallets.models import ExchangeAccount

PASSWORD = "correct horse battery staple"


class UserFactory(factory.django.DjangoModelFactory):
    """A person without a usable log-in; `accounts.services.create_user` makes one who can log in."""

    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@example.org")
    password = "!"


class ExchangeAccountFactory(factory.django.DjangoModelFactory):
    """A connected paper account with sealed keys that no venue knows."""

    class Meta:
        model = ExchangeAccount

    owner = factory.SubFactory(UserFactory)
    exchange = "paper"
    label = factory.Sequence(lambda n: f"Account {n}")
    venue_account_id = factory.Sequence(lambda n: f"venue-{n}")
    permissions = ["spot"]
    validated_at = factory.LazyFunction(timezone.now)
    equity = Decimal(10000)
    free_quote = Decimal(10000)

    @factory.post_generation
    def keys(self, create, extracted, **kwargs):
        """`keys=Credentials(...)`; by default made up."""
        if create and self.disconnected_at is None:
            credentials = extracted or Credentials(f"key-{self.public_id}", "secret")
            self.sealed_credentials = vault.seal(credentials, owner=str(self.public_id))
            self.save(update_fields=["sealed_credentials"])


class StrategyFactory(factory.django.DjangoModelFactory):
    """A published public strategy on an account of its owner's."""

    class Meta:
        model = Strategy

    owner = factory.SubFactory(UserFactory)
    exchange_account = factory.SubFactory(ExchangeAccountFactory, owner=factory.SelfAttribute("..owner"))
    name = factory.Sequence(lambda n: f"Strategy {n}")
    slug = factory.Sequence(lambda n: f"strategy-{n}")
    symbols = ["BTC/USDT", "ETH/USDT"]
    quote = "USDT"
    status = Strategy.Status.PUBLISHED
    published_at = factory.LazyFunction(timezone.now)


class SubscriptionFactory(factory.django.DjangoModelFactory):
    """A follower's active copy of a strategy with 1,000 USDT."""

    class Meta:
        model = Subscription

    follower = factory.SubFactory(UserFactory)
    strategy = factory.SubFactory(StrategyFactory)
    exchange_account = factory.SubFactory(ExchangeAccountFactory, owner=factory.SelfAttribute("..follower"))
    allocation = Decimal(1000)
    cash = factory.SelfAttribute("allocation")
    sizing_mode = Subscription.SizingMode.PROPORTIONAL
    sizing_value = Decimal(1)
    starts_after_number = 0
