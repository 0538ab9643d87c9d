/**
 * A store in the browser's private file system of this origin. An open file cannot be renamed there, so one byte of a third file says whether
 * the store has its name.
 */

import { FileUnusable, StoreLocked, StoreNotFound } from "../errors.js";
import type { File, Place, StoreFile } from "../place.js";

const FOLDER = "windlass";
const FILES = ["store", "store.keys", "named"] as const;
/** A browser may let go of the files of a worker that ended later than of its locks. */
const PATIENCE = 10_000;
const PAUSE = 50;

/** Takes the store `name` for this worker, until `release`; `had` is its lock, if this worker has that already. */
export async function take(name: string, create: boolean, had?: () => void): Promise<Place> {
  const root = await privateFiles();
  const release = had ?? (await lock(name));
  try {
    const all = await root.getDirectoryHandle(FOLDER, { create: true });
    const folder = await directory(all, name, create);
    const handles: Handle[] = [];
    try {
      for (const file of FILES) handles.push(await opened(await folder.getFileHandle(file, { create: true })));
    } catch (error) {
      for (const handle of handles) handle.close();
      throw error;
    }
    return new Private(name, handles as [Handle, Handle, Handle], release);
  } catch (error) {
    release();
    throw error;
  }
}

/** Deletes a store for good. Nobody may have it open. */
export async function remove(name: string): Promise<void> {
  const root = await privateFiles();
  const release = await lock(name);
  try {
    const all = await root.getDirectoryHandle(FOLDER, { create: true });
    await all.removeEntry(encodeURIComponent(name), { recursive: true });
  } catch (error) {
    if ((error as DOMException).name === "NotFoundError") throw notFound(name);
    throw error;
  } finally {
    release();
  }
}

/** What a worker has and a page has not, so that the types of pages do not name it. */
interface Handle {
  getSize(): number;
  read(to: Uint8Array, where: { at: number }): number;
  write(from: Uint8Array, where: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

type Opens = FileSystemFileHandle & { createSyncAccessHandle(): Promise<Handle> };

/** Where a page may keep files; else an error. */
export async function privateFiles(): Promise<FileSystemDirectoryHandle> {
  let why = "the browser has none";
  try {
    const root = await navigator.storage?.getDirectory?.();
    if (root !== undefined && navigator.locks !== undefined && "FileSystemSyncAccessHandle" in globalThis) return root;
  } catch (error) {
    why = (error as Error).message;
  }
  throw new FileUnusable({
    message: `this page may not keep files: ${why}`,
    code: "file_unusable",
    retry: false,
    advice: "Open the page by https, in a window that is not private and in no frame of another site, in a browser with a private file system.",
  });
}

/** Has the name until the answer is called, or says that somebody else has it. */
function lock(name: string): Promise<() => void> {
  return request(name, { ifAvailable: true });
}

/** Has the name as soon as nobody else has it. */
export function free(name: string, signal: AbortSignal): Promise<() => void> {
  return request(name, { signal });
}

function request(name: string, options: LockOptions): Promise<() => void> {
  return new Promise((done, failed) => {
    const asked = navigator.locks.request(`windlass store ${name}`, options, (had) => {
      if (had === null) {
        failed(locked());
        return undefined;
      }
      return new Promise<void>((release) => done(release));
    });
    asked.catch(failed);
  });
}

async function directory(all: FileSystemDirectoryHandle, name: string, create: boolean): Promise<FileSystemDirectoryHandle> {
  try {
    return await all.getDirectoryHandle(encodeURIComponent(name), { create });
  } catch (error) {
    if ((error as DOMException).name !== "NotFoundError") throw error;
    throw notFound(name);
  }
}

async function opened(file: FileSystemFileHandle): Promise<Handle> {
  for (let waited = 0; ; waited += PAUSE) {
    try {
      return await (file as Opens).createSyncAccessHandle();
    } catch (error) {
      if ((error as DOMException).name !== "NoModificationAllowedError") throw error;
      if (waited >= PATIENCE) throw locked();
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  }
}

class Private implements Place {
  readonly path: string;
  readonly #handles: [rows: Handle, keys: Handle, named: Handle];
  readonly #unlock: () => void;

  constructor(name: string, handles: [Handle, Handle, Handle], unlock: () => void) {
    this.path = name;
    this.#handles = handles;
    this.#unlock = unlock;
  }

  exists(file: StoreFile): boolean {
    const [rows, keys] = this.#handles;
    switch (file) {
      case "rows":
        return this.#isNamed();
      case "unfinished":
        return !this.#isNamed() && rows.getSize() > 0;
      case "keys":
        return keys.getSize() > 0;
    }
  }

  open(file: StoreFile): File | undefined {
    return this.exists(file) ? this.create(file) : undefined;
  }

  create(file: StoreFile): File {
    const [rows, keys] = this.#handles;
    return new OpenFile(file === "keys" ? keys : rows);
  }

  publish(): void {
    const [, , named] = this.#handles;
    named.write(new Uint8Array([1]), { at: 0 });
    named.flush();
  }

  async release(): Promise<void> {
    for (const handle of this.#handles) handle.close();
    this.#unlock();
  }

  #isNamed(): boolean {
    const [, , named] = this.#handles;
    const byte = new Uint8Array(1);
    return named.read(byte, { at: 0 }) === 1 && byte[0] === 1;
  }
}

/** What is closed with its place, and not before: the store may open it once more. */
class OpenFile implements File {
  readonly #handle: Handle;

  constructor(handle: Handle) {
    this.#handle = handle;
  }

  size(): number {
    return this.#handle.getSize();
  }

  read(to: Uint8Array, at: number): number {
    return this.#handle.read(to, { at });
  }

  write(from: Uint8Array, at: number): number {
    return this.#handle.write(from, { at });
  }

  truncate(size: number): void {
    this.#handle.truncate(size);
  }

  flush(): void {
    this.#handle.flush();
  }

  close(): void {}
}

/** That somebody else has it. */
export function locked(): StoreLocked {
  return new StoreLocked({
    message: "another tab has this store open",
    code: "store_locked",
    retry: true,
    advice: "Close the other tab that has it.",
  });
}

function notFound(name: string): StoreNotFound {
  return new StoreNotFound({
    message: `there is no store called ${name}`,
    code: "store_not_found",
    retry: false,
    advice: "Check the name, or create a store.",
  });
}

