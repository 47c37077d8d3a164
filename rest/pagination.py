"""Pages of lists: by cursor, stable while rows are added, or by number."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.paginator import Paginator
from django.utils.functional import cached_property
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination, PageNumberPagination
from rest_framework.request import Request

from rest import codes
from rest.errors import invalid

DEFAULT_SIZE = 50
MAX_SIZE = 200
MOST_COUNTED = 10_000


def page_size(request: Request) -> int:
    """`?page_size=` 1-200; what is not such a number is refused, never ignored."""
    text = request.query_params.get("page_size", str(DEFAULT_SIZE))
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MAX_SIZE):
        raise invalid(codes.INVALID, f"A whole number from 1 to {MAX_SIZE}.", attr="page_size")
    return int(text)


class CursorPages(CursorPagination):
    """Newest first. A view may set `ordering`; its first column must never change."""

    parameters = ("cursor", "page_size")
    ordering = "-id"
    page_size_query_param = "page_size"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        self.model = queryset.model
        return super().paginate_queryset(queryset, request, view)

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        ordering = getattr(view, "ordering", self.ordering)
        return (ordering,) if isinstance(ordering, str) else tuple(ordering)

    def get_page_size(self, request: Request) -> int:
        return page_size(request)

    def decode_cursor(self, request: Request) -> Cursor | None:
        try:
            cursor = super().decode_cursor(request)
        except NotFound as error:
            raise invalid(codes.INVALID_CURSOR, attr="cursor") from error
        if cursor is not None and cursor.position is not None:
            self._check_position(str(cursor.position))
        return cursor

    def _check_position(self, position: str) -> None:
        """A forged position must not reach the database as something the column cannot be."""
        field = self.model._meta.get_field(self.ordering[0].lstrip("-"))
        try:
            field.run_validators(field.to_python(position))
        except (DjangoValidationError, ValueError, OverflowError) as error:
            raise invalid(codes.INVALID_CURSOR, attr="cursor") from error


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # generic in its stubs only
    """Counts no further than it lets one page: the cost of a long list does not grow with it."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        number: int = rows.order_by().values("pk")[:MOST_COUNTED].count()
        return number

    @property
    def is_capped(self) -> bool:
        """Whether there may be more than it counts."""
        return self.count == MOST_COUNTED


class NumberedPages(PageNumberPagination):
    """`?page=` from 1; past the end is 404, what is no such number 400. `count` ends at 10,000."""

    parameters = ("page", "page_size")
    django_paginator_class: type[Paginator[Any]] = CappedPaginator

    page_size_query_param = "page_size"

    def get_page_number(self, request: Request, paginator: Any) -> str:
        text: str = request.query_params.get(self.page_query_param, "1")
        if not (text.isascii() and text.isdigit() and text.strip("0")):
            raise invalid(codes.INVALID, "A whole number from 1.", attr="page")
        return text

    def get_page_size(self, request: Request) -> int:
        return page_size(request)
