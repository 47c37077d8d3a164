"""/orders/: what became of each copied order, by outcome and by reason."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from accounts.person import signed_in
from copytrade.pages.order_rows import for_rows, order_rows
from execution.explain import sentence_of
from execution.models import CopyOrder, CopyOrderQuerySet
from execution.states import LIVE, Status
from rest.pagination import CappedPaginator

PER_PAGE = 50
FILTERS: dict[str, tuple[str | Promise, Q]] = {
    "": (_("All"), Q()),
    "copied": (_("Copied"), Q(filled_amount__gt=0)),
    "open": (_("Open"), Q(status__in=LIVE)),
    "skipped": (_("Skipped"), Q(status=Status.SKIPPED)),
    "denied": (_("Denied"), Q(status=Status.DENIED)),
    "rejected": (_("Rejected"), Q(status=Status.REJECTED)),
    "unfilled": (_("Not filled"), Q(status__in=[Status.CANCELED, Status.EXPIRED], filled_amount=0)),
}


@login_required
def orders(request: HttpRequest) -> HttpResponse:
    chosen = request.GET.get("status", "")
    chosen = chosen if chosen in FILTERS else ""
    mine = CopyOrder.objects.of_follower(signed_in(request).pk).filter(FILTERS[chosen][1])
    reasons = _reasons(mine)
    reason = request.GET.get("reason", "")
    reason = reason if any(reason == code for code, _count, _sentence in reasons) else ""
    if reason:
        mine = mine.filter(reason_code=reason)
    paginator = CappedPaginator(for_rows(mine), PER_PAGE)
    number = request.GET.get("page", "1")
    if not number.isdecimal() or not 1 <= int(number) <= paginator.num_pages:
        raise Http404("There is no such page.")
    page = paginator.page(int(number))
    context = {
        "page": page,
        "rows": order_rows(page.object_list),
        "chosen": chosen,
        "filters": [(key, label) for key, (label, _condition) in FILTERS.items()],
        "reason": reason,
        "reasons": reasons,
        "query": urlencode({name: word for name, word in (("status", chosen), ("reason", reason)) if word}),
    }
    return render(request, "pages/orders.html", context)


def _reasons(orders: CopyOrderQuerySet) -> list[tuple[str, int, str]]:
    """Code, how many orders have it and its sentence, the most frequent first."""
    rows = orders.exclude(reason_code="").order_by().values_list("reason_code").annotate(n=Count("id"))
    return [(code, count, sentence_of(code)) for code, count in rows.order_by("-n", "reason_code")]
