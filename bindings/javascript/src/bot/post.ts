/** Carries the outbox to the transport. What the transport has not taken stays in the outbox. */

import type { BaseClient } from "../client.js";
import type { Transport } from "../transport.js";
import type { OutgoingEnvelope } from "../values.js";
import { Signal } from "./signal.js";

const FIRST_REST = 1_000;
const LONGEST_REST = 600_000;

/** The way out. An address that cannot be reached rests, longer each time; the others do not wait for it. */
export class Post {
  readonly #client: BaseClient;
  readonly #transport: Transport;
  readonly #failed: (error: unknown) => void;
  readonly #news = new Signal();
  /** How long an address rests, and whether it does so now. */
  readonly #rests = new Map<string, { milliseconds: number; timer: NodeJS.Timeout | undefined }>();

  constructor(client: BaseClient, transport: Transport, failed: (error: unknown) => void) {
    this.#client = client;
    this.#transport = transport;
    this.#failed = failed;
  }

  /** Until `ended`. */
  async run(ended: AbortSignal): Promise<void> {
    const unheard = this.#client.onOutbox(() => this.#news.set());
    ended.addEventListener("abort", () => this.#news.set());
    try {
      let after = 0;
      while (!ended.aborted) {
        // Only from the beginning on is everything looked at that is told until now: of an address that rested, what is behind alone would not be.
        if (after === 0) this.#news.clear();
        const page = await this.#client.outbox(after);
        if (page.length > 0) {
          after = page.at(-1)?.id ?? after;
          await this.#carry(page);
        } else if (after > 0) {
          // From the beginning once more: of an address that rested there may be something before.
          after = 0;
          await this.#news.wait();
        } else {
          await this.#news.wait();
        }
      }
    } finally {
      unheard();
      for (const rest of this.#rests.values()) clearTimeout(rest.timer);
    }
  }

  async #carry(page: OutgoingEnvelope[]): Promise<void> {
    const mail = new Map<string, OutgoingEnvelope[]>();
    for (const envelope of page) {
      if (this.#rests.get(envelope.to)?.timer !== undefined) continue;
      const others = mail.get(envelope.to);
      if (others === undefined) mail.set(envelope.to, [envelope]);
      else others.push(envelope);
    }
    const carried = await Promise.all([...mail].map(([to, envelopes]) => this.#carryTo(to, envelopes)));
    const taken = carried.flat();
    if (taken.length > 0) await this.#client.markSent(taken);
  }

  /** Which the transport took; in their order, for each is read most cheaply after the one before it. */
  async #carryTo(to: string, envelopes: OutgoingEnvelope[]): Promise<number[]> {
    const taken: number[] = [];
    try {
      for (const { id, bytes } of envelopes) {
        await this.#transport.deliver(to, bytes);
        taken.push(id);
      }
      this.#rests.delete(to);
    } catch (error) {
      this.#failed(error);
      const milliseconds = Math.min(2 * (this.#rests.get(to)?.milliseconds ?? FIRST_REST / 2), LONGEST_REST);
      const timer = setTimeout(() => {
        this.#rests.set(to, { milliseconds, timer: undefined });
        this.#news.set();
      }, milliseconds);
      this.#rests.set(to, { milliseconds, timer });
    }
    return taken;
  }
}
