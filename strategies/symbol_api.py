"""What an exchange trades, and its filters."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from exchanges.venues import VENUES
from rest.fields import DecimalString, Text, Word
from rest.pagination import NumberedPages
from rest.serializers import QuerySerializer
from rest.views import ApiView
from strategies.serializers import Choice
from strategies.services import market_rules

OFFERED = [name for name, venue in VENUES.items() if not venue.not_supported_because]


class SymbolFilters(QuerySerializer):
    """`search`: a part of the symbol."""

    exchange = Choice(choices=OFFERED)
    quote = Word(max_length=16, required=False)
    search = Text(max_length=32, required=False)


class SymbolSerializer(serializers.Serializer[Any]):
    """Quantities are in the base coin, the notional in the quote; "0": the exchange has no such limit."""

    symbol = serializers.CharField()
    base = serializers.CharField()
    quote = serializers.CharField()
    active = serializers.BooleanField(help_text="Whether it is traded at present.")
    lot_step = DecimalString()
    tick_size = DecimalString()
    min_quantity = DecimalString()
    max_quantity = DecimalString()
    max_market_quantity = DecimalString()
    min_notional = DecimalString()
    taker_fee = DecimalString(help_text="A fraction.")


class SymbolPages(NumberedPages):
    """Of rows that no table holds."""

    django_paginator_class: type[Paginator[Any]] = Paginator


class SymbolsView(ApiView):
    write_scope = None
    filters = SymbolFilters
    pagination_class = SymbolPages
    serializer_class = SymbolSerializer

    @extend_schema(
        summary="List what an exchange trades, with its filters",
        description="By symbol. What an order must keep to: amounts are multiples of `lot_step`, and so on.",
        tags=["strategies"],
        parameters=[SymbolFilters],
        responses=SymbolSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        wanted = self.query()
        part, quote = wanted.get("search", "").upper(), wanted.get("quote")
        rules = sorted(market_rules(wanted["exchange"]).values(), key=lambda rule: rule.symbol)
        found = [rule for rule in rules if part in rule.symbol and quote in {None, rule.quote}]
        page = self.paginate_queryset(found)
        return self.get_paginated_response(SymbolSerializer(page, many=True).data)
