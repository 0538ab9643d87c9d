/**
 * Who has a store. Node locks no files, so each process that wants one listens on a socket in its folder, under a name that nobody had
 * before, and only then looks for others: whoever answers there has it. The system closes a socket with its process, however that
 * ends; so nothing stale keeps anybody out. Of two that come at once at least one sees the other.
 */

import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { type Server, connect, createServer } from "node:net";
import { join } from "node:path";

import { LocksUnsupported, StoreLocked } from "../errors.js";

const NAME = /^lock\.[0-9a-f]{12}$/;

/** That a store is ours. */
export interface Lock {
  release(): Promise<void>;
}

/** Takes the folder, or throws {@link StoreLocked}. */
export async function lock(folder: string): Promise<Lock> {
  if (process.platform === "win32") return new Listening(await listen(pipe(folder), folder), undefined);
  // The name of a socket has a hundred bytes at most; that of its folder may have more. Where the system shows open folders, it is named so.
  const opened = fs.openSync(folder, "r");
  try {
    const short = `/proc/self/fd/${opened}`;
    const reached = fs.existsSync(short) ? short : folder;
    const own = `lock.${randomBytes(6).toString("hex")}`;
    const held = new Listening(await listen(join(reached, own), folder), join(folder, own));
    try {
      for (const other of fs.readdirSync(folder)) {
        if (other === own || !NAME.test(other)) continue;
        if (await answers(join(reached, other))) throw locked();
        // Nobody can begin to listen there any more, or who does looks after us and sees us.
        fs.rmSync(join(folder, other), { force: true });
      }
    } catch (error) {
      await held.release();
      throw error;
    }
    return held;
  } finally {
    fs.closeSync(opened);
  }
}

/** Windows gives the name of a pipe to one process, until it ends. */
function pipe(folder: string): string {
  const { dev, ino } = fs.statSync(folder, { bigint: true });
  return `\\\\.\\pipe\\windlass-${dev}-${ino}`;
}

function listen(name: string, folder: string): Promise<Server> {
  return new Promise((done, failed) => {
    // Whoever calls is answered by the connection alone.
    const server = createServer((caller) => caller.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      failed(error.code === "EADDRINUSE" ? locked() : unsupported(folder, error));
    });
    server.listen(name, () => {
      server.unref();
      done(server);
    });
  });
}

/** Whether somebody listens. Only a refusal by the system says that nobody does. */
function answers(name: string): Promise<boolean> {
  return new Promise((done) => {
    const caller = connect(name);
    caller.once("connect", () => {
      caller.destroy();
      done(true);
    });
    caller.once("error", (error: NodeJS.ErrnoException) => {
      done(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
    });
  });
}

class Listening implements Lock {
  readonly #server: Server;
  readonly #file: string | undefined;

  constructor(server: Server, file: string | undefined) {
    this.#server = server;
    this.#file = file;
  }

  async release(): Promise<void> {
    await new Promise<void>((closed) => this.#server.close(() => closed()));
    if (this.#file !== undefined) fs.rmSync(this.#file, { force: true });
  }
}

function locked(): StoreLocked {
  return new StoreLocked({
    message: "another process has this store open",
    code: "store_locked",
    retry: true,
    advice: "Close the other process that has it.",
  });
}

function unsupported(folder: string, error: Error): LocksUnsupported {
  return new LocksUnsupported({
    message: `${folder} could not be locked: ${error.message}`,
    code: "locks_unsupported",
    retry: false,
    advice: "Put the store on a local disk, in a folder with a short path.",
  });
}
