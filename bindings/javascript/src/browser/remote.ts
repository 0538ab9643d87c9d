/** The core in a worker. */

import type { Asked, Engine } from "../engine.js";
import { StoreClosed, typed } from "../errors.js";
import type { Opened, Reply, Request } from "./messages.js";

type Waiting = { done: (value: unknown) => void; failed: (error: unknown) => void };
/** `Omit` of each kind of request, and not of what all have in common. */
type Without<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

/** A worker, and what it still owes. */
export class Line {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #dead: Error | undefined;
  onPosted: () => void = () => {};

  constructor() {
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "windlass" });
    this.#worker.onmessage = (event: MessageEvent<Reply>) => this.#came(event.data);
    this.#worker.onerror = (event) => this.end(new Error(`the worker has failed: ${event.message}`));
  }

  async ask(request: Without<Request, "number">): Promise<unknown> {
    if (this.#dead !== undefined) throw this.#dead;
    const number = ++this.#last;
    return await new Promise((done, failed) => {
      this.#waiting.set(number, { done, failed });
      this.#worker.postMessage({ ...request, number });
    });
  }

  /** Nothing is answered any more. */
  end(why: Error): void {
    this.#dead ??= why;
    this.#worker.terminate();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { failed } of waiting) failed(this.#dead);
  }

  #came(reply: Reply): void {
    if ("posted" in reply) {
      this.onPosted();
      return;
    }
    const waiting = this.#waiting.get(reply.number);
    this.#waiting.delete(reply.number);
    if ("value" in reply) waiting?.done(reply.value);
    else if ("said" in reply) waiting?.failed(typed(reply.said));
    else waiting?.failed(new Error(reply.fault));
  }
}

/** An open client in a worker of its own. */
export class Remote implements Engine {
  readonly address: string;
  readonly deviceId: number;
  readonly #line: Line;

  constructor(line: Line, { address, deviceId }: Opened) {
    this.#line = line;
    this.address = address;
    this.deviceId = deviceId;
  }

  set onPosted(listener: () => void) {
    this.#line.onPosted = listener;
  }

  async ask<Name extends Asked>(asked: Name, ...given: unknown[]): Promise<unknown> {
    return await this.#line.ask({ does: "ask", asked, given });
  }

  async close(): Promise<void> {
    try {
      await this.#line.ask({ does: "close" });
    } catch (error) {
      if (!(error instanceof StoreClosed)) throw error;
    } finally {
      this.#line.end(closed());
    }
  }
}

function closed(): StoreClosed {
  return new StoreClosed({
    message: "the store is closed",
    code: "store_closed",
    retry: false,
    advice: "Open the store again.",
  });
}
