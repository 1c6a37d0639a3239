// A payment provider's component in Node.js, unchanged: configured, asked for a link, and given genuine and forged callbacks.
//
//   cargo xtask build && cd examples/node && npm ci && node provider.js
//
// jco-transpile makes a JavaScript module and a core WebAssembly module of the component. The contract's names are in camelCase,
// a result is a returned value or a thrown one, 64-bit integers are BigInt. There are no limits of fuel, time or memory here: a
// host that loads others' components uses the crate `sandbox`.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transpile, writeFiles } from "@bytecodealliance/jco-transpile";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const component = process.argv[2] ?? here("../../target/components/chronopay.wasm");
const vectors = JSON.parse(await readFile(here("../../tests/data/chronopay/vectors.json"), "utf8"));

// The module is generated beside this file, from where its own imports would be found; it has none.
const folder = await mkdtemp(here("generated-"));
try {
  const { files, imports } = await transpile(component, { name: "provider", outDir: folder });
  assert.deepEqual(imports, [], "a provider imports nothing");
  await writeFiles(files);
  const { paymentProvider } = await import(pathToFileURL(join(folder, "provider.js")));
  use(paymentProvider);
} finally {
  await rm(folder, { recursive: true });
}

function use({ describe, Merchant }) {
  const { name, version } = describe();
  console.log(`${name} ${version}`);

  assert.throws(
    () => Merchant.configure([["product-id", "001234-0001-0001"]]),
    ([problem]) => problem.code === "setting-missing" && problem.field === "shared-sec",
  );
  const merchant = Merchant.configure(Object.entries(vectors.settings));

  const link = merchant.createLink(order(10_000n));
  console.log(link.url);
  const fields = Object.fromEntries(link.form.inputs);
  const { sign } = vectors.requests.find((request) => request.name === "basic");
  assert.deepEqual([fields.product_price, fields.cs1, fields.sign], ["100.00", "42", sign]);

  let happened = 0;
  for (const { name, body, verdict, kind } of vectors.callbacks) {
    const answer = merchant.handleCallback(callback(body));
    assert.equal(answer.verdict.tag, verdict, name);
    assert.equal(answer.reply.status, verdict === "refused" ? 403 : 200, name);
    if (verdict !== "happened") continue;
    const [event] = answer.verdict.val;
    assert.deepEqual([event.kind, event.amount], [kind, { minorUnits: 10_000n, currency: "RUB" }], name);
    happened += 1;
  }
  assert.ok(happened > 0);

  const genuine = vectors.callbacks[0].body;
  const forged = genuine.replace("total=100.00", "total=1000.00");
  assert.notEqual(forged, genuine);
  const { verdict } = merchant.handleCallback(callback(forged));
  assert.deepEqual([verdict.tag, verdict.val.code], ["refused", "signature-mismatch"]);
  console.log(`${vectors.callbacks.length} callbacks judged, ${happened} happened; a forged one is refused`);
}

function order(minorUnits) {
  return {
    id: "42",
    account: "100500",
    amount: { minorUnits, currency: "RUB" },
    description: "",
    language: "",
    callbackUrl: "",
    successUrl: "",
    failureUrl: "",
    expiresAt: undefined,
    payer: [],
    receipt: undefined,
    extra: [],
  };
}

function callback(body) {
  const headers = [["content-type", "application/x-www-form-urlencoded"]];
  return {
    method: "post",
    path: "",
    query: "",
    headers,
    body: new TextEncoder().encode(body),
    remoteAddress: "",
    receivedAt: 0n,
    extra: [],
  };
}
