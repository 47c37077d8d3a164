"""Addresses: add, confirm, rename, remove."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import person
from compliance.audit import Origin
from rest import codes
from rest.errors import Conflict, invalid
from rest.serializers import NoFieldsSerializer
from rest.views import ApiView
from wallets import addresses
from wallets.address_serializers import (
    AddAddressSerializer,
    CodeSerializer,
    RenameAddressSerializer,
    WalletAddressSerializer,
)
from wallets.address_words import REFUSALS, wrong
from wallets.models import WalletAddress

ALREADY_ADDED = codes.declare("address_already_added", "You have added this address for this direction.")
TOO_MANY_ADDRESSES = codes.declare(
    "too_many_addresses", f"You have {addresses.MOST_ADDRESSES} addresses: remove one first."
)
INVALID_CODE = codes.declare("invalid_code", "This is not the code of the last mail.")
CODE_EXPIRED = codes.declare("code_expired", "The code is too old or was tried too often: ask for a new one.")
NOTHING_TO_CONFIRM = codes.declare(
    "nothing_to_confirm", "This address is confirmed or needs no confirmation."
)
TOO_MANY_CODES = codes.declare(
    "too_many_codes", "Enough codes were sent: delete the address and add it again."
)

ADD_EXAMPLE = OpenApiExample(
    "Withdrawal address",
    value={
        "exchange": "binance",
        "network": "bitcoin",
        "address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "label": "My hardware wallet",
        "direction": "withdrawal",
    },
    request_only=True,
)


def own_addresses(request: Request) -> QuerySet[WalletAddress]:
    return WalletAddress.objects.owned_by(person(request).pk)


class WalletAddressesView(ApiView):
    write_scope = "wallets"
    serializer_class = WalletAddressSerializer

    @extend_schema(
        summary="List your addresses", tags=["wallets"], responses=WalletAddressSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        self.query()
        return self.page(own_addresses(request), WalletAddressSerializer)

    @extend_schema(
        summary="Add an address",
        description="Kept in its canonical form. One for withdrawals is confirmed with a code from a mail.",
        tags=["wallets"],
        request=AddAddressSerializer,
        responses={201: WalletAddressSerializer},
        examples=[ADD_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        given = self.body(AddAddressSerializer)
        given["memo"] = given["memo"] or ""
        try:
            added = addresses.add_address(
                owner=person(request), origin=Origin.of(request), now=timezone.now(), **given
            )
        except REFUSALS as error:
            told = wrong(error, given["network"])
            raise invalid(told.code, told.sentence, attr=told.field) from error
        except addresses.AlreadyAdded as error:
            raise Conflict(ALREADY_ADDED) from error
        except addresses.TooManyAddresses as error:
            raise Conflict(TOO_MANY_ADDRESSES) from error
        return Response(WalletAddressSerializer(added).data, status=201)


class WalletAddressView(ApiView):
    write_scope = "wallets"
    serializer_class = WalletAddressSerializer
    pagination_class = None

    @extend_schema(summary="Read an address", tags=["wallets"], responses=WalletAddressSerializer)
    def get(self, request: Request, address_id: UUID) -> Response:
        return Response(WalletAddressSerializer(_own_address(request, address_id)).data)

    @extend_schema(
        summary="Rename an address",
        tags=["wallets"],
        request=RenameAddressSerializer,
        responses=WalletAddressSerializer,
        examples=[OpenApiExample("Rename", value={"label": "Cold storage"}, request_only=True)],
    )
    def patch(self, request: Request, address_id: UUID) -> Response:
        address = _own_address(request, address_id)
        given = self.body(RenameAddressSerializer, partial=True)
        if given:
            address = addresses.rename_address(address=address, **given)
        return Response(WalletAddressSerializer(address).data)

    @extend_schema(
        summary="Remove an address",
        tags=["wallets"],
        request=None,
        responses={204: OpenApiResponse(description="It is removed.")},
    )
    def delete(self, request: Request, address_id: UUID) -> Response:
        addresses.remove_address(address=_own_address(request, address_id), origin=Origin.of(request))
        return Response(status=204)


class ConfirmAddressView(ApiView):
    write_scope = "wallets"
    pagination_class = None

    @extend_schema(
        summary="Confirm a withdrawal address",
        tags=["wallets"],
        request=CodeSerializer,
        responses=WalletAddressSerializer,
        examples=[OpenApiExample("Code", value={"code": "04918273"}, request_only=True)],
    )
    def post(self, request: Request, address_id: UUID) -> Response:
        address = _own_address(request, address_id)
        code = self.body(CodeSerializer)["code"]
        try:
            address = addresses.confirm_address(
                address=address, code=code, origin=Origin.of(request), now=timezone.now()
            )
        except addresses.WrongCode as error:
            raise invalid(INVALID_CODE, attr="code") from error
        except addresses.CodeExpired as error:
            raise invalid(CODE_EXPIRED, attr="code") from error
        except addresses.NothingToConfirm as error:
            raise Conflict(NOTHING_TO_CONFIRM) from error
        return Response(WalletAddressSerializer(address).data)


class SendCodeView(ApiView):
    write_scope = "wallets"
    pagination_class = None

    @extend_schema(
        summary="Send a new code for a withdrawal address",
        tags=["wallets"],
        request=NoFieldsSerializer,
        responses={204: OpenApiResponse(description="It is on its way; the one before is void.")},
    )
    def post(self, request: Request, address_id: UUID) -> Response:
        address = _own_address(request, address_id)
        self.body(NoFieldsSerializer)
        try:
            addresses.send_new_code(address=address, now=timezone.now())
        except addresses.TooManyCodes as error:
            raise Conflict(TOO_MANY_CODES) from error
        except addresses.NothingToConfirm as error:
            raise Conflict(NOTHING_TO_CONFIRM) from error
        return Response(status=204)


def _own_address(request: Request, address_id: UUID) -> WalletAddress:
    return get_object_or_404(own_addresses(request), public_id=address_id)
