/**
 * For a service worker, which starts no worker of its own: the core runs in it. In a page, and in Node, `Client.handOver` makes what is opened here.
 */

import type { Key } from "./given.js";
import { HandOver } from "./hand_over.js";
import start from "./wasm/windlass.js";

let started: Promise<unknown> | undefined;

/** Starts the core if it does not run, and opens what `Client.handOver` gave. */
export async function openHandOver(handedOver: Uint8Array, key: Key): Promise<HandOver> {
  await (started ??= start());
  return HandOver.open(handedOver, key);
}

export * from "./errors.js";
export type { Key } from "./given.js";
export type { HandOver } from "./hand_over.js";
export type { Peeked, PeekedMessage } from "./values.js";
