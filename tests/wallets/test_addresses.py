"""Addresses over the API: canonical, one's own, and usable only after a code and a while."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db.models import F

from accounts.notifications.models import Notification
from compliance.models import AuditRecord
from wallets import addresses
from wallets.models import WalletAddress

ROUTE = "/api/v1/wallets/addresses/"
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
X_12345 = "XVPcpSm47b1CZkf5AkKM9a84dQHe3mTAxgxfLw2qYoe7Boa"
XRP = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"


def body(**changes):
    plain = {"exchange": "binance", "network": "ethereum", "address": EVM, "label": "Mine"}
    return {**plain, "direction": "withdrawal", **changes}


def error_of(response):
    (error,) = response.json()["errors"]
    return response.status_code, error["code"], error["attr"]


def sent_code():
    (code,) = re.findall(r"^\d{8}$", str(mail.outbox[-1].body), re.MULTILINE)
    return code


@pytest.fixture
def pending(api):
    return api.post(ROUTE, body()).json()


def confirm(api, address, code):
    return api.post(f"{ROUTE}{address['id']}/confirm/", {"code": code})


def wrong_for(code):
    return f"{(int(code) + 1) % 10**8:08}"


def test_an_address_is_kept_in_canonical_form(api):
    answer = api.post(ROUTE, body(address=f" {EVM.lower()} ")).json()
    assert answer["address"] == EVM
    assert api.get(f"{ROUTE}{answer['id']}/").json() == answer
    assert api.get(ROUTE).json()["results"] == [answer]


def test_a_deposit_address_is_usable_at_once(api):
    answer = api.post(ROUTE, body(direction="deposit", network="xrp", address=X_12345)).json()
    assert (answer["status"], answer["address"], answer["memo"]) == ("active", XRP, "12345")
    assert answer["usable_from"] == answer["created_at"]
    assert not mail.outbox
    assert not AuditRecord.objects.filter(action__startswith="withdrawal_address").exists()


@pytest.mark.parametrize(
    ("changes", "code", "attr"),
    [
        ({"address": EVM.replace("5aA", "5AA")}, "invalid_address", "address"),
        ({"address": EVM[:10] + "\u200b" + EVM[10:]}, "invalid_characters", "address"),
        ({"address": EVM[:10] + "\x00" + EVM[10:]}, None, "address"),
        ({"address": ""}, "blank", "address"),
        ({"address": 5}, "invalid", "address"),
        ({"address": "x" * 1001}, "max_length", "address"),
        ({"network": "Ethereum"}, "invalid_choice", "network"),
        ({"network": []}, "invalid_choice", "network"),
        ({"exchange": "no_such_exchange"}, "invalid_choice", "exchange"),
        ({"direction": "both"}, "invalid_choice", "direction"),
        ({"memo": "1"}, "invalid_memo", "memo"),
        ({"memo": 1}, "invalid", "memo"),
        ({"network": "xrp", "address": XRP, "direction": "deposit"}, "memo_required", "memo"),
        ({"network": "xrp", "address": XRP, "memo": "1\u200b"}, "invalid_characters", "memo"),
        ({"network": "xrp", "address": XRP, "memo": "-1"}, "invalid_memo", "memo"),
        ({"label": "a\u202eb"}, "invalid_characters", "label"),
        ({"status": "active"}, "unknown_field", "status"),
    ],
)
def test_what_cannot_be_is_refused_with_its_code(api, changes, code, attr):
    status, told, field = error_of(api.post(ROUTE, body(**changes)))
    assert (status, field) == (400, attr)
    assert code in {None, told}
    assert not WalletAddress.objects.exists()


def test_an_address_of_another_network_is_told_by_name(api):
    response = api.post(ROUTE, body(address="bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"))
    assert "It looks like one of Bitcoin." in response.json()["errors"][0]["detail"]


def test_an_address_is_added_once_per_person(api, api_of, stranger, pending):
    assert error_of(api.post(ROUTE, body(address=EVM.upper())))[:2] == (409, "address_already_added")
    assert api.post(ROUTE, body(network="polygon")).status_code == 201
    assert api_of(stranger).post(ROUTE, body()).status_code == 201


def test_only_the_label_is_changed(api, pending):
    address = f"{ROUTE}{pending['id']}/"
    assert api.patch(address, {"label": "Cold"}).json() == {**pending, "label": "Cold"}
    for change in ({"address": EVM}, {"label": "x", "address": EVM}):
        assert error_of(api.patch(address, change))[1:] == ("unknown_field", "address")


def test_a_withdrawal_address_is_confirmed_with_the_code_of_the_mail(api, user, pending):
    assert pending["status"] == "pending"
    row = WalletAddress.objects.get()
    assert row.usable_from - row.created_at == timedelta(hours=24)
    code = sent_code()
    assert mail.outbox[-1].to == [user.email]
    answer = confirm(api, pending, code).json()
    assert answer["status"] == "active"
    assert answer["usable_from"] > pending["usable_from"]
    assert error_of(confirm(api, pending, code))[:2] == (409, "nothing_to_confirm")
    acts = AuditRecord.objects.filter(action__startswith="withdrawal_address").order_by("id")
    assert [act.action.partition(".")[2] for act in acts] == ["create", "confirm"]


def test_the_code_is_nowhere_but_in_the_mail(api, pending):
    code = sent_code()
    confirm(api, pending, wrong_for(code))
    kept = [WalletAddress.objects, AuditRecord.objects, Notification.objects]
    assert code not in str([list(rows.values()) for rows in kept]) + api.get(ROUTE).content.decode()
    assert Notification.objects.filter(kind="withdrawal_address", mail="due").count() == 1


def test_a_wrong_code_is_refused_and_recorded(api, pending):
    assert error_of(confirm(api, pending, wrong_for(sent_code()))) == (400, "invalid_code", "code")
    refused = AuditRecord.objects.get(action="withdrawal_address.confirm")
    assert (refused.outcome, refused.detail) == ("refused", {"reason": "invalid_code"})
    assert WalletAddress.objects.get().status == "pending"


def test_a_code_is_tried_five_times_and_not_once_more(api, pending):
    code = sent_code()
    for _ in range(5):
        assert error_of(confirm(api, pending, wrong_for(code)))[1] == "invalid_code"
    assert error_of(confirm(api, pending, code)) == (400, "code_expired", "code")
    assert api.post(f"{ROUTE}{pending['id']}/send-code/").status_code == 204
    assert error_of(confirm(api, pending, code))[1] == "invalid_code"
    assert confirm(api, pending, sent_code()).status_code == 200


def test_a_code_grows_old(api, pending):
    WalletAddress.objects.update(code_sent_at=F("code_sent_at") - timedelta(minutes=31))
    assert error_of(confirm(api, pending, sent_code())) == (400, "code_expired", "code")


def test_codes_of_one_address_come_to_an_end(api, pending):
    WalletAddress.objects.update(codes_sent=10)
    assert error_of(api.post(f"{ROUTE}{pending['id']}/send-code/"))[:2] == (409, "too_many_codes")


def test_a_code_opens_its_own_address_only(api, pending):
    code = sent_code()
    other = api.post(ROUTE, body(network="bsc")).json()
    if sent_code() != code:
        assert error_of(confirm(api, other, code))[1] == "invalid_code"


def test_a_mail_server_that_is_away_leaves_the_address_to_be_confirmed_later(api, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert api.post(ROUTE, body()).json()["status"] == "pending"


def test_a_deposit_address_has_nothing_to_confirm(api):
    answer = api.post(ROUTE, body(direction="deposit")).json()
    assert error_of(confirm(api, answer, "12345678"))[:2] == (409, "nothing_to_confirm")
    assert error_of(api.post(f"{ROUTE}{answer['id']}/send-code/"))[:2] == (409, "nothing_to_confirm")


def test_a_removed_address_is_gone_and_its_removal_recorded(api, pending):
    assert api.delete(f"{ROUTE}{pending['id']}/").status_code == 204
    assert api.get(f"{ROUTE}{pending['id']}/").status_code == 404
    assert AuditRecord.objects.filter(action="withdrawal_address.delete", object=pending["id"]).count() == 1


@pytest.mark.parametrize("method", ["get", "patch", "delete", "post:confirm/", "post:send-code/"])
def test_anothers_address_does_not_exist(api_of, stranger, pending, method):
    verb, _, tail = method.partition(":")
    response = getattr(api_of(stranger), verb)(f"{ROUTE}{pending['id']}/{tail}")
    assert response.status_code == 404
    assert WalletAddress.objects.get().attempts == 0


def test_a_list_costs_the_same_for_any_length(api, django_assert_max_num_queries):
    for network in ("ethereum", "bsc", "polygon", "avalanche_c"):
        api.post(ROUTE, body(network=network))
    with django_assert_max_num_queries(6):
        assert len(api.get(ROUTE).json()["results"]) == 4


def test_there_is_an_end_to_a_persons_addresses_and_to_nobody_elses(api, api_of, stranger, monkeypatch):
    monkeypatch.setattr(addresses, "MOST_ADDRESSES", 1)
    first = api.post(ROUTE, body()).json()
    assert error_of(api.post(ROUTE, body(network="bsc")))[:2] == (409, "too_many_addresses")
    assert api_of(stranger).post(ROUTE, body()).status_code == 201
    api.delete(f"{ROUTE}{first['id']}/")
    assert api.post(ROUTE, body(network="bsc")).status_code == 201
