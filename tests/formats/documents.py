"""Small data sets of receipts and invoices in the layouts of others."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pypdfium2

V2 = """<?xml version="1.0"?><r:CrossIndustryInvoice xmlns:r="urn:r" xmlns="urn:a">
<ExchangedDocument><ID>F-7</ID><TypeCode>381</TypeCode>
<IssueDateTime><DateTimeString format="102">20240229</DateTimeString></IssueDateTime></ExchangedDocument>
<SupplyChainTradeTransaction><IncludedSupplyChainTradeLineItem>
<SpecifiedTradeProduct><Name>Shelf  oak</Name></SpecifiedTradeProduct>
<SpecifiedLineTradeAgreement><NetPriceProductTradePrice><ChargeAmount>5.5000</ChargeAmount></NetPriceProductTradePrice>
</SpecifiedLineTradeAgreement><SpecifiedLineTradeDelivery><BilledQuantity>2.0000</BilledQuantity></SpecifiedLineTradeDelivery>
<SpecifiedLineTradeSettlement><ApplicableTradeTax><RateApplicablePercent>19</RateApplicablePercent></ApplicableTradeTax>
<SpecifiedTradeSettlementLineMonetarySummation><LineTotalAmount>11.00</LineTotalAmount>
</SpecifiedTradeSettlementLineMonetarySummation></SpecifiedLineTradeSettlement></IncludedSupplyChainTradeLineItem>
<ApplicableHeaderTradeAgreement><SellerTradeParty><Name>Seller Ltd</Name><PostalTradeAddress>
<PostcodeCode>1000</PostcodeCode><LineOne>Mill 1</LineOne><CityName>Town</CityName></PostalTradeAddress>
<SpecifiedTaxRegistration><ID schemeID="VA">DE123456789</ID></SpecifiedTaxRegistration></SellerTradeParty>
<BuyerTradeParty><Name>Buyer</Name></BuyerTradeParty></ApplicableHeaderTradeAgreement>
<ApplicableHeaderTradeSettlement><InvoiceCurrencyCode>EUR</InvoiceCurrencyCode>
<ApplicableTradeTax><CalculatedAmount>2.09</CalculatedAmount><BasisAmount>11.00</BasisAmount>
<RateApplicablePercent>19.00</RateApplicablePercent></ApplicableTradeTax>
<SpecifiedTradeSettlementHeaderMonetarySummation><ChargeTotalAmount>0.00</ChargeTotalAmount>
<TaxBasisTotalAmount>11.00</TaxBasisTotalAmount><TaxTotalAmount>2.09</TaxTotalAmount>
<GrandTotalAmount>13.09</GrandTotalAmount></SpecifiedTradeSettlementHeaderMonetarySummation>
</ApplicableHeaderTradeSettlement></SupplyChainTradeTransaction></r:CrossIndustryInvoice>"""


def receipts(folder: Path) -> Path:
    for name in ("key", "box", "img"):
        (folder / name).mkdir(parents=True)
    for number in ("001", "002"):
        cv2.imwrite(str(folder / "img" / f"{number}.jpg"), np.full((40, 60), 255, np.uint8))
        keys = {"company": " TAN SHOP ", "date": "25/12/2018", "address": "", "total": "9.00"}
        (folder / "key" / f"{number}.txt").write_text(json.dumps(keys), encoding="utf-8")
        (folder / "box" / f"{number}.csv").write_text("1,1,20,1,20,9,1,9,TAN, SHOP\n", encoding="utf-8")
    return folder


def invoices(folder: Path) -> Path:
    """One PDF that carries its XML."""
    document = pypdfium2.PdfDocument.new()
    document.new_page(200, 200)
    document.new_attachment("factur-x.xml").set_data(V2.encode())
    document.save(folder / "F-7.pdf")
    return folder
