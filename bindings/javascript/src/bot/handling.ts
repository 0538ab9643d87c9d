/** Brings each message that waits to the handler, and commits what it answers. */

import type { BaseClient } from "../client.js";
import { UnknownMessage } from "../errors.js";
import type { WaitingMessage } from "../values.js";
import { type Listening, concerns } from "./listening.js";
import { BotMessage } from "./message.js";
import { Signal } from "./signal.js";

const PAGE = 1_000;

/** What a program does with a message. */
export type Handler = (message: BotMessage) => unknown;

/** One lane for each conversation: in it one message at a time, in the order they came. */
export class Handling {
  readonly #client: BaseClient;
  readonly #handler: Handler;
  readonly #retries: number;
  readonly #listening: Required<Listening>;
  readonly #failed: (error: unknown, message: BotMessage) => void;
  readonly #handled: () => void;
  readonly #news = new Signal();
  readonly #lanes = new Map<string, Promise<void>>();
  /** The number of the last message that was begun: numbers only grow. */
  #last = 0;
  #broken: { error: unknown } | undefined;

  constructor(
    client: BaseClient,
    handler: Handler,
    retries: number,
    listening: Required<Listening>,
    failed: (error: unknown, message: BotMessage) => void,
    handled: () => void,
  ) {
    this.#client = client;
    this.#handler = handler;
    this.#retries = retries;
    this.#listening = listening;
    this.#failed = failed;
    this.#handled = handled;
  }

  /** Something may wait. */
  look(): void {
    this.#news.set();
  }

  /** Until `ended`; what was begun by then is finished. */
  async run(ended: AbortSignal): Promise<void> {
    ended.addEventListener("abort", () => this.#news.set());
    while (!ended.aborted && this.#broken === undefined) {
      this.#news.clear();
      if ((await this.#begin(ended)) === 0) await this.#news.wait();
    }
    await this.#finish();
  }

  /** Everything that waits now; how many messages that were. */
  async once(): Promise<number> {
    const never = new AbortController().signal;
    let all = 0;
    for (let begun = await this.#begin(never); begun > 0 && this.#broken === undefined; begun = await this.#begin(never)) all += begun;
    await this.#finish();
    return all;
  }

  /** Puts a page of what waits into the lanes; how many messages. */
  async #begin(ended: AbortSignal): Promise<number> {
    const waiting = await this.#client.waiting(this.#last, PAGE);
    for (const one of waiting) {
      this.#last = one.number;
      const lane = (this.#lanes.get(one.conversation) ?? Promise.resolve()).then(async () => {
        if (ended.aborted || this.#broken !== undefined) return;
        await this.#take(one);
      });
      const kept = lane.catch((error: unknown) => {
        // The store does not take it: nothing else can be handled either.
        this.#broken ??= { error };
        this.#news.set();
      });
      this.#lanes.set(one.conversation, kept);
      void kept.then(() => {
        if (this.#lanes.get(one.conversation) === kept) this.#lanes.delete(one.conversation);
      });
    }
    return waiting.length;
  }

  async #finish(): Promise<void> {
    await Promise.all(this.#lanes.values());
    if (this.#broken !== undefined) throw this.#broken.error;
  }

  async #take({ number, attempts: before }: WaitingMessage): Promise<void> {
    for (let attempts = before; ; attempts++) {
      const waiting = await this.#client.unhandledMessage(number);
      if (waiting === null) return;
      const message = new BotMessage(waiting.message);
      if (!(await concerns(this.#client, waiting.message, this.#listening))) {
        await this.#commit(number, message);
        return;
      }
      if (attempts >= this.#retries) {
        this.#failed(new Error(`given up after ${attempts} attempts`), message);
        await this.#commit(number, message);
        return;
      }
      try {
        // Told before: it shows after a crash which message the process does not survive.
        await this.#client.setAttempts(number, attempts + 1);
        const answer = await this.#handler(message);
        if (typeof answer === "string") message.reply(answer);
        await this.#client.handled(number, message.answers);
        this.#handled();
        return;
      } catch (error) {
        if (error instanceof UnknownMessage && (await this.#client.unhandledMessage(number)) === null) return;
        this.#failed(error, message);
      }
    }
  }

  async #commit(number: number, message: BotMessage): Promise<void> {
    message.answers.length = 0;
    try {
      await this.#client.handled(number);
    } catch (error) {
      if (!(error instanceof UnknownMessage)) throw error;
    }
    this.#handled();
  }
}
