// What a request at the callback address proves, or asks: decode, verify, read, map.

import { Stop } from "./asking.js";
import { answer, refusal } from "./check.js";
import { forbidden, received, unavailable } from "./reply.js";
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

/** What a request is, or the question that comes first. Any bytes get an answer. */
export function handle(settings, request, asking) {
  try {
    return judge(settings, request, asking);
  } catch (stop) {
    if (!(stop instanceof Stop)) throw stop;
    return stop.questions === null ? { tag: "unavailable", val: unavailable() } : { tag: "ask", val: stop.questions };
  }
}

function judge(settings, request, asking) {
  const done = (verdict, reply) => ({ tag: "done", val: { verdict, reply } });
  const noted = (tag, reply) => (code, field, ru, en) => done({ tag, val: problem(code, field, ru, en) }, reply);
  const refused = noted("refused", forbidden());
  const unresolved = noted("unresolved", received());
  const ignored = noted("ignored", received());

  // 1. Decode.
  if (request.method !== "post" || request.body.length > BODY_BYTES_MAX) {
    return refused(
      "malformed", null,
      `Это не POST с формой не длиннее ${BODY_BYTES_MAX} байт, какие шлёт Example Pay.`,
      `It is no POST with a form of at most ${BODY_BYTES_MAX} bytes, as Example Pay sends.`,
    );
  }
  const { form, code, field } = parseForm(request.body, [...SIGNED, "signature"]);
  if (code === "malformed") {
    const [ru, en] = ["Поле не в UTF-8 с процентами, или полей слишком много.", "A field is not UTF-8 in percent codes, or there are too many."];
    return refused(code, field, ru, en);
  }
  if (code === "field-conflict") {
    return refused(code, field, "Поле дано дважды, с двумя значениями.", "The field is given twice, with two values.");
  }
  const value = (name) => form.get(name) ?? "";
  const signed = SIGNED.map(value);
  const joined = signed.join("");
  if (joined.length > SIGNED_CHARS_MAX || !/^[\x20-\x7e]*$/.test(joined)) {
    return refused(
      "malformed", null,
      "Подписанные поля длиннее, чем бывают у Example Pay, или не ASCII.",
      "The signed fields are longer than Example Pay's can be, or not plain ASCII.",
    );
  }

  // 2. Verify, before anything is believed or asked: whoever cannot sign must not make the host answer questions.
  if (value("signature") === "") {
    return refused(
      "signature-missing", "signature",
      "В запросе нет подписи: он не от Example Pay.",
      "The request has no signature: it is not Example Pay's.",
    );
  }
  if (!matches(sign(settings.secretKey, signed), value("signature"))) {
    return refused(
      "signature-mismatch", "signature",
      "Подпись неверна: запрос подделан, или введён не тот секретный ключ.",
      "The signature does not hold: the request is forged, or the secret key is not Example Pay's.",
    );
  }

  // 3. Read. What is proved and not understood is never dropped: the host keeps what is unresolved for a person.
  if (value("merchant_id") !== settings.merchantId) {
    return unresolved(
      "merchant-mismatch", "merchant_id",
      "Подпись верна, но магазин не тот, что в настройках.",
      "Genuine, but of another merchant than the settings name.",
    );
  }
  for (const [name, isKnown] of Object.entries(FORMS)) {
    if (!isKnown(value(name))) {
      return unresolved(
        "unrecognized-form", name,
        "Подпись верна, но вид поля неизвестен. Возможно, Example Pay его изменила.",
        "The signature holds, but the field has a form that is not known. Example Pay may have changed it.",
      );
    }
  }
  if (value("currency") !== CURRENCY) {
    return unresolved(
      "currency-mismatch", "currency",
      "Подпись верна, но валюта не та, что в настройках.",
      "Genuine, but in another currency than the settings name.",
    );
  }

  // 4. Map. What is not known is never a payment.
  const kind = value("type");
  const amount = { minorUnits: parseAmount(value("amount")), currency: CURRENCY };
  if (kind === "check") return { tag: "answered", val: answer(refusal(asking.order(value("order_id")), amount)) };
  if (kind === "test") {
    return ignored("test-callback", "type", "Проба из кабинета Example Pay.", "A test call from Example Pay's cabinet.");
  }
  if (kind !== "payment" && kind !== "refund") {
    return unresolved(
      "unknown-type", "type",
      "Подпись верна, но вид уведомления неизвестен; ничего не зачислено.",
      "Genuine, of a type that is not known; nothing is credited.",
    );
  }
  if (amount.minorUnits === 0) {
    const [ru, en] = ["Подпись верна, но сумма нулевая: деньги не двигались.", "Genuine, and of nothing: no money moved."];
    return ignored("no-money-moved", "amount", ru, en);
  }
  const event = {
    kind,
    recurrence: "single",
    transaction: value("transaction_id"),
    original: null,
    endsHold: null,
    expiresAt: null,
    order: value("order_id"),
    account: null,
    payer: null,
    amount,
    fee: null,
    occurredAt: value("paid_at"),
    comment: settings.comment,
    // Of signed values only. A transaction is one movement of money, whatever else is said of it.
    dedupKey: `${kind}:${value("transaction_id")}`,
    extra: [],
  };
  return done({ tag: "happened", val: [event] }, received());
}
