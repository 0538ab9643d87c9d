/** Bots: each message is handled once, and the answer to it is durable with that, whenever the process dies. */

import type { BaseClient } from "../client.js";
import { BacklogFull, WindlassError } from "../errors.js";
import type { Transport } from "../transport.js";
import type { TrustPolicy } from "../values.js";
import { type Handler, Handling } from "./handling.js";
import type { Listening } from "./listening.js";
import type { BotMessage } from "./message.js";
import { Post } from "./post.js";
import { Signal } from "./signal.js";

/** What an envelope that is no good to this device is refused with. Whoever brought it need not bring it again. */
const USELESS = ["envelope_malformed", "unsupported_version", "not_for_this_device", "too_many_devices"];
const ROUND = 600_000;

/** What a bot may be told. */
export interface BotOptions extends Listening {
  /** Whom it listens to; a public bot to everybody. */
  trust?: TrustPolicy;
  /** How often handling a message is begun before it is given up. */
  retries?: number;
  /** What went wrong, and with which message if it was one. By default it goes to `console.error`, without the message. */
  onError?: (error: unknown, message?: BotMessage) => void;
}

/**
 * A client with a transport, and a handler for what people write.
 *
 *     const bot = new Bot(client, transport);
 *     bot.onMessage((message) => message.text);
 *     await bot.run();
 */
export class Bot {
  readonly client: BaseClient;
  readonly #transport: Transport;
  readonly #options: Required<BotOptions>;
  readonly #ending = new AbortController();
  #handler: Handler = () => {};
  /** @internal What is done with an error that the program has no `onError` for. */
  unheard: (error: unknown) => void = (error) => console.error(error);

  constructor(client: BaseClient, transport: Transport, options: BotOptions = {}) {
    this.client = client;
    this.#transport = transport;
    this.#options = {
      trust: options.trust ?? "acceptAll",
      retries: Math.max(1, options.retries ?? 3),
      answerBots: options.answerBots ?? false,
      groupMessages: options.groupMessages ?? "addressed",
      name: options.name ?? "",
      onError: options.onError ?? ((error) => this.unheard(error)),
    };
  }

  /** What is done with a message. A string that it answers with is the reply; more go by `message.reply`. */
  onMessage(handler: Handler): void {
    this.#handler = handler;
  }

  /** An invitation for one person. */
  async invite(): Promise<string> {
    return await this.client.invitation();
  }

  /** Makes the store keep messages until they are handled, as `run` does: for tests, before the first message comes. */
  async prepare(): Promise<void> {
    const { client } = this;
    await client.setBot(true);
    await client.keepUnhandled(true);
    await client.setTrustPolicy(this.#options.trust);
  }

  /** Handles what waits now, as `run` does; how many messages that were. For tests, of a bot that does not run. */
  async handleWaiting(): Promise<number> {
    return await this.#handling(() => {}).once();
  }

  /** Ends `run`: what was begun is finished first. */
  stop(): void {
    this.#ending.abort();
  }

  /** Until `stop`, and in Node SIGTERM or Ctrl+C; then the client is closed. */
  async run(): Promise<void> {
    const stop = (): void => this.stop();
    const signals = ["SIGINT", "SIGTERM"] as const;
    // A browser has no signals.
    const system = globalThis.process as NodeJS.Process | undefined;
    for (const signal of signals) system?.on(signal, stop);
    try {
      await this.#run();
    } finally {
      for (const signal of signals) system?.off(signal, stop);
      await this.#transport.close();
      await this.client.close();
    }
  }

  async #run(): Promise<void> {
    const { client } = this;
    const { onError } = this.#options;
    await this.prepare();
    const room = new Signal();
    const handling = this.#handling(() => room.set());
    const post = new Post(client, this.#transport, onError);
    await this.#transport.start({
      address: client.address,
      deviceId: client.deviceId,
      secret: await client.transportSecret(),
      receive: async (envelope) => {
        await this.#receive(envelope, room);
        handling.look();
      },
    });
    const round = setInterval(() => this.#upkeep().catch(onError), ROUND);
    try {
      const ended = this.#ending.signal;
      void this.#upkeep().catch(onError);
      // Whichever fails, the other one ends too. What a transport does not take now goes out at the next start.
      const stopped = new Promise<void>((done) => ended.addEventListener("abort", () => done()));
      const parts = [handling.run(ended), Promise.race([post.run(ended), stopped])];
      await Promise.all(parts.map((part) => part.finally(() => this.stop())));
    } finally {
      clearInterval(round);
    }
  }

  #handling(handled: () => void): Handling {
    const { onError, retries } = this.#options;
    return new Handling(this.client, (message) => this.#handler(message), retries, this.#options, onError, handled);
  }

  async #receive(envelope: Uint8Array, room: Signal): Promise<void> {
    for (;;) {
      room.clear();
      try {
        await this.client.receive(envelope);
        return;
      } catch (error) {
        if (error instanceof BacklogFull) {
          await room.wait();
        } else if (error instanceof WindlassError && USELESS.includes(error.code)) {
          this.#options.onError(error);
          return;
        } else {
          throw error;
        }
      }
    }
  }

  /** The bundle is made anew now and then. */
  async #upkeep(): Promise<void> {
    await this.client.maintain();
    await this.#transport.publishBundle(await this.client.bundle());
  }
}

export { BotMessage } from "./message.js";
export type { Handler } from "./handling.js";
export type { Listening } from "./listening.js";
export type { Mailbox, Transport } from "../transport.js";
