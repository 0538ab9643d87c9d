/**
 * One store, several tabs. The worker that has the lock of a store has its core; those of other tabs ask that one, each over a channel of its
 * own, and wait for the lock meanwhile: whoever gets it next opens the store, and the others turn to it.
 */

import type { Asked, Engine, Given, Opened, Wanted } from "../engine.js";
import { StoreLocked, closed, typed } from "../errors.js";
import { open } from "../local.js";
import { isReading } from "./again.js";
import type { Request } from "./messages.js";
import { free, privateFiles, take } from "./place.js";
import { Proof } from "./proof.js";
import { type FromOwner, Serving, type ToOwner, type WithoutNumber, answered, channelOf, lifeOf } from "./serving.js";

/** What a tab was doing when the one that had the store ended: whether it was done nobody can say. Look, before it is done again. */
const INTERRUPTED = "the tab that had the store has ended meanwhile; whether this was done is to be looked at";

type Waiting = { request: Request; done: (value: unknown) => void; failed: (error: unknown) => void };

/** An open client that may be in another tab. */
export class Shared implements Engine {
  address = "";
  deviceId = 0;
  onPosted: () => void = () => {};
  onChanged: () => void = () => {};
  onReceived: () => void = () => {};
  readonly #name: string;
  readonly #wanted: Wanted;
  readonly #proof: Proof;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ending = new AbortController();
  readonly #id = crypto.randomUUID();
  readonly #all: BroadcastChannel;
  readonly #line: BroadcastChannel;
  #last = 0;
  /** Whether the owner has let us in. */
  #isIn = false;
  #serving: Serving | undefined;
  #broken: unknown;
  #settle: { done: () => void; failed: (error: unknown) => void } | undefined;

  private constructor(name: string, wanted: Wanted, proof: Proof) {
    this.#name = name;
    this.#wanted = wanted;
    this.#proof = proof;
    this.#all = new BroadcastChannel(channelOf(name));
    this.#line = new BroadcastChannel(channelOf(name, this.#id));
  }

  /** Opens the store called `name`: here if nobody has it, else where it is. What makes a store wants it alone. */
  static async open(name: string, wanted: Wanted): Promise<Shared> {
    // Where there are no files there is nothing of what follows.
    await privateFiles();
    const shared = new Shared(name, { ...wanted, key: wanted.key.slice() }, new Proof(name, wanted.kind, wanted.key.slice()));
    try {
      shared.#own(await open(await take(name, wanted.create), wanted));
    } catch (error) {
      wanted.key.fill(0);
      if (!(error instanceof StoreLocked) || wanted.create || wanted.link) {
        shared.#end();
        throw error;
      }
      await shared.#follow();
    }
    return shared;
  }

  async ask<Name extends Asked>(asked: Name, ...given: Given<Name>): Promise<unknown> {
    const done = await this.#request({ does: "ask", asked, given });
    if (asked === "changeKey") this.#keyIsNow(...(given as unknown as [string, Uint8Array]));
    return done;
  }

