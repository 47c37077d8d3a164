"""A stand-alone paper exchange: Binance's spot protocol, for unmodified ccxt over HTTP and WebSocket.

Point any of `ccxt.binance`, `ccxt.async_support.binance`, `ccxt.pro.binance` at it by replacing
addresses only (`base` is "http://host:port", `ws` is "ws://host:port"):

    exchange.urls["api"].update({
        "public": f"{base}/api/v3", "private": f"{base}/api/v3", "v1": f"{base}/api/v1",
        "sapi": f"{base}/sapi/v1", "sapiV2": f"{base}/sapi/v2",
        "sapiV3": f"{base}/sapi/v3", "sapiV4": f"{base}/sapi/v4",
    })
    exchange.urls["api"]["ws"]["spot"] = f"{ws}/stream"                # ccxt.pro: market data
    exchange.urls["api"]["ws"]["ws-api"]["spot"] = f"{ws}/ws-api/v3"   # ccxt.pro: the user-data stream
    exchange.options["fetchMarkets"] = {"types": ["spot"]}             # or it asks the futures hosts too

"/stream" has to be in the market-data address: ccxt tells spot from futures events by it. The user-data
stream is the WebSocket API's `userDataStream.subscribe.signature`.

`POST /paper/accounts` opens an account and answers its keys; the routes under `/control/` (faults, audit,
prices, filters, deposits) answer loopback peers only.
"""
