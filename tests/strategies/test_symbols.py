"""What an exchange trades, as the exchange itself tells it."""

from __future__ import annotations

import pytest

URL = "/api/v1/symbols/"


def test_symbols_are_listed_with_the_filters_of_the_exchange(api, paper):
    told = paper.ask("GET", "/api/v3/exchangeInfo")[1]["symbols"]
    listed = api.get(f"{URL}?exchange=paper&page_size=200").json()
    assert listed["count"] == len(told)
    (bitcoin,) = api.get(f"{URL}?exchange=paper&search=btc/&quote=USDT").json()["results"]
    filters = {one["filterType"]: one for row in told if row["symbol"] == "BTCUSDT" for one in row["filters"]}
    assert (bitcoin["symbol"], bitcoin["base"], bitcoin["active"]) == ("BTC/USDT", "BTC", True)
    assert float(bitcoin["lot_step"]) == float(filters["LOT_SIZE"]["stepSize"])
    assert float(bitcoin["tick_size"]) == float(filters["PRICE_FILTER"]["tickSize"])


@pytest.mark.parametrize("query", ["", "exchange=nowhere", "exchange=", "exchange=paper&symbol=BTC/USDT"])
def test_an_exchange_that_is_not_offered_has_no_symbols(api, query):
    assert api.get(f"{URL}?{query}").status_code == 400


def test_pages_of_symbols_follow_one_another(api, paper):
    first = api.get(f"{URL}?exchange=paper&page_size=1").json()
    second = api.get(first["next"]).json()
    assert first["results"][0]["symbol"] < second["results"][0]["symbol"]
    assert api.get(f"{URL}?exchange=paper&page=9999").status_code == 404
