/** The new device's side of linking. */

import type { Engine } from "./engine.js";
import { closed } from "./errors.js";
import * as given from "./given.js";
import type { LinkCheck } from "./values.js";

/** A device that is to become one of an identity. What all platforms have in common; each opens it in its own way. */
export class BaseLink {
  #engine: Engine | undefined;

  /** @internal */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The first code, for `qrSvg`: the other device scans it and calls `linkDevice`. Whoever sees it learns nothing. */
  async code(): Promise<string> {
    return (await this.#open().ask("code")) as string;
  }

  /** Takes the code that the other device showed then: what to compare. One answer alone is taken. */
  async takeAnswer(answer: string): Promise<LinkCheck> {
    return (await this.#open().ask("takeAnswer", given.text(answer))) as LinkCheck;
  }

  /** What to compare, once there is an answer; `null` before. */
  async check(): Promise<LinkCheck | null> {
    return (await this.#open().ask("check")) as LinkCheck | null;
  }

  /** The second code, to be shown with the check: the other device calls `checkLink`. */
  async reply(): Promise<string> {
    return (await this.#open().ask("reply")) as string;
  }

  /** Ends it: no transfer to this device opens any more. */
  async cancel(): Promise<void> {
    await this.#open().ask("cancel");
  }

  /** Closes the store; the link may be gone on with later. After `finish` that is the client's. */
  async close(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    await engine?.close();
  }

  /** For `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  protected async finished(transfer: string): Promise<Engine> {
    const engine = this.#open();
    await engine.finish(given.text(transfer));
    this.#engine = undefined;
    return engine;
  }

  #open(): Engine {
    if (this.#engine === undefined) throw closed();
    return this.#engine;
  }
}
