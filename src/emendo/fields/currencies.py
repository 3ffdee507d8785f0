"""Currencies: the codes of ISO 4217 with the decimals of each, and the signs that are printed for them."""

from __future__ import annotations

from collections.abc import Mapping

_TWO = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY
COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS
INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR
MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD
SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"

DECIMALS: Mapping[str, int] = {
    **dict.fromkeys(_TWO.split(), 2),
    **dict.fromkeys(_NONE.split(), 0),
    **dict.fromkeys(_THREE.split(), 3),
}
"""Decimals of an amount by the code of its currency."""
USUAL = 2
"""Decimals where the currency is not known."""

SIGNS: Mapping[str, str] = {"€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₫": "VND", "₪": "ILS", "₺": "TRY"}
"""Signs that stand for one currency only ($ and ¥ stand for several)."""
WORDS: Mapping[str, str] = {"RM": "MYR", "ZŁ": "PLN", "KČ": "CZK", "FT": "HUF", "R$": "BRL", "S$": "SGD", "US$": "USD"}
"""The same in letters, in capitals."""
UNTOLD = frozenset({"$", "¥", "KR", "FR", "RS", "RS."})
"""What may stand beside an amount and does not tell the currency."""


def decimals_of(currency: str | None) -> int:
    """Decimals of an amount in a currency; the usual two when it is not known."""
    return DECIMALS.get(currency or "", USUAL)


def currency_of(text: str) -> str:
    """The code that a text means: itself, or what its sign stands for. Raises ValueError when that is none."""
    plain = text.strip().upper()
    code = SIGNS.get(plain) or WORDS.get(plain) or plain
    if code in DECIMALS:
        return code
    if plain in UNTOLD:
        raise ValueError(f"{text.strip()} stands for several currencies; write the code, as USD")
    raise ValueError(f"{text.strip()[:40]!r} is no currency code of ISO 4217, as EUR")
