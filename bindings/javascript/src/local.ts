/** The core in this thread. */

import type { Asked, Engine, Given, Wanted } from "./engine.js";
import { closed, typed } from "./errors.js";
import { Parts, source } from "./parts.js";
import type { Place } from "./place.js";
import { Client as Core, Link } from "./wasm/windlass.js";

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

/** Asks the core for something that may be refused. */
export function asked<T>(call: () => unknown): T {
  if (failed !== undefined) throw failed;
  try {
    return call() as T;
  } catch (error) {
    throw fault(error);
  }
}

/** Opens the store of a place, of which it has to let go. */
export async function open(place: Place, { kind, key, create, link, backup }: Wanted): Promise<Engine> {
  try {
    if (failed !== undefined) throw failed;
    if (backup !== undefined) {
      const from = await source(backup.content);
      return new Local(Core.restore(place, kind, key, from, backup.kind, backup.key), place);
    }
    const part = link ? Link : Core;
    return new Local(create ? part.create(place, kind, key) : part.open(place, kind, key), place);
  } catch (error) {
    await place.release();
    throw fault(error);
  } finally {
    key.fill(0);
    backup?.key.fill(0);
  }
}

/** What a client in memory keeps in no place. */
const NOWHERE = { release: async (): Promise<void> => {} };

/** An open store of the core in this thread. */
export class Local implements Engine {
  address = "";
  deviceId = 0;
  onPosted: () => void = () => {};
  onChanged: () => void = () => {};
  onReceived: () => void = () => {};
  readonly #place: Pick<Place, "release">;
  #core: Core | Link | undefined;

  constructor(core: Core | Link, place: Pick<Place, "release"> = NOWHERE) {
    this.#core = core;
    this.#place = place;
    this.#named();
  }

  /** The core's client, if it is one and open. */
  get client(): Core | undefined {
    return this.#core instanceof Core ? this.#core : undefined;
  }

  /** Says so if something was put into the outbox, or written, by whatever call. */
  tellOfPost(): void {
    if (failed === undefined && this.client?.hasPosted()) this.onPosted();
    if (failed === undefined && this.client?.hasChanged()) this.onChanged();
  }

  #named(): void {
    if (!(this.#core instanceof Core)) return;
    this.address = this.#core.address();
    this.deviceId = this.#core.deviceId();
  }

  async ask<Name extends Asked>(name: Name, ...given: Given<Name>): Promise<unknown> {
    const core = this.#core;
    if (core === undefined) throw closed();
    try {
      return asked(() => (core as unknown as Record<Name, (...given: unknown[]) => unknown>)[name](...given));
    } finally {
      this.tellOfPost();
    }
  }

  async finish(transfer: string): Promise<void> {
    const link = this.#core;
    if (link === undefined) throw closed();
    if (link instanceof Core) return;
    this.#core = asked(() => link.finish(transfer));
    link.free();
    this.#named();
  }

  async backup(kind: string, key: Uint8Array): Promise<Blob> {
    const to = new Parts();
    await this.ask("exportBackup", to, kind, key);
    return to.blob();
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
