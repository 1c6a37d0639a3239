#!/usr/bin/env python3
"""Compares an EnterpriseData export with the write-offs that it was made of, in decimal arithmetic and without the project's code.

reread.py ROWS.jsonl MODE MANIFEST.json: exit code 0 where every document has its write-offs, to the kopeck.
"""
import collections
import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def vat_within(amount, rate):
    """Half a kopeck is rounded away from zero."""
    return (amount * rate / (100 + rate)).quantize(CENT, ROUND_HALF_UP) if rate else Decimal("0.00")


def expected(rows, mode):
    """Every line's amount, and its VAT, by document and VAT rate: {(account, contract): {(service, rate): ...}}."""
    lines = collections.defaultdict(lambda: [Decimal(0), Decimal(0)])
    with open(rows, encoding="utf-8") as file:
        for text in file:
            row = json.loads(text)
            amount = Decimal(row["amount"]["minor_units"]) / 100
            points = row.get("vat_basis_points")
            rate = None if points is None else Decimal(points) / 100
            summed = mode == "summary-individuals" and row["subscriber"]["kind"] == "individual"
            key = "individuals" if summed else (row["account"], row.get("contract", ""), row.get("contract_date"))
            line = lines[key, row.get("service_code") or row["service"], rate]
            line[0] += amount
            line[1] += vat_within(amount, rate)
    documents = collections.defaultdict(collections.Counter)
    for (key, _, rate), (amount, vat) in lines.items():
        if key != "individuals":
            vat = vat_within(amount, rate)
        documents[key][rate, amount, vat] += 1
    return collections.Counter(frozenset(document.items()) for document in documents.values())


def found(path):
    """The same of a file: what each document's lines are, whatever the document is called."""
    documents = collections.Counter()
    lines = collections.Counter()
    total = Decimal(0)
    rates = {"НДС20": Decimal(20), "НДС10": Decimal(10), "НДС0": Decimal(0), "БезНДС": None}
    for _, element in ElementTree.iterparse(path):
        name = element.tag.partition("}")[2]
        space = element.tag.partition("}")[0] + "}"
        if name == "Строка":
            rate = element.find(f"{space}СтавкаНДС")
            structured = rate.findtext(f"{space}Ставка")
            rate = rates[rate.text] if rate.text else (None if structured is None else Decimal(structured))
            amount = Decimal(element.findtext(f"{space}Сумма"))
            lines[rate, amount, Decimal(element.findtext(f"{space}СуммаНДС"))] += 1
            total += amount
        elif name.startswith("Документ."):
            if Decimal(element.findtext(f"{space}Сумма")) != total:
                sys.exit(f"{path}: a document's sum is not that of its lines")
            documents[frozenset(lines.items())] += 1
            lines, total = collections.Counter(), Decimal(0)
        if name.startswith(("Документ.", "Справочник.")):
            element.clear()
    return documents


def main():
    rows, mode, manifest_path = sys.argv[1:]
    manifest = json.loads(pathlib.Path(manifest_path).read_text(encoding="utf-8"))
    want, got = expected(rows, mode), collections.Counter()
    for file in manifest["files"]:
        got += found(pathlib.Path(manifest_path).parent / file["name"])
    if want != got:
        example = next(iter((want - got) or (got - want)))
        sys.exit(f"{manifest_path}: documents differ from their write-offs, such as {sorted(example, key=str)}")
    lines = [(line, count * times) for document, times in got.items() for line, count in document]
    sums = sum(got.values()), sum(a * n for (_, a, _), n in lines) * 100, sum(v * n for (_, _, v), n in lines) * 100
    told = manifest["documents"], manifest["amount"]["minor_units"], manifest["vat_minor_units"]
    if told != sums:
        sys.exit(f"{manifest_path}: it says {told}, the files have {sums}")


main()
