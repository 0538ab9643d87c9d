/** `Session`: the secure channel with one address. */

import type { Engine } from "./engine.js";
import * as given from "./given.js";
import type { PostQuantum, SafetyEmoji, Sent, SessionStatus } from "./values.js";

/** The secure channel with one address: what people compare, how far it has come, and bytes for those who bring their own message format. */
export class Session {
  readonly #engine: Engine;
  /** Address of the other side. */
  readonly address: string;

  /** @internal */
  constructor(engine: Engine, address: string) {
    this.#engine = engine;
    this.address = address;
  }

  /** The 60 digits to compare. */
  async safetyNumber(): Promise<string> {
    return (await this.#engine.ask("safetyNumber", this.address)) as string;
  }

  /** The same as thirty pictures. */
  async safetyEmoji(): Promise<SafetyEmoji[]> {
    return (await this.#engine.ask("safetyEmoji", this.address)) as SafetyEmoji[];
  }

  /** The same as a code for the other side to scan. */
  async safetyCode(): Promise<string> {
    return (await this.#engine.ask("safetyCode", this.address)) as string;
  }

  /** Marks the contact verified if this is the safety number. */
  async verify(safetyNumber: string): Promise<void> {
    await this.#engine.ask("verify", this.address, given.text(safetyNumber));
  }

  /** Marks the contact verified if this is the code on their screen. */
  async verifyCode(code: string): Promise<void> {
    await this.#engine.ask("verifyCode", this.address, given.text(code));
  }

  /** How far the session has come, and why. */
  async status(): Promise<SessionStatus> {
    return (await this.#engine.ask("sessionStatus", this.address)) as SessionStatus;
  }

  /** What keeps the next message from whoever records it now and breaks X25519 later. */
  async postQuantum(): Promise<PostQuantum> {
    return (await this.#engine.ask("postQuantum", this.address)) as PostQuantum;
  }

  /** Begins a new session from the contact's bundle. Messages under way in the former one still open. */
  async reset(): Promise<void> {
    await this.#engine.ask("resetSession", this.address);
  }

  /** Encrypts up to 1,048,576 bytes. When this is fulfilled, the envelope is in the outbox for good. */
  async encrypt(data: Uint8Array): Promise<Sent> {
    return (await this.#engine.ask("encrypt", this.address, given.bytes(data))) as Sent;
  }

  /** Decrypts an envelope of the other side's `encrypt`, the same one as often as it comes. What has anything else inside is refused, and is for `Client.receive`. */
  async decrypt(envelope: Uint8Array): Promise<Uint8Array> {
    return (await this.#engine.ask("decrypt", this.address, given.bytes(envelope))) as Uint8Array;
  }
}
