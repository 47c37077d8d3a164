"""Why an order is not (wholly) placed: one code each, with the sentence that its owner reads."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Told(StrEnum):
    """A code for programs; `sentence` is for people, where the order has no numbers to tell more."""

    sentence: str | Promise

    def __new__(cls, code: str, sentence: str | Promise = "") -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member


class Cut(Told):
    """What made an entry smaller than its settings ask for; a step of its sizing names it."""

    ALLOCATION = ("allocation", _("Smaller, as no more of the allocation is free."))
    THIN_COIN = (
        "thin_coin",
        _("Too little of the coin is traded in a day for all copies: cut for all alike."),
    )
    MAX_ORDER_NOTIONAL = ("max_order_notional", _("Cut to the limit for one order."))
    MAX_OPEN_NOTIONAL = ("max_open_notional", _("Cut to the limit for all that is open."))


class Reason(Told):
    """Why an order is skipped, denied, expired, canceled or rejected, or what it waits for."""

    # Ours, by the rules of copying: the order is skipped (or expired).
    BELOW_MINIMUM = (
        "below_minimum",
        _("Your share is below the exchange's minimum. We keep it and add it to the next trade."),
    )
    ALLOCATION_USED = (
        "allocation_used",
        _("Your allocation is used up: too little of it is free for this order."),
    )
    SIGNAL_TOO_OLD = (
        "signal_too_old",
        _("The master's trade was too old by then; buying late is not copying."),
    )
    NOT_PLACED_IN_TIME = (
        "not_placed_in_time",
        _("The exchange did not take the order while the master's trade was fresh. Nothing was bought."),
    )
    SYMBOL_NOT_LISTED = ("symbol_not_listed", _("Your exchange does not trade this symbol now."))
    VENUE_UNAVAILABLE = (
        "venue_unavailable",
        _("Your exchange did not answer while the master's trade was fresh."),
    )
    MASTER_EQUITY_UNKNOWN = (
        "master_equity_unknown",
        _("What the master's account was worth could not be read, so your share is not known."),
    )
    OVERTAKEN_BY_EXIT = (
        "overtaken_by_exit",
        _("The master had sold again before this order left. Nothing was bought."),
    )
    COINS_MISSING = (
        "coins_missing",
        _("The coins are not at the exchange any more: something else sold or moved them."),
    )
    COINS_DIFFER = (
        "coins_differ",
        _("Fewer of these coins are at the exchange than were copied. Until that is clear, none are bought."),
    )
    NOTHING_TO_SELL = ("nothing_to_sell", _("You hold nothing of it from this copy."))
    JOINED_AFTER = ("joined_after", _("The master traded before you began to copy."))
    PAUSED = ("paused", _("Copying was paused. Exits are still copied."))
    CLOSING = ("closing", _("You were leaving this strategy: nothing more is bought."))
    STRATEGY_CLOSED = ("strategy_closed", _("The strategy is closed: nothing more is bought."))
    SYMBOL_DROPPED = (
        "symbol_dropped",
        _("The master no longer offers this symbol: nothing more of it is bought."),
    )
    MASTER_LOST = (
        "master_lost",
        _("Nothing was heard from the master's account for two minutes: nothing is bought until it is back."),
    )
    MASTER_MOVED_COINS = (
        "master_moved_coins",
        _("The master moved coins of this symbol off the account: nothing more of it is bought."),
    )
    SYMBOL_BLOCKED = ("symbol_blocked", _("You do not copy this symbol."))
    ACCOUNT_INVALID = (
        "account_invalid",
        _("The exchange refuses this account's key. Replace it to copy again."),
    )

    # Ours, by a person's limits: the order is denied.
    KILL_SWITCH = ("kill_switch", _("Stopped by your kill switch."))
    MAX_ORDER_NOTIONAL = ("max_order_notional", _("Stopped by your limit for one order."))
    MAX_OPEN_NOTIONAL = ("max_open_notional", _("Stopped by your limit for all that is open."))
    MAX_DAILY_LOSS = ("max_daily_loss", _("Stopped by your limit for one day's loss."))
    MAX_OPEN_POSITIONS = ("max_open_positions", _("Stopped by your limit for the number of positions."))
    MAX_ORDERS_PER_DAY = ("max_orders_per_day", _("Stopped by your limit for one day's orders."))
    PLATFORM_STOPPED = (
        "platform_stopped",
        _("The platform has stopped trading here for the moment. Its staff lift that."),
    )
    SYMBOLS_ALLOWED = ("symbols_allowed", _("This symbol is not among those that your limits allow."))
    SYMBOLS_BLOCKED = ("symbols_blocked", _("Your limits do not allow this symbol."))
    PRICE_UNKNOWN = (
        "price_unknown",
        _("No fresh price is known, so your limits could not be checked. Nothing was bought."),
    )

    # Theirs.
    BEYOND_SLIPPAGE = (
        "beyond_slippage",
        _("The price had moved beyond your slippage limit; what it left unfilled was canceled."),
    )
    PARTLY_FILLED = ("partly_filled", _("The exchange filled a part; the rest follows in a further order."))
    CANCELED_BY_MASTER = ("canceled_by_master", _("You canceled what was still resting."))
    INSUFFICIENT_FUNDS = ("insufficient_funds", _("The exchange refused: not enough balance."))
    FILTER_REFUSED = ("filter_refused", _("The exchange refused the order's size or price."))
    VENUE_REJECTED = ("venue_rejected", _("The exchange refused the order."))
    BAD_CREDENTIALS = (
        "bad_credentials",
        _("The exchange refused the key. Make a new one and replace it; copying is stopped until then."),
    )
    WAITING_FOR_VENUE = ("waiting_for_venue", _("The exchange could not take it yet. We try again."))
    EXIT_REFUSED = (
        "exit_refused",
        _(
            "The exchange refuses this sale by its own rules, also after we changed it. Sell the coins there "
            "yourself, or ask its support why. We try again every ten minutes."
        ),
    )
    OUTCOME_UNKNOWN = (
        "outcome_unknown",
        _("The exchange did not answer. We are asking whether the order exists and will not send it twice."),
    )
