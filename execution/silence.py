"""A master of whom nothing is heard: entries stop, followers are told, and copies close that are to close.

Proof of life is an answer of the venue to the account's own key. What counts as lost, and not merely as
unheard because we were away ourselves, is told in docs/copying.md.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from execution import leaving, notices
from execution.models import MasterFeed
from execution.reasons import Reason
from ledger.models import Mark, Position
from records.bulk import select
from strategies.models import Strategy, StrategySymbol
from subscriptions.models import Subscription
from wallets.models import ExchangeAccount

SILENT_AFTER = timedelta(minutes=2)
# Who asks at all asks more often.
WITHOUT_A_BREAK = timedelta(seconds=30)

# Known without asking: the venue refuses the key, or a person has put an end to it.
CLEARLY_LOST = (
    Q(exchange_account__status=ExchangeAccount.Status.INVALID)
    | Q(exchange_account__disconnected_at__isnull=False)
    | Q(exchange_account__owner__is_active=False)
)


# Asked before each slice of orders, where Django would need longer to put the question than PostgreSQL to
# answer it. Lost as above.
_CLAIM = """
    SELECT account.status = 'invalid' OR account.disconnected_at IS NOT NULL OR NOT owner.is_active
            OR coalesce(feed.alive_at < %s, false),
        claim.coins_left_at IS NOT NULL
    FROM strategies_strategysymbol claim
    JOIN wallets_exchangeaccount account ON account.id = claim.exchange_account_id
    JOIN accounts_user owner ON owner.id = account.owner_id
    LEFT JOIN execution_masterfeed feed ON feed.exchange_account_id = account.id
    WHERE claim.strategy_id = %s AND claim.symbol = %s
"""


def why_no_entry(*, strategy_id: int, symbol: str, now: datetime) -> Reason | None:
    """Why nobody buys this with the master now, or None."""
    for is_lost, are_coins_gone in select(_CLAIM, (now - SILENT_AFTER, strategy_id, symbol)):
        if is_lost:
            return Reason.MASTER_LOST
        if are_coins_gone:
            return Reason.MASTER_MOVED_COINS
    return None


def note_asked(*, account_id: int, is_answered: bool, now: datetime) -> None:
    """What became of a question to the account itself. An answer proves life while its owner may act."""
    feeds = MasterFeed.objects.filter(exchange_account_id=account_id)
    if is_answered:
        feeds.update(asked_at=now, unanswered_since=None)
        feeds.filter(exchange_account__owner__is_active=True).update(alive_at=now)
        return
    going_on = feeds.filter(asked_at__gte=now - WITHOUT_A_BREAK, unanswered_since__isnull=False)
    if not going_on.update(asked_at=now):
        feeds.update(asked_at=now, unanswered_since=now)


def watch_over(*, now: datetime, up_since: datetime) -> None:
    """Tell followers of masters that fell silent or came back, and close what is to close with its master.

    `up_since`: a platform that was down itself first gives the watchers time to ask.
    """
    _tell_of_silence(now, up_since)
    _tell_of_return(now)
    for subscription_id in list(_to_close(now)):
        leaving.leave_lost_master(subscription_id=subscription_id, now=now)


def _tell_of_silence(now: datetime, up_since: datetime) -> None:
    _make_feeds_of_the_unwatched()
    silent = MasterFeed.objects.unheard_since(now - SILENT_AFTER).filter(silent_since=None)
    if up_since > now - SILENT_AFTER:
        silent = silent.filter(CLEARLY_LOST)
    for feed in silent:
        with transaction.atomic(durable=True):
            if MasterFeed.objects.filter(pk=feed.pk, silent_since=None).update(silent_since=now):
                notices.tell_of_silence(_strategies(feed), now=now)


def _make_feeds_of_the_unwatched() -> None:
    """Where no watcher ever ran, that is a silence too."""
    feed = MasterFeed.objects.filter(exchange_account=OuterRef("exchange_account"))
    unwatched = StrategySymbol.objects.filter(~Exists(feed)).values_list("exchange_account_id", flat=True)
    for account_id in set(unwatched):
        MasterFeed.objects.of_account(account_id)


def _tell_of_return(now: datetime) -> None:
    back = MasterFeed.objects.heard_since(now - SILENT_AFTER).filter(silent_since__isnull=False)
    for feed in back:
        with transaction.atomic(durable=True):
            if MasterFeed.objects.filter(pk=feed.pk, silent_since__isnull=False).update(silent_since=None):
                notices.tell_of_return(_strategies(feed), now=now)


def _strategies(feed: MasterFeed) -> QuerySet[Strategy]:
    strategies = Strategy.objects.filter(exchange_account=feed.exchange_account_id)
    return strategies.exclude(status=Strategy.Status.DRAFT)


def _to_close(now: datetime) -> QuerySet[Subscription, int]:
    """Copies that hold something and close with their master, where their own exchange has a price now.

    Of a master that was asked in vain the last question came after that price: while nobody answers us it
    may be we who are lost.
    """
    lost = MasterFeed.objects.unheard_since(now - SILENT_AFTER).filter(
        exchange_account=OuterRef("strategy__exchange_account"), silent_since__isnull=False
    )
    asked_in_vain = Q(
        unanswered_since__lte=now - SILENT_AFTER,
        asked_at__gte=now - WITHOUT_A_BREAK,
        asked_at__gt=OuterRef("priced_at"),
    )
    held = Position.objects.open().filter(subscription=OuterRef("pk"))
    prices = Mark.objects.fresh(now=now).filter(exchange=OuterRef("exchange_account__exchange"))
    return (
        Subscription.objects.filter(
            Exists(held),
            on_master_lost=Subscription.OnMasterLost.CLOSE,
            status__in=[Subscription.Status.ACTIVE, Subscription.Status.PAUSED],
        )
        .annotate(priced_at=Subquery(prices.order_by("-at").values("at")[:1]))
        .filter(Exists(lost.filter(CLEARLY_LOST | asked_in_vain)), priced_at__isnull=False)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
