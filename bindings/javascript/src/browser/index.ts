/** Windlass for browsers: the core in a worker, the store in the private file system of the page's origin. */

import { BaseClient } from "../client.js";
import { StoreNotFound } from "../errors.js";
import * as given from "../given.js";
import type { CodeProgress, FoundContact } from "../values.js";
import type { Opened } from "./messages.js";
import { Line, Remote } from "./remote.js";

/** An identity, its store, its sessions and conversations. */
export class Client extends BaseClient {
  /** Makes a new store called `name`, and a new identity in it. Refuses a name that is taken. */
  static async create(name: string, key: given.Key): Promise<Client> {
    // What a browser may throw away when it needs room is no place for keys. It may ask the user, or say no; `isPersistent` tells.
    await navigator.storage?.persist?.();
    return await opened(name, key, true);
  }

  /** Opens the store called `name`. Never makes one. One tab has it at a time. */
  static async open(name: string, key: given.Key): Promise<Client> {
    return await opened(name, key, false);
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

  /** Deletes a store, which nobody may have open, with everything in it. */
  static async remove(name: string): Promise<void> {
    await once((line) => line.ask({ does: "remove", name: given.text(name) }));
  }

  /** Whether the browser keeps the stores of this page until the user deletes them. */
  static async isPersistent(): Promise<boolean> {
    return (await navigator.storage?.persisted?.()) ?? false;
  }
}

async function opened(name: string, key: given.Key, create: boolean): Promise<Client> {
  const [kind, bytes] = given.key(key);
  const line = new Line();
  try {
    const answer = await line.ask({ does: "open", name: given.text(name), kind, key: bytes, create });
    return new Client(new Remote(line, answer as Opened));
  } catch (error) {
    line.end(error as Error);
    throw error;
  } finally {
    bytes.fill(0);
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

/** A QR code of a text as an SVG document, black on white, or light on dark. */
export async function qrSvg(text: string, options: { dark?: boolean } = {}): Promise<string> {
  return (await once((line) => line.ask({ does: "tool", tool: "qrSvg", given: [given.text(text), options] }))) as string;
}

/** What the QR codes of a picture say, the bytes of a PNG or JPEG file. */
export async function qrRead(picture: Uint8Array): Promise<CodeProgress> {
  return (await once((line) => line.ask({ does: "tool", tool: "qrRead", given: [given.bytes(picture)] }))) as CodeProgress;
}

/** The first invitation of a text, or else the first address. */
export async function findContact(text: string): Promise<FoundContact> {
  return (await once((line) => line.ask({ does: "tool", tool: "findContact", given: [given.text(text)] }))) as FoundContact;
}

export { Conversation } from "../conversation.js";
export * from "../errors.js";
export type { Key } from "../given.js";
export type * from "../values.js";
