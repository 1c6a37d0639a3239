"""Makes a golden data folder: what a build leaves behind, to be opened by every later build.

    python3 make.py PROGRAM CHRONOPAY.wasm ROBOKASSA.wasm FOLDER

Starts PROGRAM on a new folder and has it do a bit of everything; then the database is made small, and the components are compressed,
since only their bytes must be the same again. What the program showed is kept beside it, in expected.json. Standard library only."""
import gzip, hashlib, http.client, json, os, pathlib, re, shutil, signal, sqlite3, subprocess, sys, urllib.parse

program, chronopay, robokassa, folder = sys.argv[1:]
folder = pathlib.Path(folder)
data = folder / "data"
data.mkdir(parents=True)
PASSWORD, SHARED_SEC, PASSWORD_1, PASSWORD_2 = "correct horse battery", "TestSharedSec001", "TestPassword1", "TestPassword2"
subprocess.run([program, "operator", "anna", "--data", data], input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL)
command = [program, "serve", "--data", data, "--listen", "127.0.0.1:0", "--public-url", "https://billing.example.ru",
           "--component", f"chronopay={chronopay}", "--component", f"robokassa={robokassa}"]
host = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
port = int(re.search(r":(\d+)$", host.stdout.readline().strip())[1])
token = (data / "token").read_text().strip()

def request(method, path, body=None, headers=None, statuses=(200, 204)):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status in statuses, (method, path, answer.status, text)
    return text

def api(method, path, record=None, **headers):
    headers |= {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    text = request(method, "/api/v1" + path, None if record is None else json.dumps(record), headers)
    return json.loads(text) if text else None

def rub(kopecks):
    return {"minor_units": kopecks, "currency": "RUB"}

def order(account, kopecks, provider):
    record = {"account": account, "amount": rub(kopecks), "description": "Пополнение баланса", "provider": provider}
    return api("POST", "/links", record)["order"]

def form(fields):
    return urllib.parse.urlencode(list(fields.items()))

def tell(provider, body, statuses=(200,)):
    request("POST", "/callbacks/" + provider, body, {"Content-Type": "application/x-www-form-urlencoded"}, statuses)

def tell_chronopay(of_order, total, transaction, customer="001234-100000062", kind="Purchase", statuses=(200,)):
    # The signature is over these four, one after the other.
    signed = SHARED_SEC + customer + transaction + kind + total
    tell("chronopay", form({
        "transaction_type": kind, "customer_id": customer, "site_id": "001234-0001", "product_id": "001234-0001-0001",
        "transaction_id": transaction, "cs1": of_order, "total": total, "currency": "RUB", "name": "IVAN PETROV",
        "sign": hashlib.md5(signed.encode()).hexdigest()}), statuses)

def tell_robokassa(of_order, total):
    signed = f"{total}:{of_order}:{PASSWORD_2}:Shp_order={of_order}"
    digest = hashlib.md5(signed.encode()).hexdigest().upper()
    tell("robokassa", form({"OutSum": total, "InvId": of_order, "Shp_order": of_order, "SignatureValue": digest}))

api("PUT", "/providers/chronopay/settings", {"product-id": "001234-0001-0001", "shared-sec": SHARED_SEC})
api("PUT", "/providers/robokassa/settings", {"merchant-login": "shop", "password-1": PASSWORD_1, "password-2": PASSWORD_2})
api("PUT", "/seller", {"kind": "company", "name": "ООО «Связь»", "inn": "7707083893", "kpp": "770701001"})
api("PUT", "/accounts/100500", {"name": "Иванов Иван Иванович", "kind": "individual", "contract": "Д-17"})
api("PUT", "/accounts/100501", {"name": "ООО «Вега»", "kind": "company", "contract": "Д-18", "inn": "7736207543", "kpp": "773601001"})

first, second, other, open_order = order("100500", 10000, "chronopay"), order("100500", 25050, "robokassa"), \
    order("100501", 70000, "chronopay"), order("100501", 5000, "chronopay")
tell_chronopay(first, "100.00", "56244472")
tell_chronopay(first, "100.00", "56244472")
tell_robokassa(second, "250.500000")
tell_chronopay(other, "700.00", "56244473")
tell_chronopay(other, "50.00", "56244473", kind="Refund")
# An order that is paid, one of another amount, and none: two wait, and one is credited by hand.
tell_chronopay(first, "100.00", "56244474")
tell_chronopay(open_order, "49.00", "56244475")
tell_chronopay("42", "33.00", "56244476")
waiting = api("GET", "/unmatched")
credited = next(event for event in waiting["unmatched"] if event["transaction"] == "56244476")
api("POST", f"/unmatched/{credited['id']}/credit", {"account": "100501", "operator": "anna", "comment": "звонил абонент"})
# Signed, and of a customer in a form that is not known.
tell_chronopay(first, "100.00", "56244477", customer="001234-1000000620", statuses=(200, 403))
writeoffs = [{"id": f"2026-10-{account}", "account": account, "service_code": "internet", "service": "Доступ в интернет", "unit": "мес",
              "period": "2026-10-01", "date": "2026-10-31", "quantity_thousandths": 1000, "amount": rub(kopecks), "vat_basis_points": 2200}
             for account, kopecks in (("100500", 12000), ("100501", 36000))]
api("POST", "/writeoffs", {"writeoffs": writeoffs})
api("POST", "/accounts/100500/corrections", {"amount": rub(1500), "operator": "anna", "comment": "бонус"}, **{"Idempotency-Key": "bonus-1"})
api("GET", "/exports/writeoffs/manifest?from=2026-10-01&to=2026-10-31&provider=chronopay")

expected = {path: api("GET", path) for path in
            ("/accounts/100500", "/accounts/100501", "/entries", "/unmatched", "/unrecognized", f"/orders/{first}", f"/orders/{open_order}")}
host.send_signal(signal.SIGTERM)
assert host.wait() == 0

database = sqlite3.connect(data / "ledger.db")
assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
hours = database.execute("SELECT kind, provider, currency, sum(count), sum(minor_units) FROM hours GROUP BY 1, 2, 3 ORDER BY 1, 2, 3")
expected["statistics"] = [list(row) for row in hours]
database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
database.execute("VACUUM")
database.close()
for component in (data / "components").iterdir():
    (component.parent / (component.name + ".gz")).write_bytes(gzip.compress(component.read_bytes(), 9, mtime=0))
    component.unlink()
for name in ("ledger.db-wal", "ledger.db-shm"):
    (data / name).unlink(missing_ok=True)
(folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")
