"""Bills after a reversal: settled again with the results that were right, and what was too much given back.

A bill is never edited: a correction stands beside it. A corrected result that is higher asks for nothing of
the past, as it is above the mark and falls due with the next bill.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, localcontext

from exchanges.rounding import EXACT
from ledger.bills import telling
from ledger.bills.models import Bill, BillCorrection, BillState
from ledger.fees import share_of
from ledger.models import Trade
from ledger.valuation import kept_prices
from subscriptions.models import Subscription

ZERO = Decimal(0)


def correct_bills(
    *, reversal: Trade, cash_change: Decimal, coins_change: Decimal, now: datetime
) -> list[BillCorrection]:
    """In the reversal's transaction, under the copy's lock: what it changes of bills that counted the trade.

    Gone from a result is what the trade did to cash, and its coins at the price of the moment of settling.
    """
    trade = reversal.reverses
    if trade is None or trade.subscription is None:
        return []
    copy = trade.subscription
    # Locked: a bill waived in this moment must not be credited, nor one credited by its old amount waived.
    bills = list(
        Bill.objects.filter(subscription=copy).with_people().order_by("pk").select_for_update(of=("self",))
    )
    written: list[BillCorrection] = []
    told = right = ZERO
    with localcontext(EXACT):
        for bill in bills:
            before, after, result = _standing(bill)
            # What was settled without a bill since the one before stays settled.
            mark = right + before - told
            told = after
            change = ZERO
            if trade.created_at <= bill.settled_at:
                change = cash_change + coins_change * _price(trade, bill, copy)
            share = share_of(result + change, mark=mark, percent=bill.percent)
            # What was not paid for stays above the mark, for the next bill.
            right = min(share.mark, mark + after - before)
            if change or (mark, right) != (before, after):
                correction = BillCorrection(bill=bill, reversal=reversal, at=now, result=result + change)
                correction.mark_before, correction.mark_after = mark, right
                is_asked_for = bill.state != BillState.WAIVED
                correction.credit = max(ZERO, bill.due - share.fee) if is_asked_for else ZERO
                correction.save()
                written.append(correction)
    if written and right != told:
        mark = max(ZERO, copy.fee_mark - told + right)
        Subscription.objects.filter(pk=copy.pk).update(fee_mark=mark)
    for correction in written:
        if correction.credit:
            telling.credited(correction, now=now)
    return written


def _standing(bill: Bill) -> tuple[Decimal, Decimal, Decimal]:
    """Its marks and its result by the newest correction."""
    newest = bill.corrections.all()[::-1]
    if newest:
        return newest[0].mark_before, newest[0].mark_after, newest[0].result
    return bill.mark_before, bill.mark_after, bill.mark_after


def _price(trade: Trade, bill: Bill, copy: Subscription) -> Decimal:
    """Of the coin when the bill was settled; without one kept of that time, of the copy's last trade by then.

    One price for all of a copy's trades of a coin: a purchase and its sale then cancel out.
    """
    left = copy.closed_at if bill.closing_number == copy.closing_number else None
    key = (trade.exchange_account.exchange, trade.symbol)
    kept = kept_prices([key], at=left or bill.settled_at).get(key)
    if kept is not None:
        return kept
    rows = Trade.objects.filter(subscription=copy, symbol=trade.symbol, created_at__lte=bill.settled_at)
    last: Decimal = rows.order_by("pk").values_list("price", flat=True).last() or trade.price
    return last
