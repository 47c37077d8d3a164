"""Exchange accounts: connect, check, rotate, disconnect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import person
from compliance.audit import Origin
from exchanges.errors import VenueNotSupported
from exchanges.types import Credentials
from rest import codes
from rest.errors import Conflict, Refusal, TryLater, invalid
from rest.serializers import NoFieldsSerializer
from rest.views import ApiView
from wallets import services
from wallets.models import ExchangeAccount
from wallets.serializers import (
    ConnectSerializer,
    ExchangeAccountSerializer,
    KeysSerializer,
    PaperSerializer,
    RenameSerializer,
)

INVALID_CREDENTIALS = codes.declare("invalid_credentials", "These credentials are not right.")
WITHDRAWAL_ENABLED = codes.declare(
    "withdrawal_enabled", "This key may withdraw, or the exchange does not tell: make one that only trades."
)
VENUE_NOT_SUPPORTED = codes.declare("venue_not_supported", "Live copying is not offered on this exchange.")
EXCHANGE_UNAVAILABLE = codes.declare("exchange_unavailable", "The exchange does not answer; try again.")
ALREADY_CONNECTED = codes.declare("account_already_connected", "This account of the exchange is connected.")
TOO_MANY_ACCOUNTS = codes.declare(
    "too_many_accounts", f"You have {services.MOST_ACCOUNTS} accounts connected: disconnect one first."
)
OTHER_ACCOUNT = codes.declare("other_venue_account", "These keys belong to another account of the exchange.")
IN_USE = codes.declare("in_use", "A published strategy or a live subscription needs this account.")
PAPER_HAS_NO_KEYS = codes.declare("paper_has_no_keys", "A paper account has no keys to rotate.")
RETRY_SECONDS = 10

CONNECT_BODY = PolymorphicProxySerializer(
    "ExchangeAccountRequest", [ConnectSerializer, PaperSerializer], resource_type_field_name=None
)
CONNECT_EXAMPLES = [
    OpenApiExample(
        "Live",
        value={"exchange": "binance", "label": "Main", "api_key": "vmPUZE6mv9SD…", "secret": "NhqPtmdSJYdK…"},
        request_only=True,
    ),
    OpenApiExample(
        "Paper", value={"exchange": "paper", "label": "Practice", "balance": "10000"}, request_only=True
    ),
]


def own_accounts(request: Request) -> QuerySet[ExchangeAccount]:
    return ExchangeAccount.objects.connected().owned_by(person(request).pk)


class ExchangeAccountsView(ApiView):
    write_scope = "wallets"
    serializer_class = ExchangeAccountSerializer

    @extend_schema(
        summary="List your exchange accounts",
        tags=["wallets"],
        responses=ExchangeAccountSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        self.query()
        return self.page(own_accounts(request), ExchangeAccountSerializer)

    @extend_schema(
        summary="Connect an exchange account",
        description="The keys are checked at the exchange before they are stored; they never come back.",
        tags=["wallets"],
        request=CONNECT_BODY,
        responses={201: ExchangeAccountSerializer},
        examples=CONNECT_EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        data = request.data
        is_paper = isinstance(data, dict) and data.get("exchange") == services.PAPER
        account = self._open_paper(request) if is_paper else self._connect(request)
        return Response(ExchangeAccountSerializer(account).data, status=201)

    def _open_paper(self, request: Request) -> ExchangeAccount:
        given = self.body(PaperSerializer)
        with answered_in_codes():
            return services.open_paper_account(
                owner=person(request),
                label=given["label"],
                balance=given["balance"],
                origin=Origin.of(request),
                now=timezone.now(),
            )

    def _connect(self, request: Request) -> ExchangeAccount:
        given = self.body(ConnectSerializer)
        with answered_in_codes():
            return services.connect_account(
                owner=person(request),
                exchange=given["exchange"],
                label=given["label"],
                credentials=_credentials(given),
                origin=Origin.of(request),
                now=timezone.now(),
            )


class ExchangeAccountView(ApiView):
    write_scope = "wallets"
    serializer_class = ExchangeAccountSerializer
    pagination_class = None
    # Given with the route: whether an account is needed only the layers above know.
    is_in_use: Callable[[int], bool] | None = None

    @extend_schema(summary="Read an exchange account", tags=["wallets"], responses=ExchangeAccountSerializer)
    def get(self, request: Request, account_id: UUID) -> Response:
        return Response(ExchangeAccountSerializer(_own_account(request, account_id)).data)

    @extend_schema(
        summary="Rename an exchange account",
        tags=["wallets"],
        request=RenameSerializer,
        responses=ExchangeAccountSerializer,
        examples=[OpenApiExample("Rename", value={"label": "Savings"}, request_only=True)],
    )
    def patch(self, request: Request, account_id: UUID) -> Response:
        account = _own_account(request, account_id)
        given = self.body(RenameSerializer, partial=True)
        if given:
            account = services.rename_account(account=account, origin=Origin.of(request), **given)
        return Response(ExchangeAccountSerializer(account).data)

    @extend_schema(
        summary="Disconnect an exchange account",
        tags=["wallets"],
        request=None,
        responses={204: OpenApiResponse(description="The keys are wiped.")},
    )
    def delete(self, request: Request, account_id: UUID) -> Response:
        account = _own_account(request, account_id)
        if self.is_in_use is None:
            raise LookupError("The route does not say who may need the account.")
        try:
            services.disconnect_account(
                account=account, is_in_use=self.is_in_use, origin=Origin.of(request), now=timezone.now()
            )
        except services.AccountInUse as error:
            raise Conflict(IN_USE) from error
        return Response(status=204)


class ValidateExchangeAccountView(ApiView):
    write_scope = "wallets"
    pagination_class = None

    @extend_schema(
        summary="Check an exchange account at the exchange",
        tags=["wallets"],
        request=NoFieldsSerializer,
        responses=ExchangeAccountSerializer,
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        account = _own_account(request, account_id)
        self.body(NoFieldsSerializer)
        account = services.validate_account(account=account, origin=Origin.of(request), now=timezone.now())
        return Response(ExchangeAccountSerializer(account).data)


class RotateExchangeAccountView(ApiView):
    write_scope = "wallets"
    pagination_class = None

    @extend_schema(
        summary="Replace the keys of an exchange account",
        tags=["wallets"],
        request=KeysSerializer,
        responses=ExchangeAccountSerializer,
        examples=[
            OpenApiExample(
                "New keys", value={"api_key": "vmPUZE6mv9SD…", "secret": "NhqPtmdSJYdK…"}, request_only=True
            )
        ],
    )
    def post(self, request: Request, account_id: UUID) -> Response:
        account = _own_account(request, account_id)
        given = self.body(KeysSerializer)
        if account.is_paper:
            raise Refusal(PAPER_HAS_NO_KEYS)
        with answered_in_codes():
            account = services.rotate_keys(
                account=account,
                credentials=_credentials(given),
                origin=Origin.of(request),
                now=timezone.now(),
            )
        return Response(ExchangeAccountSerializer(account).data)


@contextmanager
def answered_in_codes() -> Iterator[None]:
    """Turn what the services raise into the contract's answers."""
    try:
        yield
    except VenueNotSupported as error:
        raise invalid(VENUE_NOT_SUPPORTED, error.text, attr="exchange") from error
    except services.InvalidCredentials as error:
        raise invalid(INVALID_CREDENTIALS) from error
    except services.WithdrawalEnabled as error:
        raise invalid(WITHDRAWAL_ENABLED) from error
    except services.OtherVenueAccount as error:
        raise invalid(OTHER_ACCOUNT) from error
    except services.ExchangeUnavailable as error:
        raise TryLater(EXCHANGE_UNAVAILABLE, wait=RETRY_SECONDS) from error
    except services.AlreadyConnected as error:
        raise Conflict(ALREADY_CONNECTED) from error
    except services.TooManyAccounts as error:
        raise Conflict(TOO_MANY_ACCOUNTS) from error


def _own_account(request: Request, account_id: UUID) -> ExchangeAccount:
    return get_object_or_404(own_accounts(request), public_id=account_id)


def _credentials(given: dict[str, str]) -> Credentials:
    return Credentials(given["api_key"], given["secret"], given.get("password", ""))
