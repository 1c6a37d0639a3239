// What is wrong, as the contract's `problem`. Its codes are listed there.

/** A problem, with its message in Russian and in English. */
export function problem(code, field, ru, en) {
  return { code, field, row: null, message: [["ru", ru], ["en", en]] };
}

/** Whether a text holds a control character, such as a line break; U+2028 and U+2029 are among them. */
export function hasControl(text) {
  return /[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(text);
}

/** Whether a text has more characters than that, as the contract counts them: Unicode scalar values, one or two of length each. */
export function isLonger(text, charsMax) {
  return text.length > charsMax && (text.length > 2 * charsMax || [...text].length > charsMax);
}
