/** What a second process, a service worker, reads a push with. */

import { typed } from "./errors.js";
import * as given from "./given.js";
import type { Peeked } from "./values.js";
import * as core from "./wasm/windlass.js";

/**
 * What `Client.handOver` gave, opened where the store is not. It acknowledges and stores nothing and holds no lock: the same envelope is told the same way
 * each time, and the client receives it later as new.
 */
export class HandOver {
  readonly #core: core.HandOver;

  private constructor(opened: core.HandOver) {
    this.#core = opened;
  }

  /**
   * Opens it. `HandOverUnreadable`, `HandOverTooOld` and `HandOverNewer` say why it is not: show then that there may be something new, and no more.
   */
  static open(handedOver: Uint8Array, key: given.Key): HandOver {
    const [kind, bytes] = given.key(key);
    try {
      return new HandOver(core.HandOver.open(given.bytes(handedOver), kind, bytes));
    } catch (error) {
      throw typed(error);
    } finally {
      bytes.fill(0);
    }
  }

  /** Looks into an envelope that a push brought. Whatever it finds, nothing has changed. */
  peek(envelope: Uint8Array): Peeked {
    try {
      return this.#core.peek(given.bytes(envelope)) as Peeked;
    } catch (error) {
      throw typed(error);
    }
  }

  /** Forgets the keys. */
  close(): void {
    this.#core.free();
  }
}
