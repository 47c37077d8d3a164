"""What every list understands of a query, and that it leaves nothing out silently."""

import pytest

from accounts.roles import Role
from accounts.services import give_role
from compliance.audit import SYSTEM
from rest.serializers import NoFilters
from tests.rest.belongings import Belongings
from tests.rest.test_every_route import api_routes
from tests.rest.test_other_peoples_ids import filled, private_folder

__all__ = ["private_folder"]

PAGING = {"page": "1", "page_size": "1", "cursor": "x"}
LISTS = {
    address: view
    for address, view in api_routes()
    if hasattr(view, "get") and (view.pagination_class or view.filters is not NoFilters)
} | {address: view for address, view in api_routes() if address == "/api/v1/codes/"}


@pytest.mark.parametrize("route", LISTS)
def test_a_list_refuses_by_name_what_it_does_not_understand(api, user, route):
    give_role(user=user, role=Role.AUDITOR, origin=SYSTEM)
    paginator = LISTS[route].pagination_class
    understood = set(paginator.parameters) if paginator else set()
    response = api.get(filled(route, Belongings(user)), {"colour": "blue", **PAGING})
    assert response.status_code == 400
    refused = {error["attr"] for error in response.json()["errors"] if error["code"] == "unknown_field"}
    assert refused == {"colour", *PAGING} - understood
