// npm test: what `host-harness check` does not see, such as the replies.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Asking } from "../src/asking.js";
import { handle } from "../src/callback.js";
import { readSettings } from "../src/settings.js";

const vectors = JSON.parse(readFileSync(new URL("../vectors.json", import.meta.url), "utf8"));
const settings = readSettings(Object.entries(vectors.settings));
const check = vectors.callbacks.find(({ name }) => name === "a check of an order that can be paid").request.body;

const RUB = (minorUnits) => ({ minorUnits, currency: "RUB" });
const open = { amount: RUB(10000), paidBy: null, heldBy: null, closedAt: null };
const paid = { ...open, paidBy: { movement: 0, later: [] } };
const order = (id, state) => ({ tag: "order", val: [id, { tag: "ok", val: state }] });
const unanswered = (reason) => ({ tag: "order", val: ["42", { tag: "err", val: reason }] });

function step(body, asked = [], method = "POST") {
  const request = { method: method.toLowerCase(), body: new TextEncoder().encode(body) };
  return handle(settings, request, new Asking(asked));
}

test("the vectors get their verdicts", () => {
  for (const { name, request, answers = [], verdict, code } of vectors.callbacks) {
    const state = ({ amount, paid: isPaid, closed_at }) => ({
      ...(isPaid ? paid : open),
      amount: RUB(amount.minor_units),
      closedAt: closed_at ?? null,
    });
    const asked = answers.map((answer) => order(answer.order, answer.is && state(answer.is)));
    const { tag, val } = step(request.body, asked, request.method);
    // The host asks and finds nobody who answers.
    const is = { answered: "answered", ask: "unavailable", done: val.verdict?.tag };
    assert.equal(is[tag], verdict, name);
    assert.equal(val.verdict?.val.code, code, name);
  }
});

test("a check asks for its order", () => {
  for (const asked of [[], [order("41", open)]]) {
    assert.deepEqual(step(check, asked), { tag: "ask", val: [{ tag: "order", val: "42" }] });
  }
});

test("a check is answered by the order", () => {
  const no = (reason) => ({ accept: false, reason });
  for (const [state, want] of [
    [open, { accept: true }],
    [null, no("unknown-order")],
    [paid, no("order-paid")],
    [{ ...paid, closedAt: 1 }, no("order-paid")],
    [{ ...open, closedAt: 1 }, no("order-expired")],
    [{ ...open, amount: RUB(9999) }, no("amount-mismatch")],
    [{ ...open, amount: RUB(10001) }, no("amount-mismatch")],
    [{ ...open, amount: { minorUnits: 10000, currency: "USD" } }, no("amount-mismatch")],
  ]) {
    // The answer to another question comes first.
    const { tag, val } = step(check, [order("41", paid), order("42", state)]);
    assert.equal(tag, "answered");
    assert.deepEqual([val.status, val.headers], [200, [["content-type", "application/json"]]]);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(val.body)), want);
  }
});

test("a check waits for a host that cannot answer", () => {
  for (const reason of ["unavailable", "unsupported"]) {
    const { tag, val } = step(check, [unanswered(reason)]);
    assert.deepEqual([tag, val.status], ["unavailable", 503]);
  }
});

test("a forged check asks nothing", () => {
  for (const [from, to] of [
    ["order_id=42", "order_id=43"],
    ["amount=100.00", "amount=200.00"],
    ["signature=", "signature=0"],
    ["&signature=", "&unsigned="],
    ["type=check", "type=check&type=payment"],
  ]) {
    const forged = check.replace(from, to);
    assert.notEqual(forged, check);
    assert.equal(step(forged).val.verdict.tag, "refused", to);
  }
});
