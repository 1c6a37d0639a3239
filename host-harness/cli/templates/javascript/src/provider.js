// The component's exports: the contract wit/payment-provider.wit, bound to plain functions.
//
// In the contract's names here, `order-id` is `orderId`; an option is a value or null, a variant is { tag, val }, and a function's
// result is a returned value or a thrown error, which for this contract is a list of problems.

import { Asking } from "./asking.js";
import { describe, readSettings } from "./settings.js";
import { createLink } from "./link.js";
import { handle } from "./callback.js";
import { problem } from "./problem.js";
import { unavailable } from "./reply.js";

const noExport = (field) => [problem("unsupported", field, "Выгрузки здесь нет.", "This provider exports nothing.")];

class Merchant {
  #settings;

  constructor(settings) {
    this.#settings = settings;
  }

  static configure(fields) {
    return new Merchant(readSettings(fields));
  }

  // Example Pay signs every callback.
  callbackProof() {
    return "signature";
  }

  createLink(order) {
    return createLink(this.#settings, order);
  }

  // The host calls `asking.handleCallback` in place of this one. A provider that never asks has its callbacks here.
  handleCallback() {
    const refusal = problem("unsupported", null, "Этот компонент задаёт вопросы.", "This component asks; call the function of `asking`.");
    return { verdict: { tag: "refused", val: refusal }, reply: unavailable() };
  }

  // A step: `asked` is what was answered so far.
  step(request, asked) {
    return handle(this.#settings, request, new Asking(asked));
  }

  exportWriteoffs() {
    throw noExport("format");
  }
}

// The contract wants the type, though `exportWriteoffs` never makes one.
class WriteoffExport {
  append() {
    throw noExport(null);
  }

  finish() {
    throw noExport(null);
  }

  read() {
    return null;
  }
}

export const paymentProvider = { describe, Merchant, WriteoffExport };

// What the host calls of a provider that asks: again and again, with what was answered so far. Of one that never asks the world is
// `provider`, and this is left out.
export const asking = {
  createLink(merchant, order) {
    try {
      return { tag: "done", val: merchant.createLink(order) };
    } catch (problems) {
      // Any other error, such as want of memory, says nothing about the order.
      if (!Array.isArray(problems)) throw problems;
      return { tag: "failed", val: problems };
    }
  },

  handleCallback(merchant, request, context) {
    return merchant.step(request, context.asked);
  },
};
