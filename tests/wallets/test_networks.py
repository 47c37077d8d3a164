"""Addresses: taken in canonical form, and nothing that merely resembles one."""

import string

import pytest

from wallets.network_names import WITHOUT_CHECKSUM
from wallets.networks import (
    InvalidAddress,
    InvalidCharacters,
    InvalidMemo,
    MemoRequired,
    Place,
    networks_of,
    place_of,
)

EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
G = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"
M_12345 = "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJUAAAAAAAAABQHF6OU"
XRP = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"
X_12345 = "XVPcpSm47b1CZkf5AkKM9a84dQHe3mTAxgxfLw2qYoe7Boa"
X_WITHOUT = "XVPcpSm47b1CZkf5AkKM9a84dQHe3m4sBhsrA4XtnBECTAc"
TON = "EQCh_OQ2OFT_iIz_S454ddYAwmgjkEEqjPebN9CxEUiw-haA"
TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
CASH = "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"

AS_THEY_ARE = [
    ("bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("bitcoin", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
    ("bitcoin", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("bitcoin", "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3"),
    ("bitcoin", TAPROOT),
    ("litecoin", "LPNE9GK3GenV8A2AUrSfmrSjfArUJ5N345"),
    ("litecoin", "MC3S7Uuch1iEm2JLXh7Jk6zJvBNMgvc1ii"),
    ("litecoin", "ltc1q94c3vs4hy6cygqtz0j5lhtpj7hy9xra35jqzmw"),
    ("litecoin", "ltc1p587wgd3c2nlc3r8lfw88sawkqrpxsgusgy4geaumxlgtzy2gkraq5lfvr3"),
    ("dogecoin", "D9HNRJwrVQSiQMWc3JSw3bYaL6DVUzwBfr"),
    ("dogecoin", "9vaYYSZYoxjhrtPuqwnPAbNHJ49wikMDus"),
    ("bitcoin_cash", CASH),
    ("bitcoin_cash", "bitcoincash:pqkhz9jzkuntq3qpvf72n7avxt6us5c0kyrdu3ucq9"),
    ("ethereum", EVM),
    ("bsc", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"),
    ("polygon", "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB"),
    ("avalanche_c", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"),
    ("tron", "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"),
    ("solana", "7v91N7iZ9mNicL8WfG6cgSCKyRXydQjLh6UYBWwm6y1Q"),
    ("xrp", XRP),
    ("stellar", G),
    ("ton", TON),
    ("ton", "UQCh_OQ2OFT_iIz_S454ddYAwmgjkEEqjPebN9CxEUiw-ktF"),
    (
        "cardano",
        "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x",
    ),
    ("cardano", "addr1vx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzers66hrl8"),
    ("cardano", "Ae2tdPwUPEZFRbyhz3cpfC2CumGzNkFBN2L42rcUc2yjQpEkxDbkPodpMAi"),
    ("polkadot", "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"),
    ("cosmos", "cosmos1hsk6jryyqjfhp5dhc55tc9jtckygx0eph6dd02"),
    ("near", "ana.near"),
    ("near", "98793cd91a3f870fb126f66285808c7e094afcfc4eda8a970f6648cdf0dbd6de"),
]
MADE_CANONICAL = [
    ("bitcoin", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    ("bitcoin_cash", CASH.removeprefix("bitcoincash:"), CASH),
    ("bitcoin_cash", CASH.upper(), CASH),
    ("bitcoin_cash", CASH.removeprefix("bitcoincash:").upper(), CASH),
    ("ethereum", EVM.lower(), EVM),
    ("ethereum", EVM.upper(), EVM),
    ("bsc", "0x" + EVM[2:].upper(), EVM),
    ("ton", "EQCh/OQ2OFT/iIz/S454ddYAwmgjkEEqjPebN9CxEUiw+haA", TON),
    ("ton", "0:a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa", TON),
]
REFUSED = [
    ("bitcoin", ""),
    ("bitcoin", "bc1qW508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    # A witness program of a version that means nothing yet, and of lengths that no version has.
    ("bitcoin", "bc1z587wgd3c2nlc3r8lfw88sawkqrpxsgusgy4geaumxlgtzy2gkraqlx7nhl"),
    ("bitcoin", "bc1p94c3vs4hy6cygqtz0j5lhtpj7hy9xra3wvapth"),
    ("bitcoin", "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P"),
    # The checksum of BIP-350 under version 0, and that of BIP-173 under version 1.
    ("bitcoin", "bc1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd"),
    ("bitcoin", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd"),
    ("bitcoin", "tb1p587wgd3c2nlc3r8lfw88sawkqrpxsgusgy4geaumxlgtzy2gkraqqn3nrm"),
    ("bitcoin", "mjfEB76C11ygeTod2HRkKkbJJx5u4rgXRu"),
    ("litecoin", "35qHobVejtroxX2SRp7xvTjubUmuitsaz2"),
    ("bitcoin_cash", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("bitcoin_cash", "bchtest:qqkhz9jzkuntq3qpvf72n7avxt6us5c0kys69eevuy"),
    ("ethereum", "0x" + "0" * 40),
    ("ethereum", EVM[2:]),
    ("ethereum", EVM + "0"),
    ("solana", "1" * 32),
    ("solana", "7v91N7iZ9mNicL8WfG6cgSCKyRXydQjLh6UYBWwm6y1Q1"),
    ("xrp", "TVK3SYvMLZR6rEtLDZh3saYHaqFSeMfyuiuZdqF49Mhpsws"),
    ("stellar", "SAV76USXIJOBMEQXPANUOQM6F5LIOTLPDIDVRJBFFE2MDJXG24TAPUU7"),
    ("ton", "0QCh_OQ2OFT_iIz_S454ddYAwmgjkEEqjPebN9CxEUiw-vDP"),
    ("ton", "EQGh_OQ2OFT_iIz_S454ddYAwmgjkEEqjPebN9CxEUiw-ptc"),
    ("cardano", "addr_test1vzsleepk8p20lzyvla9cu7r46cqvy6prjpqj4r8hnvmapvg9cdxk8"),
    ("cardano", "addr1vzsleepk8p20lzyvla9cu7r46cqvy6prjpqj4r8hnvmapvg7zfte9"),
    ("cardano", "stake1uxsleepk8p20lzyvla9cu7r46cqvy6prjpqj4r8hnvmapvgz6eu9s"),
    ("cardano", "2cWKMJemoBajqDP2xG7p4S5oAEDVQZjApZ2gbkwZ9RZFAWqDbFf6EFarVPSveNYnAksFq"),
    ("polkadot", "GEiMMHsRZk4fQU3JL7bCQDH1ajkdetVwespaZXexqW4qscJ"),
    ("polkadot", "5Fj6h2wzoCj8ukebXdJYJSrGrzTWpz5KVH35BuFhV3Ha6vRD"),
    ("cosmos", "osmo194c3vs4hy6cygqtz0j5lhtpj7hy9xra3w0ha3p"),
    ("near", "ana.testnet"),
    ("near", "Ana.near"),
    ("near", "ana"),
    ("near", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    # Letters that only look Latin.
    ("tron", "\u0422JRabPrwbZy45sbavfcjinPJC18kjpRTv8"),
    ("bitcoin", "bc1qw508d6qejxtdg4y5r3zarvary0\u04415xw7kv8f3t4"),
    ("bitcoin", "9" * 1000),
]


def taken(network, address, memo="", *, is_deposit=False):
    return place_of(network, address=address, memo=memo, is_deposit=is_deposit)


@pytest.mark.parametrize(("network", "address"), AS_THEY_ARE)
def test_an_address_of_the_main_network_is_taken(network, address):
    assert taken(network, f" {address}\n") == Place(address, "")


@pytest.mark.parametrize(("network", "address", "canonical"), MADE_CANONICAL)
def test_one_address_has_one_form(network, address, canonical):
    assert taken(network, address) == Place(canonical, "")


@pytest.mark.parametrize(("network", "address"), REFUSED)
def test_what_is_no_address_of_the_network_is_refused(network, address):
    with pytest.raises(InvalidAddress):
        taken(network, address)


@pytest.mark.parametrize("between", [" ", "\u200b", "\u202e", "\x00", "\n", "\u00a0", "\ufeff"])
def test_nothing_unseen_stands_inside_an_address(between):
    with pytest.raises(InvalidCharacters):
        taken("bitcoin", TAPROOT[:9] + between + TAPROOT[9:])


SOLANA = "7v91N7iZ9mNicL8WfG6cgSCKyRXydQjLh6UYBWwm6y1Q"


@pytest.mark.parametrize(
    ("network", "address", "letter", "twin"),
    [
        ("bitcoin", TAPROOT, "p", "\u0440"),
        ("ethereum", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "a", "\u0430"),
        ("solana", SOLANA, "N", "\u039d"),
        ("solana", SOLANA, "c", "\u0441"),
        ("solana", SOLANA, "7", "\uff17"),
        ("solana", SOLANA, "7", "\u0667"),
    ],
)
def test_a_letter_of_another_script_that_looks_the_same_is_refused(network, address, letter, twin):
    taken(network, address)
    with pytest.raises(InvalidAddress):
        taken(network, address.replace(letter, twin, 1))


CHECKED = [(n, a) for n, a in AS_THEY_ARE if n not in WITHOUT_CHECKSUM] + [
    ("xrp", X_12345),
    ("stellar", M_12345),
]


@pytest.mark.parametrize(("network", "address"), CHECKED)
def test_one_changed_character_is_always_noticed(network, address):
    # Every place and every character, by turns: each address meets them all in a few runs of this list.
    alphabet = string.ascii_letters + string.digits
    for place, right in enumerate(address):
        for step in range(place % 7, len(alphabet), 7):
            wrong = alphabet[step]
            changed = address[:place] + wrong + address[place + 1 :]
            if wrong == right or (network == "bitcoin_cash" and ":" not in changed):
                continue
            with pytest.raises(InvalidAddress):
                taken(network, changed)


@pytest.mark.parametrize("place", [i for i, c in enumerate(EVM) if i > 1 and c.isalpha()])
def test_one_letter_in_the_wrong_case_is_noticed(place):
    with pytest.raises(InvalidAddress):
        taken("ethereum", EVM[:place] + EVM[place].swapcase() + EVM[place + 1 :])


def test_an_address_of_another_network_is_told_by_its_name():
    with pytest.raises(InvalidAddress) as refused:
        taken("ethereum", TAPROOT)
    assert refused.value.looks_like == ("Bitcoin",)
    assert networks_of(EVM) == ("Ethereum", "BNB Smart Chain", "Polygon", "Avalanche C-Chain")
    assert networks_of("7v91N7iZ9mNicL8WfG6cgSCKyRXydQjLh6UYBWwm6y1Q") == ("Solana",)
    assert networks_of("hello") == ()


@pytest.mark.parametrize(
    "address", ["tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "mjfEB76C11ygeTod2HRkKkbJJx5u4rgXRu"]
)
def test_an_address_of_a_test_network_is_told(address):
    with pytest.raises(InvalidAddress) as refused:
        taken("bitcoin", address)
    assert refused.value.is_test


@pytest.mark.parametrize(
    ("network", "address", "memo"),
    [
        ("xrp", XRP, "0"),
        ("xrp", XRP, "4294967295"),
        ("stellar", G, "x" * 28),
        ("stellar", G, "18446744073709551615"),
        ("ton", TON, "deposit 7"),
        ("cosmos", "cosmos1hsk6jryyqjfhp5dhc55tc9jtckygx0eph6dd02", "1234"),
    ],
)
def test_a_memo_that_the_network_knows_is_kept(network, address, memo):
    assert taken(network, address, memo, is_deposit=True).memo == memo


@pytest.mark.parametrize(
    ("network", "address", "memo"),
    [
        ("xrp", XRP, "4294967296"),
        ("xrp", XRP, "-1"),
        ("xrp", XRP, "007"),
        ("xrp", XRP, "\u0661"),
        ("xrp", X_12345, "54321"),
        ("stellar", G, "\u00e9" * 15),
        ("stellar", M_12345, "1"),
        ("ton", TON, "x" * 121),
        ("bitcoin", TAPROOT, "1"),
        ("ethereum", EVM, "1"),
    ],
)
def test_a_memo_that_the_network_cannot_carry_is_refused(network, address, memo):
    with pytest.raises(InvalidMemo):
        taken(network, address, memo)


@pytest.mark.parametrize(
    ("network", "address"), [("xrp", XRP), ("xrp", X_WITHOUT), ("stellar", G), ("ton", TON)]
)
def test_a_deposit_at_an_exchange_needs_the_memo_that_names_its_owner(network, address):
    with pytest.raises(MemoRequired):
        taken(network, address, is_deposit=True)
    assert taken(network, address).memo == ""


@pytest.mark.parametrize(("network", "address", "plain"), [("xrp", X_12345, XRP), ("stellar", M_12345, G)])
def test_an_address_may_carry_its_memo(network, address, plain):
    assert taken(network, address, is_deposit=True) == Place(plain, "12345")
    assert taken(network, address, "12345") == Place(plain, "12345")
