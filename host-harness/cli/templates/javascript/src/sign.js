// Example Pay's signature: the HMAC-SHA256 of values, joined by line breaks, with the secret key; in hexadecimal.

import { hmacSha256 } from "./sha256.js";

export function sign(secretKey, values) {
  return hmacSha256(utf8(secretKey), utf8(values.join("\n")));
}

export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether a text is the signature. The time it takes does not tell how much of it is right. */
export function matches(signature, text) {
  if (!/^[0-9a-f]{64}$/.test(text)) return false;
  let different = 0;
  signature.forEach((byte, at) => (different |= byte ^ parseInt(text.slice(2 * at, 2 * at + 2), 16)));
  return different === 0;
}

// There is no TextEncoder here.
function utf8(text) {
  const bytes = encodeURIComponent(text).replace(/%(..)/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
  return Uint8Array.from(bytes, (char) => char.charCodeAt(0));
}
