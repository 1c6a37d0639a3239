// The check before a payment: may the payer pay this order?

import { jsonReply } from "./reply.js";

/** Why an order cannot be paid with this amount, as Example Pay reads it. Null: it can. */
export function refusal(order, amount) {
  if (order === null) return "unknown-order";
  if (order.paidBy !== null) return "order-paid";
  if (order.closedAt !== null) return "order-expired";
  const { minorUnits, currency } = order.amount;
  return minorUnits === amount.minorUnits && currency === amount.currency ? null : "amount-mismatch";
}

/** The answer to a check. */
export function answer(reason) {
  return jsonReply(reason === null ? { accept: true } : { accept: false, reason });
}
