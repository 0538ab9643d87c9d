/** Where the core runs: in this thread, or in a worker. */

import type { Client as Core, Link } from "./wasm/windlass.js";

/** What can be called of a part of the core. */
type Calls<Part> = { [Name in keyof Part]: Part[Name] extends (...given: never[]) => unknown ? Name : never }[keyof Part];
/** What the core can be asked: of a client, or of a device that is to become one. */
export type Asked = Calls<Core> | Calls<Link>;
/** What each is asked with. */
export type Given<Name extends Asked> = Parameters<Extract<(Core & Link)[Name], (...given: never[]) => unknown>>;

/** What a page learns of what is open. */
export interface Opened {
  /** Empty while a device is being linked. */
  address: string;
  deviceId: number;
}

/** One open store of the core. */
export interface Engine extends Opened {
  /** Asks the core. What it answers is as the types of the package say. */
  ask<Name extends Asked>(name: Name, ...given: Given<Name>): Promise<unknown>;
  /** Is called when something was put into the outbox. */
  onPosted: () => void;
  /** Is called when something was written, here or in another tab. */
  onChanged: () => void;
  /** Is called when an envelope was taken in, here or in another tab. */
  onReceived: () => void;
  /** Of a device that is being linked: takes the transfer, and is the client of the identity from then on. */
  finish(transfer: string): Promise<void>;
  /** Of a client: everything but ratchets and prekeys, sealed under a key of its own. */
  backup(kind: string, key: Uint8Array): Promise<Blob>;
  /** Shreds, closes, and lets go of the files. */
  close(): Promise<void>;
}

/** What is opened: a client, or a store that waits for an identity. */
export interface Wanted {
  kind: string;
  key: Uint8Array;
  create: boolean;
  link: boolean;
  /** What a new store is made of, with what opens that. */
  backup?: { content: Blob; kind: string; key: Uint8Array };
}
