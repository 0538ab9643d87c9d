/** Windlass for browsers: the core in a worker, the store in the private file system of the page's origin. */

import { BaseClient } from "../client.js";
import { CodeReader as Reader } from "../code_reader.js";
import type { Engine, Opened, Wanted } from "../engine.js";
import { StoreNotFound } from "../errors.js";
import * as given from "../given.js";
import { BaseLink } from "../link.js";
import type * as tools from "../tools.js";
import { Line, Remote } from "./remote.js";

/** An identity, its store, its sessions and conversations. */
export class Client extends BaseClient {
  /** Makes a new store called `name`, and a new identity in it. Refuses a name that is taken. */
  static async create(name: string, key: given.Key): Promise<Client> {
    // What a browser may throw away when it needs room is no place for keys. It may ask the user, or say no; `isPersistent` tells.
    await navigator.storage?.persist?.();
    return new Client(await opened(name, key, true));
  }

  /** Opens the store called `name`. Never makes one. One tab has it at a time. */
  static async open(name: string, key: given.Key): Promise<Client> {
    return new Client(await opened(name, key, false));
  }

  /** Opens the store called `name`, or makes one if there is none. */
  static async openOrCreate(name: string, key: given.Key): Promise<Client> {
    try {
      return await Client.open(name, key);
    } catch (error) {
      if (!(error instanceof StoreNotFound)) throw error;
      return await Client.create(name, key);
    }
  }

  /** Makes a new store called `name` from a backup: the same identity on a new device, with contacts and history. Sessions begin anew. */
  static async restore(name: string, key: given.Key, backup: Blob, backupKey: given.Key): Promise<Client> {
    await navigator.storage?.persist?.();
    return new Client(await opened(name, key, true, false, given.backup(backup, backupKey)));
  }

  /** Deletes a store, which nobody may have open, with everything in it. */
  static async remove(name: string): Promise<void> {
    await once((line) => line.ask({ does: "remove", name: given.text(name) }));
  }

  /** Whether the browser keeps the stores of this page until the user deletes them. */
  static async isPersistent(): Promise<boolean> {
    return (await navigator.storage?.persisted?.()) ?? false;
  }
}

/** A device that is to become one of an identity that there is, in a store of its own. */
export class DeviceLink extends BaseLink {
  /** Begins in a new store called `name`. */
  static async create(name: string, key: given.Key): Promise<DeviceLink> {
    await navigator.storage?.persist?.();
    return new DeviceLink(await opened(name, key, true, true));
  }

  /** Goes on with what was begun in the store called `name`. */
  static async open(name: string, key: given.Key): Promise<DeviceLink> {
    return new DeviceLink(await opened(name, key, false, true));
  }

  /**
   * Takes the code that the other device shows last, once the user has seen the same on both: this device is one of the identity then. Contacts and
   * history come from the other devices, which are asked by what is in the outbox.
   */
  async finish(transfer: string): Promise<Client> {
    return new Client(await this.finished(transfer));
  }
}

type Backup = Required<Pick<Wanted, "backup">>;

async function opened(name: string, key: given.Key, create: boolean, link = false, backup?: Backup): Promise<Engine> {
  const [kind, bytes] = given.key(key);
  const line = new Line();
  try {
    const answer = await line.ask({ does: "open", name: given.text(name), kind, key: bytes, create, link, ...backup });
    return new Remote(line, answer as Opened);
  } catch (error) {
    line.end(error as Error);
    throw error;
  } finally {
    bytes.fill(0);
    backup?.backup.key.fill(0);
  }
}

async function once(ask: (line: Line) => Promise<unknown>): Promise<unknown> {
  const line = new Line();
  try {
    return await ask(line);
  } finally {
    line.end(new Error("it was asked once"));
  }
}

/** The tools are called in a worker of their own, which goes on for the next call. */
let helper: Line | undefined;

async function tool<Name extends keyof typeof tools>(name: Name, ...given: Parameters<(typeof tools)[Name]>): Promise<ReturnType<(typeof tools)[Name]>> {
  helper ??= new Line();
  try {
    return (await helper.ask({ does: "tool", tool: name, given })) as ReturnType<(typeof tools)[Name]>;
  } catch (error) {
    if (helper?.isOver) helper = undefined;
    throw error;
  }
}

/** As in Node; here each is a promise, for the core is in a worker. */
type Later<Call extends (...given: never[]) => unknown> = (...given: Parameters<Call>) => Promise<ReturnType<Call>>;

/** A QR code of a text as an SVG document, black on white, or light on dark. */
export const qrSvg: Later<typeof tools.qrSvg> = (...given) => tool("qrSvg", ...given);
/** The same as a PNG file. */
export const qrPng: Later<typeof tools.qrPng> = (...given) => tool("qrPng", ...given);
/** The texts of the QR codes that show a URI: one, or several to be shown in turn. */
export const qrFrames: Later<typeof tools.qrFrames> = (...given) => tool("qrFrames", ...given);
/** What the QR codes of a picture say, the bytes of a PNG or JPEG file. */
export const qrRead: Later<typeof tools.qrRead> = (...given) => tool("qrRead", ...given);
/** The first invitation of a text, or else the first address. */
export const findContact: Later<typeof tools.findContact> = (...given) => tool("findContact", ...given);
/** The text by which two texts are compared. */
export const foldText: Later<typeof tools.foldText> = (...given) => tool("foldText", ...given);
/** A text as a command: a prefix, a name, words; `null` if it begins with something else. */
export const readCommand: Later<typeof tools.readCommand> = (...given) => tool("readCommand", ...given);
/** A typed number as JavaScript reads it; `null` if it is none, or may be one of two. */
export const readNumber: Later<typeof tools.readNumber> = (...given) => tool("readNumber", ...given);
/** An emoji in its one form; `null` if the text is not one emoji and nothing else. */
export const readEmoji: Later<typeof tools.readEmoji> = (...given) => tool("readEmoji", ...given);

/** A text of pieces, one behind the other: so nobody has to count where a mention begins. */
export const joinRuns: Later<typeof tools.joinRuns> = (...given) => tool("joinRuns", ...given);
/** The pieces of a text, each with everything that it means and how it looks. */
export const textRuns: Later<typeof tools.textRuns> = (...given) => tool("textRuns", ...given);

/** Reads codes as a camera sees them: one, or several that belong together, in any order. */
export class CodeReader extends Reader {
  constructor() {
    super((texts) => tool("qrTexts", texts), (picture) => tool("qrCodes", picture));
  }
}

export { Conversation } from "../conversation.js";
export { EncryptedFile } from "../encrypted_file.js";
export type { Source } from "../files.js";
export { Session } from "../session.js";
export * from "../errors.js";
export type { Key } from "../given.js";
export type * from "../values.js";
