// Who the provider is, and the settings of a merchant.

import { hasControl, isLonger, problem } from "./problem.js";

export const CURRENCY = "RUB";
const SECRET_CHARS_MIN = 16;
const TEXT_CHARS_MAX = 255;
const FIELDS_MAX = 256; // by the contract
const COMMENT_DEFAULT = "Example Pay";

function setting(name, kind, required, defaultValue, title, help) {
  return { name, title, help, kind, required, defaultValue, choices: [], extra: [] };
}

const SETTINGS = [
  setting(
    "merchant-id", "text", true, null,
    [["ru", "Номер магазина"], ["en", "Merchant ID"]],
    [["ru", "Выдаёт Example Pay: от 1 до 10 цифр."], ["en", "Example Pay issues it: 1 to 10 digits."]],
  ),
  setting(
    "secret-key", "secret", true, null,
    [["ru", "Секретный ключ"], ["en", "Secret key"]],
    [["ru", "Выдаёт Example Pay: не короче 16 знаков."], ["en", "Example Pay issues it: at least 16 characters."]],
  ),
  setting(
    "comment", "text", false, COMMENT_DEFAULT,
    [["ru", "Комментарий"], ["en", "Comment"]],
    [["ru", "Так платёж назван в выписке абонента."], ["en", "What a payment is called in the subscriber's statement."]],
  ),
];

export function describe() {
  return {
    id: "example-pay",
    name: "Example Pay",
    version: "0.1.0",
    settings: SETTINGS,
    currencies: [CURRENCY],
    exportFormats: [],
    links: true,
    orderId: { charsMax: 64, digitsOnly: false },
    // No call is made for this provider. A payment system that is asked over HTTP has its host here.
    hosts: [],
    headers: [],
    extra: [],
  };
}

/** The checked settings { merchantId, secretKey, comment }; throws every problem at once. No message holds a value. */
export function readSettings(fields) {
  if (fields.length > FIELDS_MAX) {
    const [ru, en] = ["Настроек больше, чем может быть.", "There are more settings than there can be."];
    throw [problem("setting-unknown", null, ru, en)];
  }
  const problems = [];
  const names = SETTINGS.map(({ name }) => name);
  for (const [name] of fields) {
    if (!names.includes(name)) {
      const known = names.join(", ");
      const [ru, en] = [`Такой настройки нет; есть ${known}.`, `There is no such setting; there are ${known}.`];
      problems.push(problem("setting-unknown", name, ru, en));
    }
  }
  const values = SETTINGS.map((declared) => valueOf(declared, fields, problems));
  if (problems.length > 0) throw problems;
  const [merchantId, secretKey, comment] = values;
  return { merchantId, secretKey, comment };
}

function valueOf({ name, required, defaultValue }, fields, problems) {
  const values = fields.filter(([other]) => other === name).map(([, value]) => value);
  if (values.length > 1) {
    problems.push(problem("setting-repeated", name, "Введено дважды; введите один раз.", "It is entered twice; enter it once."));
    return null;
  }
  const value = values[0] || defaultValue;
  if (!value) {
    const [ru, en] = ["Нужно ввести; выдаёт Example Pay.", "It must be entered; Example Pay issues it."];
    if (required) problems.push(problem("setting-missing", name, ru, en));
    return null;
  }
  const wrong = wrongWith(name, value);
  if (wrong) problems.push(problem("setting-invalid", name, ...wrong));
  return value;
}

// What is wrong with a value, in Russian and in English.
function wrongWith(name, value) {
  // The size first: looking at every character of a long text takes its fuel.
  if (isLonger(value, TEXT_CHARS_MAX)) {
    return [`Длиннее ${TEXT_CHARS_MAX} знаков; сократите.`, `It has more than ${TEXT_CHARS_MAX} characters; shorten it.`];
  }
  if (hasControl(value) || value.trim() !== value) {
    return [
      "В начале или в конце пробел, или есть управляющий знак; скопируйте без них.",
      "It begins or ends with a space or holds a control character; copy it without them.",
    ];
  }
  if (name === "merchant-id" && !/^[0-9]{1,10}$/.test(value)) return ["Это от 1 до 10 цифр.", "It is 1 to 10 digits."];
  if (name === "secret-key" && !isLonger(value, SECRET_CHARS_MIN - 1)) {
    return [
      `Короче ${SECRET_CHARS_MIN} знаков; такой ключ ничего не защищает.`,
      `It has fewer than ${SECRET_CHARS_MIN} characters; so short a key protects nothing.`,
    ];
  }
  return null;
}
