/** Where the core runs: in this thread, or in a worker. */

import type { Client as Core } from "./wasm/windlass.js";

/** What the core can be asked. */
export type Asked = {
  [Name in keyof Core]: Core[Name] extends (...given: never[]) => unknown ? Name : never;
}[keyof Core];

/** One open client of the core. */
export interface Engine {
  readonly address: string;
  readonly deviceId: number;
  /** Asks the core. What it answers is as the types of the package say. */
  ask<Name extends Asked>(name: Name, ...given: Parameters<Core[Name]>): Promise<unknown>;
  /** Is called when something was put into the outbox. */
  onPosted: () => void;
  /** Shreds, closes, and lets go of the files. */
  close(): Promise<void>;
}

/** How a platform opens a store. */
export type Open = (path: string, kind: string, key: Uint8Array, create: boolean) => Promise<Engine>;
