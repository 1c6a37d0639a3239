// What Example Pay hears.

/** Example Pay does not send the callback again. */
export const received = () => reply(200, "text/plain", "OK");

/** It gives no reason, which would help a forger. */
export const forbidden = () => reply(403, "text/plain", "Forbidden");

/** Example Pay sends the callback again. */
export const unavailable = () => reply(503, "text/plain", "Unavailable");

export const jsonReply = (value) => reply(200, "application/json", JSON.stringify(value));

// The bodies here are ASCII.
function reply(status, contentType, text) {
  return { status, headers: [["content-type", contentType]], body: Uint8Array.from(text, (char) => char.charCodeAt(0)) };
}