  async backup(kind: string, key: Uint8Array): Promise<Blob> {
    return (await this.#request({ does: "backup", kind, key })) as Blob;
  }

  async finish(transfer: string): Promise<void> {
    // Whoever links has the store alone.
    await this.#serving?.engine.finish(transfer);
    this.#named(this.#serving?.engine ?? this);
  }

  async close(): Promise<void> {
    if (this.#ending.signal.aborted) return;
    const serving = this.#serving;
    if (serving === undefined) this.#line.postMessage({ bye: true } satisfies ToOwner);
    this.#end();
    await serving?.close();
  }

  async #request(given: WithoutNumber<Request>): Promise<unknown> {
    if (this.#ending.signal.aborted) throw closed();
    if (this.#broken !== undefined) throw this.#broken;
    const request = { ...given, number: ++this.#last } as Request;
    if (this.#serving !== undefined) return await this.#serving.do(request);
    return await new Promise((done, failed) => {
      this.#waiting.set(request.number, { request, done, failed });
      if (this.#isIn) this.#line.postMessage(request satisfies ToOwner);
    });
  }

  /** The store is here from now on. */
  #own(engine: Engine): void {
    this.#named(engine);
    this.#all.onmessage = null;
    this.#line.onmessage = null;
    this.#serving = new Serving(this.#name, engine, this.#proof, {
      posted: () => this.onPosted(),
      changed: () => this.onChanged(),
      received: () => this.onReceived(),
    });
  }

  #named({ address, deviceId }: Opened): void {
    this.address = address;
    this.deviceId = deviceId;
  }

  /** The store is elsewhere: until it can be asked there, or is here. */
  async #follow(): Promise<void> {
    const settled = new Promise<void>((done, failed) => (this.#settle = { done, failed }));
    this.#line.onmessage = (event: MessageEvent<FromOwner>) => this.#heard(event.data);
    this.#all.onmessage = (event: MessageEvent<{ owner?: true }>) => {
      if (event.data.owner) this.#lost(true);
    };
    await this.#live();
    void this.#succeed();
    this.#all.postMessage({ hello: this.#id });
    await settled;
  }

  /** Whoever has the store learns by a lock that we are no more. */
  async #live(): Promise<void> {
    const ended = new Promise<void>((done) => this.#ending.signal.addEventListener("abort", () => done()));
    await new Promise<void>((had) => void navigator.locks.request(lifeOf(this.#id), () => (had(), ended)));
  }

  /** Waits for the store to be free. */
  async #succeed(): Promise<void> {
    try {
      const release = await free(this.#name, this.#ending.signal);
      if (this.#ending.signal.aborted) return release();
      this.#lost(false);
      const { kind, key } = this.#wanted;
      const wanted = { kind, key: key.slice(), create: false, link: false };
      const engine = await open(await take(this.#name, false, release), wanted);
      if (this.#ending.signal.aborted) return await engine.close();
      this.#own(engine);
      this.#settle?.done();
      const waiting = [...this.#waiting.values()];
      this.#waiting.clear();
      for (const { request, done, failed } of waiting) this.#serving?.do(request).then(done, failed);
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      this.#break(error);
    }
  }

  #heard(said: FromOwner): void {
    if ("nonce" in said) {
      void this.#proof.answer(said.nonce, this.#id).then((proof) => this.#line.postMessage({ proof } satisfies ToOwner));
    } else if ("opened" in said) {
      this.#isIn = true;
      this.#named(said.opened);
      for (const { request } of this.#waiting.values()) this.#line.postMessage(request satisfies ToOwner);
      this.#settle?.done();
    } else if ("refused" in said) {
      this.#break(typed(said.refused));
    } else if ("bye" in said) {
      // What was asked in order and is not answered was not begun: it is asked again of whoever is next.
      this.#isIn = false;
    } else if ("posted" in said) {
      this.onPosted();
    } else if ("changed" in said) {
      this.onChanged();
    } else if ("received" in said) {
      this.onReceived();
    } else {
      const waiting = this.#waiting.get(said.number);
      this.#waiting.delete(said.number);
      if (waiting !== undefined) answered(said, waiting.done, waiting.failed);
    }
  }

  /** Whoever had the store has it no more; `elsewhere` if another one has it by now. */
  #lost(elsewhere: boolean): void {
    if (this.#isIn) {
      this.#isIn = false;
      for (const [number, { request, failed }] of this.#waiting) {
        if (isReading(request)) continue;
        this.#waiting.delete(number);
        failed(new Error(INTERRUPTED));
      }
    }
    if (elsewhere) this.#all.postMessage({ hello: this.#id });
  }

  #keyIsNow(kind: string, key: Uint8Array): void {
    this.#wanted.key.fill(0);
    this.#wanted.kind = kind;
    this.#wanted.key = key.slice();
    // Where the store is, it is known already.
    if (this.#serving === undefined) this.#proof.become(this.#name, kind, key.slice());
  }

  /** It cannot be had any more: every call says why. */
  #break(error: unknown): void {
    this.#broken = error;
    this.#settle?.failed(error);
    const waiting = [...this.#waiting.values()];
    this.#end();
    for (const { failed } of waiting) failed(error);
  }

  #end(): void {
    this.#ending.abort();
    this.#waiting.clear();
    this.#line.close();
    this.#all.close();
    this.#wanted.key.fill(0);
  }
}
