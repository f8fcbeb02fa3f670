"""Order of fields in what TWS sends, as ib_async's decoder reads them; `name<177` is left out from there on.

Repeated groups are sent empty (counts of 0), optional groups are left out.
"""

from __future__ import annotations

from collections.abc import Mapping


def _names(text: str) -> list[str]:
    return text.split()


CONTRACT = _names("""
conId symbol secType lastTrade strike right multiplier exchange currency localSymbol tradingClass
""")
OPEN_ORDER = _names("""
action qty type lmt aux tif ocaGroup account openClose origin ref clientId permId outsideRth hidden
discretionary goodAfter shares faGroup faMethod faPercent faProfile<177 model goodTill rule80A
percentOffset settlingFirm shortSlot designated exempt auction startPrice stockRef delta rangeLow
rangeHigh display block sweep allOrNone minQty ocaType eTrade firmQuote nbboCap parentId trigger
volatility volType dnType dnAux continuous refPrice trailStop trailPercent basis basisType legsText
nLegs nOrderLegs nSmart scaleInit scaleSubs scaleInc hedge optOut clearAccount clearIntent notHeld dnc
algo solicited whatIf status m1 m2 m3 m4 m5 m6 m7 m8 m9 commission minComm maxComm commCurrency warning
randSize randPrice nConditions adjType triggerPrice trailStop2 lmtOffset adjStop adjStopLimit adjTrail
adjUnit tierName tierVal tierShown cashQty noAutoHedge isOms discLimit usePrice duration postToAts
autoCancelParent minTrade minCompete against midWhole midHalf
""")
COMPLETED_ORDER = _names("""
action qty type lmt aux tif ocaGroup account openClose origin ref permId outsideRth hidden discretionary
goodAfter faGroup faMethod faPercent faProfile<177 model goodTill rule80A percentOffset settlingFirm
shortSlot designated exempt startPrice stockRef delta rangeLow rangeHigh display sweep allOrNone minQty
ocaType trigger volatility volType dnType dnAux continuous refPrice trailStop trailPercent legsText
nLegs nOrderLegs nSmart scaleInit scaleSubs scaleInc hedge clearAccount clearIntent notHeld dnc algo
solicited status randSize randPrice nConditions trailStop2 lmtOffset cashQty noAutoHedge isOms
autoCancelDate filledQty refFutures autoCancelParent shareholder imbalanceOnly routeBbo parentPermId
completedTime completedStatus minTrade minCompete against midWhole midHalf
""")
_ZEROES = set(
    _names("""
origin outsideRth hidden discretionary shortSlot auction display block sweep allOrNone ocaType eTrade
firmQuote trigger continuous refPrice nLegs nOrderLegs nSmart optOut notHeld dnc solicited whatIf
randSize randPrice nConditions noAutoHedge isOms discLimit usePrice autoCancelParent imbalanceOnly
routeBbo parentPermId refFutures
""")
)


def table(names: list[str], known: Mapping[str, object], version: int) -> list[object]:
    """The known values at their places, what is unknown empty or zero."""
    values: list[object] = []
    for name in names:
        plain, _, before = name.partition("<")
        if not before or version < int(before):
            values.append(known.get(plain, 0 if plain in _ZEROES else ""))
    return values


def order_terms(values: list[str], version: int) -> tuple[dict[str, str], dict[str, str]]:
    """Contract and terms of a place-order message."""
    shift = 1 if version < 177 else 0
    contract = dict(zip(CONTRACT, [*values[2:10], *values[11:14]], strict=True))
    terms = {
        "action": values[16],
        "qty": values[17],
        "type": values[18],
        "lmt": values[19],
        "aux": values[20],
        "tif": values[21] or "DAY",
        "ocaGroup": values[22],
        "account": values[23],
        "ref": values[26],
        "transmit": values[27],
        "parentId": values[28] if values[28] != "0" else "",
        "outsideRth": values[33],
        "goodTill": values[38],
        "ocaType": values[46 + shift],
        "trailStop": values[68 + shift],
        "trailPercent": values[69 + shift],
    }
    return contract, terms


def text(value: object) -> str:
    return "" if value is None else str(value)
