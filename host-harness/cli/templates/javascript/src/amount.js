// Amounts: whole minor units, and their text with two decimals. Whole numbers only: no amount is ever a fraction, and every
// number here is below 2^53, where JavaScript counts exactly.

export const AMOUNT_MAX = 999_999_999_999;

/** 10000 is "100.00". */
export function formatAmount(minorUnits) {
  const digits = String(minorUnits).padStart(3, "0");
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** "100.00" is 10000. Null: the text has another form. */
export function parseAmount(text) {
  if (!/^(0|[1-9][0-9]{0,9})\.[0-9]{2}$/.test(text)) return null;
  return parseInt(text.replace(".", ""), 10);
}
