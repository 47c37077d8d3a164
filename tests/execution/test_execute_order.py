"""`_execute_order` against a mocked exchange: what each of ccxt's errors does to an order.

Only the transport is replaced, right below ccxt's own class: no venue can be made to fail in all these
ways on request.
"""

import inspect
from typing import Any

import ccxt
import pytest

from accounts.models import Notification
from exchanges import clients
from execution import tasks
from execution.models import CopyOrder
from execution.states import Status
from ledger.models import Position
from wallets.models import ExchangeAccount

pytestmark = pytest.mark.django_db

# Raised after the request has left, without a code of the venue that would say more. What may be
# believed then is short; everything else is unknown and looked up.
SURELY_NOT_PLACED = {"DDoSProtection", "RateLimitExceeded", "InvalidNonce", "OnMaintenance"}
EVERY_ERROR = sorted(
    (kind for _, kind in inspect.getmembers(ccxt, inspect.isclass) if issubclass(kind, ccxt.BaseError)),
    key=lambda kind: kind.__name__,
)


def answer(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[str]:
    """Fail every order request with `error`; return the list of those that left."""
    sent: list[str] = []
    real_fetch = ccxt.async_support.binance.fetch

    async def fetch(self: Any, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        if method == "POST":
            sent.append(url)
            raise error
        return await real_fetch(self, url, method, headers, body)

    # Orders would otherwise go past ccxt's own fetch.
    monkeypatch.setattr(clients, "DIRECT", frozenset())
    monkeypatch.setattr(ccxt.async_support.binance, "fetch", fetch, raising=False)
    return sent


@pytest.fixture(autouse=True)
def quiet_broker(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be enqueued; the broker has tests of its own."""
    enqueued: list[Any] = []
    monkeypatch.setattr(tasks, "_send", lambda task, arguments, queue: enqueued.append(arguments))
    return enqueued


@pytest.mark.parametrize("kind", EVERY_ERROR, ids=lambda kind: kind.__name__)
def test_every_ccxt_error_leaves_the_order_in_a_known_state(
    order: CopyOrder, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    sent = answer(monkeypatch, kind("said ccxt"))
    tasks._execute_order(order.pk)

    order.refresh_from_db()
    expected = Status.PENDING if kind.__name__ in SURELY_NOT_PLACED else Status.UNKNOWN
    assert order.status == expected
    assert len(sent) == 1
    assert order.attempt == 1
    assert (order.look_up_at is not None) == (expected == Status.UNKNOWN)


@pytest.mark.parametrize("kind", EVERY_ERROR, ids=lambda kind: kind.__name__)
def test_no_ccxt_error_is_answered_by_sending_the_order_again_at_once(
    order: CopyOrder, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    sent = answer(monkeypatch, kind("said ccxt"))
    tasks._execute_order(order.pk)
    tasks._execute_order(order.pk)

    assert len(sent) == 1


def refuse(order: CopyOrder, world: Any, **rule: Any) -> CopyOrder:
    world.venue.fault("reject", endpoint="order", **rule)
    tasks._execute_order(order.pk)
    order.refresh_from_db()
    return order


def test_insufficient_funds_end_an_entry_and_free_its_cash(order: CopyOrder, world: Any) -> None:
    refuse(order, world, code=-2010, msg="Account has insufficient balance for requested action.")

    assert (order.status, order.reason_code) == (Status.REJECTED, "insufficient_funds")
    assert "-2010" in order.reason_text
    subscription = order.subscription
    assert subscription is not None
    assert (subscription.reserved, subscription.cash) == (0, subscription.allocation)
    position = Position.objects.get(subscription=subscription)
    assert position.target < position.held + 1


def test_a_refused_exit_stays_to_be_done(world: Any) -> None:
    world.copy("buy", "0.01")
    order_ids = world.fan_out(world.master_trades("sell", "0.01"))
    exit_order = CopyOrder.objects.get(pk=order_ids[0])
    refuse(exit_order, world, code=-1013, msg="Filter failure: LOT_SIZE")

    assert (exit_order.status, exit_order.reason_code) == (Status.PENDING, "waiting_for_venue")
    assert exit_order.due_at > exit_order.created_at


def test_a_refused_key_stops_the_account(order: CopyOrder, world: Any) -> None:
    refuse(order, world, code=-2015, msg="Invalid API-key, IP, or permissions for action.", status=401)

    assert (order.status, order.reason_code) == (Status.REJECTED, "bad_credentials")
    account = ExchangeAccount.objects.get(pk=order.exchange_account_id)
    assert account.status == ExchangeAccount.Status.INVALID
    told = Notification.objects.get(kind="key_invalid")
    assert (told.user_id, account.label in told.title) == (account.owner_id, True)
    assert account.status_reason == "invalid_credentials"


def test_a_rate_limit_is_waited_out_as_long_as_the_venue_says(order: CopyOrder, world: Any) -> None:
    world.venue.fault("status", endpoint="order", status=429, retry_after=7)
    tasks._execute_order(order.pk)

    order.refresh_from_db()
    assert order.status == Status.PENDING
    assert order.finished_at is None
    assert (order.due_at - order.updated_at).total_seconds() == 7


def test_an_unreachable_exchange_leaves_the_order_pending(order: CopyOrder, world: Any) -> None:
    ExchangeAccount.objects.filter(pk=order.exchange_account_id).update(proxy_url="http://127.0.0.1:1")
    tasks._execute_order(order.pk)

    order.refresh_from_db()
    assert (order.status, order.reason_code) == (Status.PENDING, "waiting_for_venue")
    assert world.venue.audit(world.keys[0]) == []
