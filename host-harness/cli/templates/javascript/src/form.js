// Forms as they travel: application/x-www-form-urlencoded in UTF-8.

/** More than any payment system sends; each costs some ten thousand units of fuel. */
const PAIRS_MAX = 100;

/**
 * The `known` fields of a form's bytes: { form }, a Map, or { code, field } where the form cannot be trusted to mean one thing. A
 * known name is matched as it is sent, since its letters need no encoding.
 */
export function parseForm(bytes, known) {
  const form = new Map();
  const pairs = String.fromCharCode.apply(null, bytes).split("&", PAIRS_MAX + 1);
  if (pairs.length > PAIRS_MAX) return { code: "malformed", field: null };
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const name = at < 0 ? pair : pair.slice(0, at);
    if (!known.includes(name)) continue;
    const value = decode(at < 0 ? "" : pair.slice(at + 1));
    if (value === null) return { code: "malformed", field: name };
    if (form.has(name) && form.get(name) !== value) return { code: "field-conflict", field: name };
    form.set(name, value);
  }
  return { form };
}

/** A form of pairs. */
export function writeForm(pairs) {
  return pairs.map(([name, value]) => `${name}=${encode(value)}`).join("&");
}

// The value in a form's text of one character a byte. Null: it is not percent-encoded UTF-8.
function decode(text) {
  if (/[\x80-\xff]/.test(text)) return null;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (error) {
    // Any other error, such as want of memory, says nothing about the form.
    if (error instanceof URIError) return null;
    throw error;
  }
}

// What encodeURIComponent leaves of what a form encodes.
const LEFT = [["%20", "+"], ["!", "%21"], ["'", "%27"], ["(", "%28"], [")", "%29"], ["~", "%7E"]];

function encode(text) {
  return LEFT.reduce((encoded, [from, to]) => encoded.replaceAll(from, to), encodeURIComponent(text));
}
