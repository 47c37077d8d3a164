"""The one door to the exchanges: plain Python over ccxt, no Django."""
