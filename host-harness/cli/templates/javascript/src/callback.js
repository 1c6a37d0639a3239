// What a request at the callback address proves: decode, verify, read, map.

import { problem } from "./problem.js";
import { CURRENCY } from "./settings.js";
import { parseForm } from "./form.js";
import { matches, sign } from "./sign.js";
import { parseAmount } from "./amount.js";
import { isOrderId } from "./link.js";

/**
 * Example Pay sends less than 1 KiB, and signs less than 160 characters of it. What is larger is not read or hashed: the host
 * gives a call so much fuel and no more, and an interpreter needs a hundred times that of compiled code.
 */
const BODY_BYTES_MAX = 2048;
const SIGNED_CHARS_MAX = 160;

/** The fields of a callback, in the order in which they are signed. */
const SIGNED = ["merchant_id", "order_id", "transaction_id", "type", "amount", "currency", "paid_at"];

/** The grammars of what is signed: each value can be written in one way only. */
const FORMS = {
  order_id: isOrderId,
  transaction_id: (text) => /^[0-9]{1,20}$/.test(text),
  type: (text) => /^[a-z]{1,20}$/.test(text),
  amount: (text) => parseAmount(text) !== null,
  currency: (text) => /^[A-Z]{3}$/.test(text),
  paid_at: (text) => /^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z$/.test(text),
};

/** The verdict. Any bytes get one. */
export function judge(settings, request) {
  const refused = (code, field, message) => ({ tag: "refused", val: problem(code, field, message) });
  const unresolved = (code, field, message) => ({ tag: "unresolved", val: problem(code, field, message) });
  const ignored = (code, field, message) => ({ tag: "ignored", val: problem(code, field, message) });

  // 1. Decode.
  if (request.method !== "post" || request.body.length > BODY_BYTES_MAX) {
    return refused("malformed", null, `It is no POST with a form of at most ${BODY_BYTES_MAX} bytes, as Example Pay sends.`);
  }
  const { form, code, field } = parseForm(request.body, [...SIGNED, "signature"]);
  if (code === "malformed") return refused(code, field, "A field is not UTF-8 in percent codes, or there are too many.");
  if (code === "field-conflict") return refused(code, field, "The field stands twice, with two values.");
  const value = (name) => form.get(name) ?? "";
  const signed = SIGNED.map(value);
  const joined = signed.join("");
  if (joined.length > SIGNED_CHARS_MAX || !/^[\x20-\x7e]*$/.test(joined)) {
    return refused("malformed", null, "The signed fields are longer than Example Pay's can be, or not plain ASCII.");
  }

  // 2. Verify, before anything is believed.
  if (value("signature") === "") {
    return refused("signature-missing", "signature", "The request has no signature: it is not Example Pay's.");
  }
  if (!matches(sign(settings.secretKey, signed), value("signature"))) {
    const message = "The signature does not hold: the request is forged, or the secret key is not Example Pay's.";
    return refused("signature-mismatch", "signature", message);
  }

  // 3. Read. What is proved and not understood is never dropped: the host keeps what is unresolved for a person.
  if (value("merchant_id") !== settings.merchantId) {
    return unresolved("merchant-mismatch", "merchant_id", "Genuine, but of another merchant than the settings name.");
  }
  for (const [name, isKnown] of Object.entries(FORMS)) {
    if (!isKnown(value(name))) {
      const message = "The signature holds, but the field has a form that is not known. Example Pay may have changed it.";
      return unresolved("unrecognized-form", name, message);
    }
  }
  if (value("currency") !== CURRENCY) {
    return unresolved("currency-mismatch", "currency", "Genuine, but in another currency than the settings name.");
  }

  // 4. Map. What is not known is never a payment.
  const kind = value("type");
  if (kind === "test") return ignored("test-callback", "type", "A test call from Example Pay's cabinet.");
  if (kind !== "payment" && kind !== "refund") {
    return unresolved("unknown-type", "type", "Genuine, of a type that is not known; nothing is credited.");
  }
  const minorUnits = parseAmount(value("amount"));
  if (minorUnits === 0) return ignored("no-money-moved", "amount", "Genuine, and of nothing: no money moved.");
  return {
    tag: "accepted",
    val: {
      kind,
      recurrence: "single",
      transaction: value("transaction_id"),
      order: value("order_id"),
      payer: null,
      amount: { minorUnits, currency: CURRENCY },
      occurredAt: value("paid_at"),
      comment: settings.comment,
      // Of signed values only. A transaction is one movement of money, whatever else is said of it.
      dedupKey: `${kind}:${value("transaction_id")}`,
      extra: [],
    },
  };
}
