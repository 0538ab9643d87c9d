/** The worker that has a store, as the workers of other tabs reach it. */

import type { Engine, Opened } from "../engine.js";
import { type Said, WindlassError, typed } from "../errors.js";
import type { Reply, Request } from "./messages.js";
import { locked } from "./place.js";
import type { Proof } from "./proof.js";

/** To a tab, over a channel that only it and the owner know. */
export type FromOwner =
  /** What the tab is to answer by the key. */
  | { nonce: Uint8Array<ArrayBuffer> }
  | { opened: Opened }
  | { refused: Said }
  /** The store is closed here; what was not answered was not begun. */
  | { bye: true }
  | Reply;

/** From a tab. */
export type ToOwner = { proof: Uint8Array<ArrayBuffer> } | { bye: true } | Request;

/** `Omit` of each kind of request, and not of what all have in common. */
export type WithoutNumber<T> = T extends unknown ? Omit<T, "number"> : never;

/** The channel of all tabs with a store, or of one of them with its owner. */
export function channelOf(name: string, tab = ""): string {
  return `windlass store ${name} ${tab}`;
}

/** The lock that a tab has as long as it is there. */
export function lifeOf(tab: string): string {
  return `windlass tab ${tab}`;
}

/** What was thrown, as a message says it. */
export function reply(number: number, error: unknown): Reply {
  return error instanceof WindlassError ? { number, said: said(error) } : { number, fault: String(error) };
}

function said({ message, code, retry, advice }: WindlassError): Said {
  return { message, code, retry, advice };
}

/** What a message says, to whom it is the answer. */
export function answered(reply: Reply, done: (value: unknown) => void, failed: (error: unknown) => void): void {
  if ("value" in reply) done(reply.value);
  else if ("said" in reply) failed(typed(reply.said));
  else if ("fault" in reply) failed(new Error(reply.fault));
}

/** Serves the tabs that know the key. */
export class Serving {
  readonly engine: Engine;
  readonly #name: string;
  readonly #proof: Proof;
  readonly #tell: { posted: () => void; changed: () => void; received: () => void };
  readonly #all: BroadcastChannel;
  readonly #tabs = new Map<string, BroadcastChannel>();
  readonly #ending = new AbortController();

  constructor(name: string, engine: Engine, proof: Proof, tell: { posted: () => void; changed: () => void; received: () => void }) {
    this.#name = name;
    this.engine = engine;
    this.#proof = proof;
    this.#tell = tell;
    engine.onPosted = () => {
      tell.posted();
      this.#tellAll({ posted: true });
    };
    engine.onChanged = () => {
      tell.changed();
      this.#tellAll({ changed: true });
    };
    this.#all = new BroadcastChannel(channelOf(name));
    this.#all.onmessage = ({ data }: MessageEvent<{ hello?: string }>) => {
      if (typeof data.hello === "string") this.#greet(data.hello);
    };
    this.#all.postMessage({ owner: true });
  }

  /** Does what a tab asked for, this one or another. */
  async do(request: Request): Promise<unknown> {
    switch (request.does) {
      case "ask": {
        const done = await (this.engine.ask as (...given: unknown[]) => Promise<unknown>)(request.asked, ...request.given);
        if (request.asked === "receive" || request.asked === "receiveMany") {
          this.#tell.received();
          this.#tellAll({ received: true });
        } else if (request.asked === "changeKey") {
          const [kind, key] = request.given as [string, Uint8Array<ArrayBuffer>];
          this.#proof.become(this.#name, kind, key.slice());
        }
        return done;
      }
      case "backup":
        return await this.engine.backup(request.kind, request.key);
      default:
        throw new TypeError(`no other tab is to ${request.does}`);
    }
  }

  async close(): Promise<void> {
    this.#ending.abort();
    this.#all.close();
    this.#tellAll({ bye: true });
    for (const line of this.#tabs.values()) line.close();
    await this.engine.close();
  }

  #tellAll(what: FromOwner): void {
    for (const line of this.#tabs.values()) line.postMessage(what);
  }

  /** A tab would like to ask: it shows by an answer that it knows the key. */
  #greet(tab: string): void {
    // It may have called because it was there early and heard of us late.
    if (this.#tabs.has(tab)) return;
    const line = new BroadcastChannel(channelOf(this.#name, tab));
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    this.#tabs.set(tab, line);
    const say = (what: FromOwner): void => line.postMessage(what);
    let isIn = false;
    const drop = (): void => {
      line.close();
      this.#tabs.delete(tab);
    };
    line.onmessage = async ({ data }: MessageEvent<ToOwner>) => {
      if ("proof" in data) {
        isIn = this.engine.address !== "" && (await this.#proof.holds(data.proof, nonce, tab));
        if (this.#ending.signal.aborted) return;
        if (isIn) {
          const { address, deviceId } = this.engine;
          say({ opened: { address, deviceId } });
        } else {
          say({ refused: said(this.engine.address === "" ? locked() : wrongKey()) });
          drop();
        }
      } else if ("bye" in data) {
        drop();
      } else if (isIn) {
        const { number } = data;
        try {
          say({ number, value: await this.do(data) });
        } catch (error) {
          say(reply(number, error));
        }
      }
    };
    // Its tab may end without a word.
    navigator.locks.request(lifeOf(tab), { signal: this.#ending.signal }, drop).catch(() => {});
    say({ nonce });
  }
}

function wrongKey(): WindlassError {
  return typed({
    message: "the key or passphrase is wrong",
    code: "wrong_key",
    retry: false,
    advice: "Open the store in each tab by the same key, given in the same way.",
  }) as WindlassError;
}
