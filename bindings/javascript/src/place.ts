/** What a store is kept in. */

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
