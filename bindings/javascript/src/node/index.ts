/** Windlass for Node: the core in this thread, the store in a folder. */

import "./core.js";

import { BaseClient } from "../client.js";
import { StoreNotFound } from "../errors.js";
import * as given from "../given.js";
import { open } from "../local.js";
import { take } from "./folder.js";

/** An identity, its store, its sessions and conversations. */
export class Client extends BaseClient {
  /** Makes a new store in the folder `path`, and a new identity in it. Refuses a folder that has one. */
  static async create(path: string, key: given.Key): Promise<Client> {
    const opened = given.key(key);
    return new Client(await open(await take(given.text(path), true), ...opened, true));
  }

  /** Opens the store in the folder `path`. Never makes one. */
  static async open(path: string, key: given.Key): Promise<Client> {
    const opened = given.key(key);
    return new Client(await open(await take(given.text(path), false), ...opened, false));
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

export { Conversation } from "../conversation.js";
export * from "../errors.js";
export { errors, findContact, qrRead, qrSvg } from "../tools.js";
export type { Key } from "../given.js";
export type * from "../values.js";
