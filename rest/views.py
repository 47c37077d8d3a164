"""The base of every view of the API, and the views of no app."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from rest import codes
from rest.errors import NotHere
from rest.serializers import NoFilters, QuerySerializer, validated_query


class ApiView(GenericAPIView[Any]):
    """Checks in the contract's order; a view says which scope a token needs to write.

    `write_scope` None: any scope. `role`: the group a person needs. `public_reads`: GET without log-in.
    """

    write_scope: ClassVar[str | None]
    role: ClassVar[str | None] = None
    public_reads: ClassVar[bool] = False
    filters: ClassVar[type[QuerySerializer]] = NoFilters

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authentication, throttle, scope, nonce, role: a failed check leaves the later ones untouched."""
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        self.perform_authentication(request)
        self.check_throttles(request)
        self.check_permissions(request)

    def body(self, serializer: type[BaseSerializer[Any]], **kwargs: Any) -> dict[str, Any]:
        """The request's body as Python values; 400 for what cannot be understood."""
        bound = serializer(data=self.request.data, context=self.get_serializer_context(), **kwargs)
        bound.is_valid(raise_exception=True)
        values: dict[str, Any] = bound.validated_data
        return values

    def query(self) -> dict[str, Any]:
        """The request's filters as Python values."""
        return validated_query(self.filters, self.request.query_params, **self.get_serializer_context())

    def page(self, rows: QuerySet[Any], serializer: type[BaseSerializer[Any]]) -> Response:
        """One page of a list."""
        page = self.paginate_queryset(rows)
        context = self.get_serializer_context()
        return self.get_paginated_response(serializer(page, many=True, context=context).data)


class CodesView(ApiView):
    write_scope = None
    public_reads = True
    pagination_class = None

    @extend_schema(
        summary="List every error code",
        tags=["codes"],
        responses=inline_serializer(
            "Code", {"code": serializers.CharField(), "meaning": serializers.CharField()}, many=True
        ),
    )
    def get(self, request: Request) -> Response:
        self.query()
        return Response([{"code": code.name, "meaning": code.meaning} for code in codes.declared()])


class UnknownPathView(ApiView):
    """What no app knows, in the API's own words."""

    write_scope = None
    permission_classes = ()
    authentication_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> NoReturn:
        super().initial(request, *args, **kwargs)
        raise NotHere(codes.NOT_FOUND)
