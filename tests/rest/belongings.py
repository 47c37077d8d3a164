"""One of everything that people own here, under the word that stands before its id in an address."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.files.base import ContentFile
from django.db.models import Model
from django.utils import timezone

from accounts import token_store
from accounts.kyc import files
from accounts.kyc.models import KycCase, KycDocument
from accounts.models import User
from accounts.notifications.channels import _owner
from accounts.notifications.models import Notification, NotificationChannel
from compliance.audit import SYSTEM
from execution.models import ExportJob
from ledger.models import Bill
from records import sealing
from records.private_files import PrivateFiles
from risk.models import Breach
from strategies.invites.models import Invite
from strategies.models import Signal, Webhook
from tests.factories import ExchangeAccountFactory, StrategyFactory, SubscriptionFactory
from tests.subscriptions.asking import order_of
from wallets.models import WalletAddress


class Belongings:
    """`rows` by word, `ids` as addresses write them. The strategy is a draft: nobody else may see it."""

    def __init__(self, owner: User) -> None:
        now = timezone.now()
        account = ExchangeAccountFactory.create(owner=owner)
        draft = StrategyFactory.create(
            owner=owner,
            exchange_account=account,
            status="draft",
            visibility="private",
            published_at=None,
            positions_visible_to="nobody",
        )
        copy = SubscriptionFactory.create(follower=owner, strategy=draft, own=True)
        channel = NotificationChannel(
            user=owner, kind="webhook", label="Bot", hint="127.0.0.1", created_at=now
        )
        leads_nowhere = b'{"url": "https://127.0.0.1/", "secret": "x"}'
        channel.sealed = sealing.seal(leads_nowhere, owner=_owner(channel))
        channel.save()
        trade = {"symbol": "BTC/USDT", "side": "buy", "amount": Decimal("0.01"), "price": 100_000, "at": now}
        digest = hashlib.sha256(owner.email.encode()).hexdigest()
        secret = {"strategy": draft, "prefix": "x" * 10, "digest": digest, "created_at": now}
        case = KycCase.objects.create(user=owner, submitted_at=now)
        self.rows: dict[str, Model] = {
            "tokens": token_store.issue_token(
                user=owner, name="bot", scopes=["read"], expires_at=None, origin=SYSTEM
            ).token,
            "keys": Authenticator.objects.create(user=owner, type="webauthn", data={"name": "Phone"}),
            "documents": KycDocument.objects.create(
                case=case,
                kind="passport",
                uploaded_at=now,
                stored_as=files.store(b"a passport"),
                media_type="image/png",
                size=10,
                sha256="0" * 64,
            ),
            "notifications": Notification.objects.create(
                user=owner, kind="key_invalid", title="x", dedupe_key="x", created_at=now,
                mail="sent", mail_due_at=now,
            ),
            "channels": channel,
            "addresses": WalletAddress.objects.create(
                owner=owner, exchange="binance", network="bitcoin", label="Cold", direction="withdrawal",
                address="bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", code_digest="0" * 64,
                code_sent_at=now, status="pending", usable_from=now,
            ),
            "accounts": account,
            "strategies": draft,
            "invites": Invite.objects.create(**secret, expires_at=now + timedelta(days=14)),
            "webhooks": Webhook.objects.create(**secret),
            "signals": Signal.objects.create(strategy=draft, number=1, detected_at=now, **trade),
            "subscriptions": copy,
            "orders": order_of(copy),
            "breaches": Breach.objects.create(
                user=owner, rule="max_daily_loss", limit=50, value=60, day=now.date(), at=now
            ),
            "exports": ExportJob.objects.create(
                owner=owner, format="csv", filters={}, up_to=0, rows_total=0, state="done", size=2,
                stored_as=PrivateFiles("exports").store(ContentFile(b"id")),
                finished_at=now, expires_at=now + timedelta(days=1),
            ),
            "bills": Bill.objects.create(
                strategy=draft, subscription=copy, month=date(2026, 1, 1), mark_before=0,
                mark_after=100, percent=10, amount=10, asset="USDT",
            ),
        }  # fmt: skip
        self.ids: dict[str, str] = {word: _public(row) for word, row in self.rows.items()}
        self.ids |= {
            "exchange-accounts": self.ids["accounts"],
            "notification-channels": self.ids["channels"],
            "files": files.link(self.rows["documents"], reader=owner).rstrip("/").rpartition("/")[2],  # type: ignore[arg-type]
        }
        self.slug = draft.slug

    def as_they_are(self) -> list[dict[str, Any] | int | None]:
        """To be compared: each row, and how many of its kind there are."""
        found: list[dict[str, Any] | int | None] = []
        for row in self.rows.values():
            kind = type(row)._default_manager
            found += [kind.filter(pk=row.pk).values().first(), kind.count()]
        return found


def _public(row: Model) -> str:
    return str(getattr(row, "public_id", row.pk))
