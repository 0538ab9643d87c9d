/** The core in this thread. */

import type { Asked, Engine } from "./engine.js";
import { StoreClosed, typed } from "./errors.js";
import { Client as Core } from "./wasm/windlass.js";

/** The files of a store, as the core asks for them. */
export interface Place {
  readonly path: string;
  exists(file: StoreFile): boolean;
  open(file: StoreFile): File | undefined;
  create(file: StoreFile): File;
  publish(): void;
  /** Lets go of everything, at last of the lock. */
  release(): Promise<void>;
}

export type StoreFile = "rows" | "unfinished" | "keys";

/** An open file; what it is given to fill is a part of the core's memory. */
export interface File {
  size(): number;
  read(to: Uint8Array, at: number): number;
  write(from: Uint8Array, at: number): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/** That the core has failed: a fault of it ends all of it, for what is in its memory may be half done. What is in the files is whole. */
let failed: Error | undefined;

/** What was thrown, to be thrown on. */
function fault(error: unknown): unknown {
  if (error instanceof WebAssembly.RuntimeError) {
    failed = new Error("the core has failed; what is stored is whole: begin the process, or the worker, anew", { cause: error });
    return failed;
  }
  return typed(error);
}

/** Opens the store of a place, of which it has to let go. */
export async function open(place: Place, kind: string, key: Uint8Array, create: boolean): Promise<Engine> {
  try {
    if (failed !== undefined) throw failed;
    return new Local(create ? Core.create(place, kind, key) : Core.open(place, kind, key), place);
  } catch (error) {
    await place.release();
    throw fault(error);
  } finally {
    key.fill(0);
  }
}

class Local implements Engine {
  readonly address: string;
  readonly deviceId: number;
  onPosted: () => void = () => {};
  readonly #place: Place;
  #core: Core | undefined;

  constructor(core: Core, place: Place) {
    this.#core = core;
    this.#place = place;
    this.address = core.address();
    this.deviceId = core.deviceId();
  }

  async ask<Name extends Asked>(name: Name, ...given: Parameters<Core[Name]>): Promise<unknown> {
    const core = this.#core;
    if (core === undefined) throw closed();
    if (failed !== undefined) throw failed;
    try {
      return (core[name] as (...given: unknown[]) => unknown).apply(core, given);
    } catch (error) {
      throw fault(error);
    } finally {
      if (failed === undefined && core.hasPosted()) this.onPosted();
    }
  }

  async close(): Promise<void> {
    const core = this.#core;
    if (core === undefined) return;
    this.#core = undefined;
    try {
      if (failed === undefined) core.close();
    } catch (error) {
      throw fault(error);
    } finally {
      if (failed === undefined) core.free();
      await this.#place.release();
    }
  }
}

function closed(): StoreClosed {
  return new StoreClosed({
    message: "the store is closed",
    code: "store_closed",
    retry: false,
    advice: "Open the store again.",
  });
}
