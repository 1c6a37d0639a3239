// The payment page of an order.

import { hasControl, isLonger, problem } from "./problem.js";
import { CURRENCY } from "./settings.js";
import { writeForm } from "./form.js";
import { hex, sign } from "./sign.js";
import { AMOUNT_MAX, formatAmount } from "./amount.js";

const PAGE = "https://pay.example.com/checkout";
const LANGUAGES = ["ru", "en"];
const URL_CHARS_MAX = 1000;
const EXPIRES_AT_MAX = 253402300799; // the end of the year 9999

/** The payment link; throws every problem at once, each with its field. Nothing is cut or replaced in silence. */
export function createLink(settings, order) {
  const problems = problemsOf(order);
  if (problems.length > 0) throw problems;

  const amount = formatAmount(order.amount.minorUnits);
  const signed = [settings.merchantId, order.id, amount, CURRENCY];
  const inputs = [
    ["merchant_id", settings.merchantId],
    ["order_id", order.id],
    ["amount", amount],
    ["currency", CURRENCY],
    ["account", order.account],
    ["description", order.description],
    ["language", LANGUAGES.includes(order.language) ? order.language : ""],
    ["email", emailOf(order)],
    ["expires_at", order.expiresAt === null ? "" : String(order.expiresAt)],
    ["callback_url", order.callbackUrl],
    ["success_url", order.successUrl],
    ["failure_url", order.failureUrl],
    ["signature", hex(sign(settings.secretKey, signed))],
  ].filter(([, value]) => value !== "");
  return {
    url: `${PAGE}?${writeForm(inputs)}`,
    form: { action: PAGE, inputs },
    qr: null,
    reference: null,
    expiresAt: null,
    extra: [],
  };
}

/** 1 to 64 of A-Z, a-z, 0-9, point, underscore and hyphen, by the contract. */
export function isOrderId(text) {
  // The length first: the expression alone would be tried at every character of a long text.
  return text.length <= 64 && /^[A-Za-z0-9._-]+$/.test(text);
}

// Of what is known of the payer, Example Pay has a use for this alone.
function emailOf(order) {
  const [, email] = order.payer.find(([name]) => name === "email") ?? [];
  return email ?? "";
}

function problemsOf(order) {
  const problems = [];
  const refuse = (code, field, ru, en) => problems.push(problem(code, field, ru, en));
  const fits = (field, value, charsMax) => {
    if (isLonger(value, charsMax)) {
      const [ru, en] = [`Передать можно не больше ${charsMax} знаков.`, `At most ${charsMax} characters can be passed on.`];
      refuse("too-long", field, ru, en);
    } else if (hasControl(value)) {
      refuse(
        "invalid", field,
        "В тексте есть управляющий знак, например перевод строки; уберите его.",
        "It holds a control character, such as a line break; remove it.",
      );
    } else return true;
  };
  const url = (field, value) => {
    if (value !== "" && fits(field, value, URL_CHARS_MAX) && !/^https?:\/\/[^\s\/?#]+([\/?#]\S*)?$/.test(value)) {
      refuse(
        "invalid", field,
        "Это полный адрес, например https://example.ru/pay, без пробелов.",
        "It is an absolute URL such as https://example.ru/pay, without spaces.",
      );
    }
  };

  if (!isOrderId(order.id)) {
    refuse(
      "invalid", "id",
      "Номер заказа: от 1 до 64 из A-Z, a-z, 0-9, точки, подчёркивания, дефиса.",
      "An order's id is 1 to 64 of A-Z, a-z, 0-9, point, underscore, hyphen.",
    );
  }
  if (order.account === "") refuse("missing", "account", "Не должно быть пустым.", "It must not be empty.");
  fits("account", order.account, 64);
  const { minorUnits, currency } = order.amount;
  if (currency !== CURRENCY) {
    refuse(
      "unsupported", "amount.currency",
      `Example Pay принимает ${CURRENCY}; создайте заказ в этой валюте.`,
      `Example Pay takes ${CURRENCY}; make the order in it.`,
    );
  }
  // A number from 2^53 on would not be exact; none of those is let through.
  if (!(minorUnits >= 1 && minorUnits <= AMOUNT_MAX)) {
    refuse(
      "out-of-range", "amount.minor-units",
      `Сумма: от 1 до ${AMOUNT_MAX} копеек; 10000 — это 100.00.`,
      `An amount is 1 to ${AMOUNT_MAX} minor units; 10000 is 100.00.`,
    );
  }
  fits("description", order.description, 255);
  fits("payer.email", emailOf(order), 255);
  url("callback-url", order.callbackUrl);
  url("success-url", order.successUrl);
  url("failure-url", order.failureUrl);
  if (order.expiresAt !== null && !(order.expiresAt <= EXPIRES_AT_MAX)) {
    refuse(
      "out-of-range", "expires-at",
      "Это секунды с 1970-01-01, не позже 9999 года.",
      "It is in seconds since 1970-01-01, up to the year 9999.",
    );
  }
  return problems;
}
