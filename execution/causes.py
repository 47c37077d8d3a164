"""Why coins of a copy may be missing, or more be there: told from the books, without asking anybody."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import F, Min, Sum
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.models import Adjustment, Trade, Transfer

SENTENCES: dict[str, str | Promise] = {
    Adjustment.Cause.FEE: _("fees of other trades were paid with them"),
    Adjustment.Cause.WITHDRAWAL: _("they were withdrawn"),
    Adjustment.Cause.OWN_TRADING: _(
        "something else sold or moved them, such as the owner's own trading, or a fee was taken from them"
    ),
}


def likely_cause(*, account_id: int, asset: str, missing: Decimal) -> str:
    """Fees in this coin for trades of others, a withdrawal since it was copied, or own trading."""
    if _not_yet_adjusted(account_id, asset, _paid_in_fees(account_id, asset), "fee") >= missing:
        return Adjustment.Cause.FEE
    if _not_yet_adjusted(account_id, asset, _withdrawn(account_id, asset), "withdrawal") >= missing:
        return Adjustment.Cause.WITHDRAWAL
    return Adjustment.Cause.OWN_TRADING


def _not_yet_adjusted(account_id: int, asset: str, gone: Decimal, cause: str) -> Decimal:
    taken = Adjustment.objects.filter(exchange_account_id=account_id, asset=asset, cause=cause)
    counted: Decimal = taken.aggregate(sum=Coalesce(Sum("amount"), Decimal(0)))["sum"]
    return gone - counted


def _paid_in_fees(account_id: int, asset: str) -> Decimal:
    """Of trades that had nothing else to do with the coin: those were to come from unallocated coins."""
    paid = Trade.objects.filter(exchange_account_id=account_id, fee_asset=asset, subscription__isnull=False)
    others = paid.exclude(symbol__startswith=f"{asset}/").exclude(symbol__endswith=f"/{asset}")
    total: Decimal = others.aggregate(sum=Coalesce(Sum("fee"), Decimal(0)))["sum"]
    return total


def surplus_cause(*, account_id: int, asset: str, surplus: Decimal) -> str | Promise:
    """Why more is there than was copied; purchases of ours that were missed have been asked for before."""
    if _moved(account_id, asset, Transfer.Kind.DEPOSIT) >= surplus:
        return _("they were deposited")
    return _("the owner's own coins or own trading, or a fill that the exchange tells no more")


def _withdrawn(account_id: int, asset: str) -> Decimal:
    return _moved(account_id, asset, Transfer.Kind.WITHDRAWAL)


def _moved(account_id: int, asset: str, kind: str) -> Decimal:
    """Only while the coin was copied: what went before were its owner's own."""
    copied = Trade.objects.filter(
        exchange_account_id=account_id, subscription__isnull=False, symbol__startswith=f"{asset}/"
    )
    since = copied.aggregate(first=Min("at"))["first"]
    if since is None:
        return Decimal(0)
    # Venues tell transfers to the second.
    moved = Transfer.objects.filter(
        exchange_account_id=account_id, asset=asset, kind=kind, at__gte=since.replace(microsecond=0)
    )
    # A fee is paid beside what leaves, and is gone before what comes.
    worth = F("amount") + F("fee") if kind == Transfer.Kind.WITHDRAWAL else F("amount")
    total: Decimal = moved.aggregate(sum=Coalesce(Sum(worth), Decimal(0)))["sum"]
    return total
