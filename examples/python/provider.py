"""A payment provider's component in Python, unchanged: configured, asked for a link, and given genuine and forged callbacks.

    cargo xtask build && cd examples/python && python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python provider.py

wasmtime-py calls the component by its types: a record is an object whose attributes have the contract's names, with their hyphens;
a variant has `tag` and `payload`; a result is the value of either case. Fuel bounds the work here; a host that loads others'
components bounds time, memory and sizes too, as the crate `sandbox` does.
"""

import json
import sys
from pathlib import Path

from wasmtime import Config, Engine, Store
from wasmtime.component import Component, Linker, Record

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = "billing:payments/payment-provider@1.0.0"
FUEL = 10_000_000


def record(**fields):
    """A record; an underscore in a name here is a hyphen in the contract."""
    made = Record()
    for name, value in fields.items():
        setattr(made, name.replace("_", "-"), value)
    return made


class Provider:
    """A component in an instance of its own."""

    def __init__(self, path):
        config = Config()
        config.consume_fuel = True
        engine = Engine(config)
        component = Component(engine, path.read_bytes())
        require(not component.type.imports(engine), "a provider imports nothing")
        self.store = Store(engine)
        self.store.set_fuel(FUEL)
        self.instance = Linker(engine).instantiate(self.store, component)
        self.contract = self.instance.get_export_index(self.store, CONTRACT)
        require(self.contract, f"the component does not export {CONTRACT}")

    def call(self, function, *arguments):
        self.store.set_fuel(FUEL)
        found = self.instance.get_func(self.store, self.instance.get_export_index(self.store, function, self.contract))
        return found(self.store, *arguments)


def require(holds, message):
    """An assertion that also holds under `python -O`."""
    if not holds:
        sys.exit(f"provider.py: {message}")


def order(minor_units):
    return record(
        id="42", account="100500", amount=record(minor_units=minor_units, currency="RUB"), description="", language="",
        callback_url="", success_url="", failure_url="", expires_at=None, payer=[], receipt=None, extra=[],
    )


def callback(body):
    headers = [("content-type", "application/x-www-form-urlencoded")]
    return record(
        method="post", path="", query="", headers=headers, body=body.encode(), remote_address="", received_at=0, extra=[],
    )


def main():
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "target/components/chronopay.wasm"
    vectors = json.loads((ROOT / "tests/data/chronopay/vectors.json").read_text())
    provider = Provider(path)
    description = provider.call("describe")
    print(description.name, description.version)

    problems = provider.call("[static]merchant.configure", [("product-id", "001234-0001-0001")])
    found = [(problem.code, problem.field) for problem in problems]
    require(found == [("setting-missing", "shared-sec")], f"a merchant without a secret: {found}")
    merchant = provider.call("[static]merchant.configure", list(vectors["settings"].items()))

    link = provider.call("[method]merchant.create-link", merchant, order(10_000))
    print(link.url)
    fields = dict(link.form.inputs)
    sign = next(request["sign"] for request in vectors["requests"] if request["name"] == "basic")
    require((fields["product_price"], fields["cs1"], fields["sign"]) == ("100.00", "42", sign), f"the link is {fields}")

    happened = 0
    for sample in vectors["callbacks"]:
        answer = provider.call("[method]merchant.handle-callback", merchant, callback(sample["body"]))
        told = (answer.verdict.tag, answer.reply.status)
        want = (sample["verdict"], 403 if sample["verdict"] == "refused" else 200)
        require(told == want, f"{sample['name']}: {told}, not {want}")
        if answer.verdict.tag == "happened":
            (event,) = answer.verdict.payload
            amount = (event.kind, getattr(event.amount, "minor-units"), event.amount.currency)
            require(amount == (sample["kind"], 10_000, "RUB"), f"{sample['name']}: {amount}")
            happened += 1
    require(happened > 0, "no callback happened")

    genuine = vectors["callbacks"][0]["body"]
    forged = genuine.replace("total=100.00", "total=1000.00")
    require(forged != genuine, "the first callback has another total")
    verdict = provider.call("[method]merchant.handle-callback", merchant, callback(forged)).verdict
    require((verdict.tag, verdict.payload.code) == ("refused", "signature-mismatch"), f"a forged callback is {verdict.tag}")
    print(f"{len(vectors['callbacks'])} callbacks judged, {happened} happened; a forged one is refused")


if __name__ == "__main__":
    main()
