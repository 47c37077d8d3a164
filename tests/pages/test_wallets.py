"""The pages of wallets: what they show, what they ask before they act, and that no secret comes back."""

import re

import pytest
from django.core import mail

from tests.factories import PASSWORD, ExchangeAccountFactory, SubscriptionFactory
from tests.pages.market import text_of
from tests.wallets.conftest import venue, wallets_venue
from wallets.models import ExchangeAccount, WalletAddress

__all__ = ["venue", "wallets_venue"]

ACCOUNTS, CONNECT, ADDRESSES = "/wallets/accounts/", "/wallets/accounts/connect/", "/wallets/addresses/"
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
SOLANA = "7v91N7iZ9mNicL8WfG6cgSCKyRXydQjLh6UYBWwm6y1Q"
NEW = {
    "direction": "withdrawal",
    "exchange": "binance",
    "network": "ethereum",
    "address": EVM,
    "label": "Cold",
}


@pytest.fixture
def proven(client, user):
    """Logged in, and the password given once more a moment ago."""
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def live(account, **changes):
    keys = {"api_key": account["api_key"], "secret": account["secret"]}
    return {"exchange": "binance", "label": "Main", **keys, **changes}


@pytest.mark.parametrize("path", [ACCOUNTS, CONNECT, ADDRESSES])
def test_the_pages_are_for_people_who_are_logged_in(client, db, path):
    assert client.get(path)["Location"].startswith("/accounts/login/")


def test_wallets_stand_in_the_navigation(page, user):
    assert 'href="/wallets/accounts/" aria-current="page">Wallets' in page.get(ADDRESSES).content.decode()


def test_empty_pages_say_what_belongs_there(page):
    assert "No account yet." in page.get(ACCOUNTS).content.decode()
    assert "No addresses yet." in page.get(ADDRESSES).content.decode()


def test_only_the_health_of_an_account_is_live_and_not_its_forms(page, user):
    account = ExchangeAccountFactory.create(owner=user)
    shown = page.get(ACCOUNTS).content.decode()
    ((address, live),) = re.findall(
        r'hx-get="([^"]+)" hx-trigger="every 60s"[^>]*>(.*?)\n</div>', shown, re.DOTALL
    ) or [("", "")]
    assert address.startswith(f"/wallets/accounts/{account.public_id}/health/?after=")
    assert "Working" in live
    assert "<form" not in live
    assert page.get(address).status_code == 204
    ExchangeAccount.objects.update(status="invalid")
    assert "Key refused" in text_of(page.get(address))
    stranger = ExchangeAccountFactory.create()
    assert page.get(f"/wallets/accounts/{stranger.public_id}/health/").status_code == 404


def test_a_paper_account_is_opened_without_proof(page, venue):
    given = {"exchange": "paper", "label": "Practice", "balance": "250"}
    assert page.post(CONNECT, given)["Location"] == ACCOUNTS
    shown = page.get(ACCOUNTS).content.decode()
    assert "PAPER" in shown
    assert "250.00 USDT" in shown
    assert page.post(CONNECT, {**given, "balance": "a lot"}).status_code == 422


def test_keys_are_asked_for_again_after_the_proof_and_kept_nowhere_meanwhile(page, venue):
    account = venue.open_account()
    answer = page.post(CONNECT, live(account))
    assert answer["Location"] == "/accounts/reauthenticate/?next=%2Fwallets%2Faccounts%2Fconnect%2F"
    assert not ExchangeAccount.objects.exists()
    assert account["secret"] not in str(dict(page.session.items()))
    assert account["api_key"] not in str(dict(page.session.items()))
    form = page.get(CONNECT).content.decode()
    assert 'value="Main"' in form
    assert "Paste the key and the secret once more" in form


def test_whoever_connects_is_advised_to_bind_the_key_to_our_address_before_the_form(proven):
    shown = proven.get(CONNECT).content.decode()
    assert 0 < shown.index("Bind it to the IP address of this server") < shown.index('name="secret"')


def test_a_key_is_checked_and_never_shown(proven, venue):
    account = venue.open_account(balances={"USDT": "100"})
    assert proven.post(CONNECT, live(account))["Location"] == ACCOUNTS
    shown = proven.get(ACCOUNTS).content.decode()
    assert "REAL MONEY" in shown
    assert "…" + account["api_key"][-4:] in shown
    assert account["secret"] not in shown
    assert account["api_key"] not in shown


