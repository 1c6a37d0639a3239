// The component's exports: the contract wit/payment-provider.wit, bound to plain functions.
//
// In the contract's names here, `form-fields` is `formFields`; an option is a value or null, a variant is { tag, val }, and a
// result is a returned value or a thrown error, which for this contract is a problem or a list of problems.

import { describe, readSettings } from "./settings.js";
import { createLink } from "./link.js";
import { judge } from "./callback.js";
import { problem } from "./problem.js";

class Merchant {
  #settings;

  constructor(settings) {
    this.#settings = settings;
  }

  static configure(fields) {
    return new Merchant(readSettings(fields));
  }

  createLink(order) {
    return createLink(this.#settings, order);
  }

  handleCallback(request) {
    const verdict = judge(this.#settings, request);
    // A refusal gives no reason: it would help a forger.
    const [status, text] = verdict.tag === "refused" ? [403, "Forbidden"] : [200, "OK"];
    const body = Uint8Array.from(text, (char) => char.charCodeAt(0));
    return { verdict, reply: { status, headers: [["content-type", "text/plain"]], body } };
  }

  exportWriteoffs() {
    throw [problem("unsupported", "format", "This provider exports nothing.")];
  }
}

// The contract wants the type, though `exportWriteoffs` never makes one.
class WriteoffExport {
  append() {
    throw [problem("unsupported", null, "This provider exports nothing.")];
  }

  finish() {
    throw [problem("unsupported", null, "This provider exports nothing.")];
  }

  read() {
    return null;
  }
}

export const paymentProvider = { describe, Merchant, WriteoffExport };
