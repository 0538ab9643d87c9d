/** Windlass for Node: the core in this thread, the store in a folder. */

import "./core.js";

import { BaseClient } from "../client.js";
import { CodeReader as Reader } from "../code_reader.js";
import type { Engine, Wanted } from "../engine.js";
import { StoreNotFound } from "../errors.js";
import * as given from "../given.js";
import { BaseLink } from "../link.js";
import { open } from "../local.js";
import * as tools from "../tools.js";
import { take } from "./folder.js";

/** An identity, its store, its sessions and conversations. */
export class Client extends BaseClient {
  /** Makes a new store in the folder `path`, and a new identity in it. Refuses a folder that has one. */
  static async create(path: string, key: given.Key): Promise<Client> {
    return new Client(await opened(path, key, true));
  }

  /** Opens the store in the folder `path`. Never makes one. */
  static async open(path: string, key: given.Key): Promise<Client> {
    return new Client(await opened(path, key, false));
  }

  /** Makes a new store in the folder `path` from a backup: the same identity on a new device, with contacts and history. Sessions begin anew. */
  static async restore(path: string, key: given.Key, backup: Blob, backupKey: given.Key): Promise<Client> {
    return new Client(await opened(path, key, true, false, given.backup(backup, backupKey)));
  }

  /** Opens the store in the folder `path`, or makes one if there is none: for bots. */
  static async openOrCreate(path: string, key: given.Key): Promise<Client> {
    try {
      return await Client.open(path, key);
    } catch (error) {
      if (!(error instanceof StoreNotFound)) throw error;
      return await Client.create(path, key);
    }
  }
}

/** A device that is to become one of an identity that there is, in a store of its own. */
export class DeviceLink extends BaseLink {
  /** Begins in a new store in the folder `path`. */
  static async create(path: string, key: given.Key): Promise<DeviceLink> {
    return new DeviceLink(await opened(path, key, true, true));
  }

  /** Goes on with what was begun in the folder `path`. */
  static async open(path: string, key: given.Key): Promise<DeviceLink> {
    return new DeviceLink(await opened(path, key, false, true));
  }

  /**
   * Takes the code that the other device shows last, once the user has seen the same on both: this device is one of the identity then. Contacts and
   * history come from the other devices, which are asked by what is in the outbox.
   */
  async finish(transfer: string): Promise<Client> {
    return new Client(await this.finished(transfer));
  }
}

async function opened(path: string, key: given.Key, create: boolean, link = false, backup: Pick<Wanted, "backup"> = {}): Promise<Engine> {
  const [kind, bytes] = given.key(key);
  return await open(await take(given.text(path), create), { kind, key: bytes, create, link, ...backup });
}

/** Reads codes as a camera sees them: one, or several that belong together, in any order. */
export class CodeReader extends Reader {
  constructor() {
    super(tools.qrTexts, tools.qrCodes);
  }
}

export { Conversation } from "../conversation.js";
export * from "../errors.js";
export { EncryptedFile } from "../encrypted_file.js";
export type { Source } from "../files.js";
export { HandOver } from "../hand_over.js";
export { Session } from "../session.js";
export { errors, findContact, foldText, joinRuns, qrFrames, qrPng, qrRead, qrSvg, readCommand, readEmoji, readNumber, textRuns } from "../tools.js";
export type { Key } from "../given.js";
export type * from "../values.js";
