/** Backups as the core reads and writes them: a `Blob`, from its beginning to its end. */

import type { File } from "./place.js";

/** How many parts are held one by one before they are put together, which a browser may do on its disk. */
const MOST = 256;

/** What is being written, part by part. */
export class Parts implements File {
  #parts: (Blob | Uint8Array<ArrayBuffer>)[] = [];
  #size = 0;

  size(): number {
    return this.#size;
  }

  read(_to: Uint8Array, _at: number): number {
    return 0;
  }

  write(from: Uint8Array): number {
    // It is a part of the core's memory, where something else is soon.
    this.#parts.push(from.slice());
    this.#size += from.length;
    if (this.#parts.length >= MOST) this.#parts = [new Blob(this.#parts)];
    return from.length;
  }

  truncate(): void {}

  flush(): void {}

  close(): void {}

  blob(): Blob {
    return new Blob(this.#parts);
  }
}

/** What reads parts of a blob at once: workers of a browser have it. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** A blob as the core reads it: part by part where that can be done, else whole. */
export async function source(blob: Blob): Promise<File> {
  if ("FileReaderSync" in globalThis) {
    const reader = new FileReaderSync();
    return new Source(blob.size, (at, end) => new Uint8Array(reader.readAsArrayBuffer(blob.slice(at, end))));
  }
  const whole = new Uint8Array(await blob.arrayBuffer());
  return new Source(whole.length, (at, end) => whole.subarray(at, end));
}

class Source extends Parts {
  readonly #whole: number;
  readonly #part: (at: number, end: number) => Uint8Array;

  constructor(size: number, part: (at: number, end: number) => Uint8Array) {
    super();
    this.#whole = size;
    this.#part = part;
  }

  override size(): number {
    return this.#whole;
  }

  override read(to: Uint8Array, at: number): number {
    const part = this.#part(at, at + to.length);
    to.set(part);
    return part.length;
  }
}