def test_a_key_that_can_withdraw_is_refused_in_words_and_not_typed_back(proven, venue):
    account = venue.open_account(can_withdraw=True)
    answer = proven.post(CONNECT, live(account))
    assert answer.status_code == 422
    assert "This key can withdraw money, so we did not store it." in answer.content.decode()
    assert account["secret"] not in answer.content.decode()
    assert 'value="Main"' in answer.content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"secret": "wrong"}, "does not know this key"),
        ({"exchange": "okx", "password": "x"}, "did not answer"),
        ({"label": "a\u202eb"}, "bidirectional"),
        ({"api_key": "a b"}, "visible ASCII"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_stored(proven, venue, changes, sentence):
    answer = proven.post(CONNECT, live(venue.open_account(), **changes))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not ExchangeAccount.objects.exists()


def test_the_key_is_replaced_by_one_of_the_same_account_only(proven, user, venue):
    account = venue.open_account()
    proven.post(CONNECT, live(account))
    rotate = f"{ACCOUNTS}{ExchangeAccount.objects.get().public_id}/rotate/"
    assert proven.get(rotate).status_code == 200
    wrong = proven.post(rotate, live(venue.open_account()))
    assert "another account of the exchange" in wrong.content.decode()
    assert proven.post(rotate, live(account))["Location"] == ACCOUNTS


def test_replacing_a_key_asks_first_who_is_there(page, user):
    account = ExchangeAccountFactory.create(owner=user, exchange="binance")
    for method in (page.get, page.post):
        assert method(f"{ACCOUNTS}{account.public_id}/rotate/")["Location"].startswith("/accounts/reauth")


def test_a_refused_key_says_what_to_do(page, user):
    ExchangeAccountFactory(
        owner=user, exchange="binance", status="invalid", status_reason="withdrawal_enabled"
    )
    shown = page.get(ACCOUNTS).content.decode()
    assert "This key can withdraw money now, so we do not use it any more." in shown
    assert "Replace the key" in shown


def test_an_account_is_checked_renamed_and_disconnected(page, user, venue):
    page.post(CONNECT, {"exchange": "paper", "label": "Practice", "balance": "250"})
    account = ExchangeAccount.objects.get()
    at = f"{ACCOUNTS}{account.public_id}/"
    assert "can trade and cannot withdraw" in page.post(f"{at}validate/", follow=True).content.decode()
    page.post(f"{at}rename/", {"label": "Play"})
    assert "a\u202eb" not in page.post(f"{at}rename/", {"label": "a\u202eb"}, follow=True).content.decode()
    account.refresh_from_db()
    assert account.label == "Play"
    assert "its key wiped" in page.post(f"{at}disconnect/", follow=True).content.decode()
    assert page.post(f"{at}validate/").status_code == 404


def test_an_account_in_use_stays_and_the_page_says_why(page, user):
    account = ExchangeAccountFactory.create(owner=user)
    SubscriptionFactory(follower=user, exchange_account=account)
    answer = page.post(f"{ACCOUNTS}{account.public_id}/disconnect/", follow=True)
    assert "is in use, so it stays" in answer.content.decode()


def test_a_withdrawal_address_is_added_after_a_proof_and_the_form_comes_back(page):
    assert page.post(ADDRESSES, NEW)["Location"].startswith("/accounts/reauthenticate/?next=")
    assert not WalletAddress.objects.exists()
    form = page.get(ADDRESSES).content.decode()
    assert f'value="{EVM}"' in form
    assert "What you typed is still here" in form


def test_an_address_is_shown_in_fours_with_its_code_and_confirmed(proven):
    assert proven.post(ADDRESSES, NEW)["Location"] == ADDRESSES
    shown = proven.get(ADDRESSES).content.decode()
    assert "<span>0x5a</span><span>Aeb6</span>" in shown
    drawn = re.search(r"<svg.*?</svg>", shown[shown.index('class="qr"') :], re.DOTALL)
    assert drawn is not None
    assert "style" not in drawn.group()
    row = WalletAddress.objects.get()
    (code,) = re.findall(r"^\d{8}$", str(mail.outbox[-1].body), re.MULTILINE)
    wrong = proven.post(f"{ADDRESSES}{row.public_id}/confirm/", {"code": "x"}, follow=True)
    assert "This is not the code of the last mail." in wrong.content.decode()
    proven.post(f"{ADDRESSES}{row.public_id}/confirm/", {"code": f"{code[:4]} {code[4:]}"})
    row.refresh_from_db()
    assert row.status == "active"
    assert "Waiting" in proven.get(ADDRESSES).content.decode()
    proven.post(f"{ADDRESSES}{row.public_id}/remove/")
    assert not WalletAddress.objects.exists()


def squares_of(svg: str) -> list[list[bool]]:
    """The dark squares that the strokes of the drawing fill, without its border."""
    (size,) = re.findall(r'viewBox="0 0 (\d+) \1"', svg)
    (path,) = re.findall(r'<path[^>]* stroke="#000" d="([^"]*)"', svg)
    squares = [[False] * int(size) for _row in range(int(size))]
    x, y = 0, 0.0
    for step, across, down in re.findall(r"([Mmh])(-?[\d.]+)(?: ?(-?[\d.]+))?", path):
        if step == "h":
            squares[int(y)][x : x + int(across)] = [True] * int(across)
            x += int(across)
        else:
            x, y = (int(across), float(down)) if step == "M" else (x + int(across), y + float(down))
    return [row[2:-2] for row in squares[2:-2]]


# Which squares are turned over, by row and column: ISO/IEC 18004, 7.8.2.
MASKS = (
    lambda i, j: (i + j) % 2 == 0,
    lambda i, j: i % 2 == 0,
    lambda i, j: j % 3 == 0,
    lambda i, j: (i + j) % 3 == 0,
    lambda i, j: (i // 2 + j // 3) % 2 == 0,
    lambda i, j: i * j % 2 + i * j % 3 == 0,
    lambda i, j: (i * j % 2 + i * j % 3) % 2 == 0,
    lambda i, j: ((i + j) % 2 + i * j % 3) % 2 == 0,
)


def text_in(squares: list[list[bool]]) -> str:
    """What a code of version 2 or 3 says, read as a camera does: of one block, in bytes."""
    size = len(squares)
    assert size in (25, 29)
    mask = MASKS[int("".join(str(int(squares[8][j])) for j in (2, 3, 4)), 2) ^ 0b101]

    def is_pattern(i: int, j: int) -> bool:
        is_corner = (i < 9 and (j < 9 or j >= size - 8)) or (i >= size - 8 and j < 9)
        return is_corner or 6 in (i, j) or (size - 9 <= i <= size - 5 and size - 9 <= j <= size - 5)

    rights = [j if j > 6 else j - 1 for j in range(size - 1, 0, -2)]
    bits = "".join(
        str(int(squares[i][j] != mask(i, j)))
        for n, right in enumerate(rights)
        for i in (range(size) if n % 2 else reversed(range(size)))
        for j in (right, right - 1)
        if not is_pattern(i, j)
    )
    assert bits[:4] == "0100"
    letters = range(12, 12 + 8 * int(bits[4:12], 2), 8)
    return bytes(int(bits[at : at + 8], 2) for at in letters).decode()


@pytest.mark.parametrize(("network", "address"), [("ethereum", EVM), ("solana", SOLANA)])
def test_the_drawn_code_says_the_address_to_the_letter(page, network, address):
    page.post(ADDRESSES, NEW | {"direction": "deposit", "network": network, "address": address})
    shown = page.get(ADDRESSES).content.decode()
    drawn = squares_of(re.findall(r"<svg.*?</svg>", shown[shown.index('class="qr"') :], re.DOTALL)[0])
    assert text_in(drawn) == address


@pytest.mark.parametrize(("network", "address", "warns"), [("ethereum", EVM, 0), ("solana", SOLANA, 1)])
def test_a_network_without_checksums_says_so_beside_the_address(page, network, address, warns):
    page.post(ADDRESSES, NEW | {"direction": "deposit", "network": network, "address": address})
    assert page.get(ADDRESSES).content.decode().count("have no checksum") == warns


def test_a_new_code_is_sent_when_asked_for(proven):
    proven.post(ADDRESSES, NEW)
    proven.post(f"{ADDRESSES}{WalletAddress.objects.get().public_id}/send-code/")
    assert len([sent for sent in mail.outbox if "Confirm your" in sent.subject]) == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"network": "bitcoin"}, "looks like one of Ethereum"),
        ({"memo": "1"}, "Ethereum knows no memos"),
        ({"address": f"{EVM[:9]} {EVM[9:]}"}, "something that nobody sees"),
        ({"exchange": "nowhere"}, "There is no such exchange."),
        ({"network": "xrp", "address": "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"}, "Destination tag"),
    ],
)
def test_a_deposit_address_that_cannot_be_is_refused_in_words(page, changes, sentence):
    answer = page.post(ADDRESSES, {**NEW, "direction": "deposit", **changes})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not WalletAddress.objects.exists()


def test_anothers_addresses_and_accounts_do_not_exist(page, stranger, user):
    account = ExchangeAccountFactory.create(owner=stranger)
    for act in ("validate", "rotate", "rename", "disconnect"):
        assert page.post(f"{ACCOUNTS}{account.public_id}/{act}/", {"label": "x"}).status_code == 404
    for act in ("confirm", "send-code", "remove"):
        assert page.post(f"{ADDRESSES}{account.public_id}/{act}/").status_code == 404


def test_a_longer_list_takes_no_more_queries(page, user, count_queries):
    few = count_queries(page, ACCOUNTS)
    for _ in range(5):
        ExchangeAccountFactory(owner=user)
    assert count_queries(page, ACCOUNTS) == few
