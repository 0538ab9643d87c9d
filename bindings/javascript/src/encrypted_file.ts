/** `EncryptedFile`, and what is said of a file that travels another way. */

import type { Engine } from "./engine.js";

/** What a message says of its attachment. */
export interface AttachmentInfo {
  mediaType: string;
  /** A name that a file can be saved under on every system, whatever its sender called it. */
  name: string;
  size: number;
  /** Where the encrypted file is, as its sender said; for the application. */
  location: string;
}

/** A file that was encrypted: `{ type: "file", file, location }` sends it, once the encrypted file is where the others can fetch it. */
export class EncryptedFile {
  readonly info: AttachmentInfo;
  readonly #engine: Engine;
  readonly #number: number;

  /** @internal */
  constructor(engine: Engine, number: number, info: AttachmentInfo) {
    this.#engine = engine;
    this.#number = number;
    this.info = info;
    forgotten.register(this, { engine, number });
  }

  /** @internal The number under which this client's core keeps its key. */
  numberOf(engine: Engine): number {
    if (engine !== this.#engine) throw new TypeError("a file is sent by the client that encrypted it");
    return this.#number;
  }
}

/** Whoever holds an encrypted file may send it; when nobody does any more, its key is erased. */
const forgotten = new FinalizationRegistry(({ engine, number }: { engine: Engine; number: number }) => {
  engine.ask("forgetFile", number).catch(() => {});
});
