/** A store in a folder of Node: `store`, `store.keys`, and the lock of who has it. */

import * as fs from "node:fs";
import { join } from "node:path";

import { FileUnusable, StoreExists, StoreNotFound } from "../errors.js";
import type { File, Place, StoreFile } from "../place.js";
import { lock, type Lock } from "./lock.js";

const NAMES: Record<StoreFile, string> = { rows: "store", unfinished: "store.new", keys: "store.keys" };

/** Takes the folder at `path` for this process; with `create` it is made where nothing is. */
export async function take(path: string, create: boolean): Promise<Place> {
  if (create) {
    fs.mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  let real: string;
  try {
    real = fs.realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new StoreNotFound({
      message: `there is no store at ${path}`,
      code: "store_not_found",
      retry: false,
      advice: "Check the path, or create a store.",
    });
  }
  if (!fs.statSync(real).isDirectory()) {
    if (create) {
      throw new StoreExists({
        message: `there is a file at ${path} already`,
        code: "store_exists",
        retry: false,
        advice: "Open it, or choose another path.",
      });
    }
    throw new FileUnusable({
      message: `${path} is a file; in JavaScript a store is a folder`,
      code: "file_unusable",
      retry: false,
      advice: "Look at the file that it names: its kind, its name, who may use it.",
    });
  }
  return new Folder(real, await lock(real));
}

class Folder implements Place {
  readonly path: string;
  readonly #lock: Lock;

  constructor(path: string, lock: Lock) {
    this.path = path;
    this.#lock = lock;
  }

  exists(file: StoreFile): boolean {
    // A link to nowhere is something, too.
    return fs.lstatSync(this.#named(file), { throwIfNoEntry: false }) !== undefined;
  }

  open(file: StoreFile): File | undefined {
    try {
      return new OpenFile(fs.openSync(this.#named(file), "r+"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** For its owner's eyes only; one that is there is left as it is. */
  create(file: StoreFile): File {
    const flags = fs.constants.O_RDWR | fs.constants.O_CREAT;
    const made = new OpenFile(fs.openSync(this.#named(file), flags, 0o600));
    this.#sync();
    return made;
  }

  publish(): void {
    fs.renameSync(this.#named("unfinished"), this.#named("rows"));
    this.#sync();
  }

  async release(): Promise<void> {
    await this.#lock.release();
  }

  #named(file: StoreFile): string {
    return join(this.path, NAMES[file]);
  }

  /** A name is durable once its folder is. Windows has no such call. */
  #sync(): void {
    if (process.platform === "win32") return;
    const folder = fs.openSync(this.path, "r");
    try {
      fs.fsyncSync(folder);
    } finally {
      fs.closeSync(folder);
    }
  }
}

class OpenFile implements File {
  readonly #file: number;

  constructor(file: number) {
    this.#file = file;
  }

  size(): number {
    return fs.fstatSync(this.#file).size;
  }

  read(to: Uint8Array, at: number): number {
    let read = 0;
    while (read < to.length) {
      const more = fs.readSync(this.#file, to, read, to.length - read, at + read);
      if (more === 0) break;
      read += more;
    }
    return read;
  }

  write(from: Uint8Array, at: number): number {
    let written = 0;
    while (written < from.length) {
      written += fs.writeSync(this.#file, from, written, from.length - written, at + written);
    }
    return written;
  }

  truncate(size: number): void {
    fs.ftruncateSync(this.#file, size);
  }

  flush(): void {
    fs.fdatasyncSync(this.#file);
  }

  close(): void {
    fs.closeSync(this.#file);
  }
}
