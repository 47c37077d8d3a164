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
    """What trading needs of an account; `account` is None where its keys are dead, gone or do not open."""

    id: int
    exchange: str
    proxy_url: str
    account: Account | None


def open_accounts(account_ids: Iterable[int]) -> dict[int, Access]:
    """By id, keys decrypted. Only the process that calls the exchange asks for it."""
    rows = select(
        "SELECT id, exchange, proxy_url, status = 'invalid' OR disconnected_at IS NOT NULL,"
        " sealed_credentials, public_id, mode FROM wallets_exchangeaccount WHERE id = ANY(%s)",
        (list(account_ids),),
    )
    return {row[0]: Access(row[0], row[1], row[2], _open(*row)) for row in rows}


def _open(
    account_id: int,
    exchange: str,
    proxy_url: str,
    is_dead: bool,
    sealed: str,
    public_id: object,
    mode: dict[str, object],
) -> Account | None:
    if is_dead or not sealed:
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
