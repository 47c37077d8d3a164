"""Exchange accounts as trading works on them: opened, many at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from exchanges.types import Account
from records.bulk import select
from wallets import vault
from wallets.models import ExchangeAccount

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Access:
    """What trading needs of an account. Its keys are dead or gone where it is not usable."""

    id: int
    exchange: str
    proxy_url: str
    is_usable: bool
    # None where it is not usable, or was not opened.
    account: Account | None = None


_IS_DEAD = "status = 'invalid' OR disconnected_at IS NOT NULL OR sealed_credentials = ''"
_FROM = " FROM wallets_exchangeaccount WHERE id = ANY(%s)"


def open_accounts(account_ids: Iterable[int]) -> dict[int, Access]:
    """By id, keys decrypted. Only the process that calls the exchange asks for it."""
    rows = select(
        f"SELECT id, exchange, proxy_url, {_IS_DEAD}, sealed_credentials, public_id, mode{_FROM}",  # nosec B608
        (list(account_ids),),
    )
    opened = {row[0]: _open(*row) for row in rows}
    return {
        key: Access(key, exchange, proxy_url, opened[key] is not None, opened[key])
        for key, exchange, proxy_url, *_ in rows
    }


def sealed_accounts(account_ids: Iterable[int]) -> dict[int, Access]:
    """The same, with the keys left sealed: for who only wants to know what would be done."""
    query = f"SELECT id, exchange, proxy_url, NOT ({_IS_DEAD}){_FROM}"  # nosec B608
    return {row[0]: Access(*row) for row in select(query, (list(account_ids),))}


def _open(
    account_id: int,
    exchange: str,
    proxy_url: str,
    is_dead: bool,
    sealed: str,
    public_id: object,
    mode: dict[str, object],
) -> Account | None:
    if is_dead:
        return None
    try:
        return Account(exchange, vault.unseal(sealed, owner=str(public_id)), mode, proxy_url)
    except vault.CannotOpen as error:
        log.error("keys_not_opened", account_id=account_id, error=str(error))
    ExchangeAccount.objects.filter(pk=account_id).update(
        status=ExchangeAccount.Status.INVALID,
        status_reason="keys_not_opened",
    )
    return None
