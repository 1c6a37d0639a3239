// What the host is asked. Keep this file: nothing in it is Example Pay's.
//
// A provider is straight code: `asking.order(id)` is the answer, or stops the function, and the host is asked. The host answers and
// calls the provider again with the same request. An answer is found by its question, never by its place: the next version of the
// provider may ask something else first.

/** Why there is no result yet: `questions` that come first. Null: the host cannot answer now. */
export class Stop {
  constructor(questions) {
    this.questions = questions;
  }
}

/** What was asked so far, with the answers: nothing in a first call, and `context.asked` in those after it. */
export class Asking {
  #asked;

  constructor(asked) {
    this.#asked = asked;
  }

  /** An order of this merchant. Null: there is none of this id. */
  order(id) {
    return this.#answer({ tag: "order", val: id }, (asked) => asked === id);
  }

  // Another question is a method like this one; `isSame` compares all that is in the question.

  #answer(question, isSame) {
    const exchange = this.#asked.find(({ tag, val: [asked] }) => tag === question.tag && isSame(asked));
    if (exchange === undefined) throw new Stop([question]);
    const [, answer] = exchange.val;
    if (answer.tag === "err") throw new Stop(null);
    return answer.val ?? null;
  }
}
