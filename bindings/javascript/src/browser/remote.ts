/** The core in a worker. */

import type { Asked, Engine, Given, Opened } from "../engine.js";
import { StoreClosed, closed } from "../errors.js";
import type { Reply, Request } from "./messages.js";
import { type WithoutNumber, answered } from "./serving.js";

type Waiting = { done: (value: unknown) => void; failed: (error: unknown) => void };

/** A worker, and what it still owes. */
export class Line {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #dead: Error | undefined;
  onPosted: () => void = () => {};
  onChanged: () => void = () => {};
  onReceived: () => void = () => {};

  constructor() {
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "windlass" });
    this.#worker.onmessage = (event: MessageEvent<Reply>) => this.#came(event.data);
    this.#worker.onerror = (event) => this.end(new Error(`the worker has failed: ${event.message}`));
  }

  /** That nothing can be asked any more. */
  get isOver(): boolean {
    return this.#dead !== undefined;
  }

  async ask(request: WithoutNumber<Request>): Promise<unknown> {
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
    if ("posted" in reply) return this.onPosted();
    if ("changed" in reply) return this.onChanged();
    if ("received" in reply) return this.onReceived();
    const waiting = this.#waiting.get(reply.number);
    this.#waiting.delete(reply.number);
    if (waiting !== undefined) answered(reply, waiting.done, waiting.failed);
  }
}

/** An open client in a worker of its own. */
export class Remote implements Engine {
  address: string;
  deviceId: number;
  readonly #line: Line;

  constructor(line: Line, { address, deviceId }: Opened) {
    this.#line = line;
    this.address = address;
    this.deviceId = deviceId;
  }

  set onPosted(listener: () => void) {
    this.#line.onPosted = listener;
  }

  set onChanged(listener: () => void) {
    this.#line.onChanged = listener;
  }

  set onReceived(listener: () => void) {
    this.#line.onReceived = listener;
  }

  async ask<Name extends Asked>(asked: Name, ...given: Given<Name>): Promise<unknown> {
    return await this.#line.ask({ does: "ask", asked, given });
  }

  async finish(transfer: string): Promise<void> {
    const { address, deviceId } = (await this.#line.ask({ does: "finish", transfer })) as Opened;
    this.address = address;
    this.deviceId = deviceId;
  }

  async backup(kind: string, key: Uint8Array): Promise<Blob> {
    return (await this.#line.ask({ does: "backup", kind, key })) as Blob;
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
