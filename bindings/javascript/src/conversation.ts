/** `Conversation`: the history with one contact, or of a group. */

import type { Engine } from "./engine.js";
import { type Source, decrypt } from "./files.js";
import * as given from "./given.js";
import type { GroupMember, Message, MessageName, SearchPage, Sendable, Sent } from "./values.js";

/** The history with one contact, or of a group. */
export class Conversation {
  readonly #engine: Engine;
  /** Address of the other side, or of the group. */
  readonly address: string;

  /** @internal */
  constructor(engine: Engine, address: string) {
    this.#engine = engine;
    this.address = address;
  }

  /** Writes; a string is a text. */
  async send(body: string | Sendable, options: { replyTo?: string } = {}): Promise<Sent> {
    const replyTo = options.replyTo === undefined ? undefined : given.text(options.replyTo);
    return (await this.#engine.ask("send", this.address, given.body(this.#engine, body), replyTo)) as Sent;
  }

  /** The latest messages, or the latest before the message `before`; oldest first. */
  async messages(options: { limit?: number; before?: MessageName } = {}): Promise<Message[]> {
    const limit = given.count(options.limit ?? 50);
    return (await this.#engine.ask("messages", this.address, limit, ...given.before(options.before))) as Message[];
  }

  /** A message by its author and id; `null` if it is not in this conversation, or not any more. */
  async message(name: MessageName): Promise<Message | null> {
    return (await this.#engine.ask("message", this.address, ...given.name(name))) as Message | null;
  }

  /** The latest messages whose text contains `text`, in any case and form. One call opens 10,000 at most; `next` goes on. */
  async search(text: string, options: { limit?: number; before?: MessageName } = {}): Promise<SearchPage> {
    const limit = given.count(options.limit ?? 50);
    const before = given.before(options.before);
    return (await this.#engine.ask("search", this.address, given.text(text), limit, ...before)) as SearchPage;
  }

  /**
   * Decrypts the file of a message from its encrypted one, part by part. `to` is closed when it was whole and the one that the message means, and
   * aborted otherwise: use nothing of it before.
   */
  async decryptFile(message: MessageName, from: Source, to: WritableStream<Uint8Array>): Promise<void> {
    await decrypt(this.#engine, [this.address, ...given.name(message)], from, to);
  }

  /** Messages of others since the user last read. */
  async unread(): Promise<number> {
    return (await this.#engine.ask("unread", this.address)) as number;
  }

  /** The user has read everything. With `receipt` the others are told. */
  async markRead(receipt = true): Promise<void> {
    await this.#engine.ask("markRead", this.address, given.flag(receipt));
  }

  /** Reacts to a message with one emoji. */
  async react(message: MessageName, emoji: string): Promise<Sent> {
    return (await this.#engine.ask("react", this.address, ...given.name(message), given.text(emoji))) as Sent;
  }

  async unreact(message: MessageName, emoji: string): Promise<Sent> {
    return (await this.#engine.ask("unreact", this.address, ...given.name(message), given.text(emoji))) as Sent;
  }

  /** Replaces the text of a message of ours. */
  async edit(message: MessageName, text: string): Promise<Sent> {
    return (await this.#engine.ask("edit", this.address, ...given.name(message), given.text(text))) as Sent;
  }

  /** Deletes a message of ours here and asks the others to. */
  async delete(message: MessageName): Promise<Sent> {
    return (await this.#engine.ask("deleteMessage", this.address, ...given.name(message))) as Sent;
  }

  /** Deletes a message, of anybody's, for the user alone: here, and on our other devices. */
  async deleteForMe(message: MessageName): Promise<void> {
    await this.#engine.ask("deleteForMe", this.address, ...given.name(message));
  }

  /** Messages of both sides are deleted so many milliseconds after they were stored, from now on; `null` keeps them. */
  async setDisappearing(milliseconds: number | null): Promise<Sent> {
    const after = milliseconds === null ? undefined : given.number(milliseconds);
    return (await this.#engine.ask("setDisappearing", this.address, after)) as Sent;
  }

  async disappearing(): Promise<number | null> {
    return (await this.#engine.ask("disappearing", this.address)) as number | null;
  }

  // Of a group.

  async isGroup(): Promise<boolean> {
    return (await this.#engine.ask("isGroup", this.address)) as boolean;
  }

  /** The name of the group. */
  async name(): Promise<string> {
    return (await this.#engine.ask("groupName", this.address)) as string;
  }

  /** The members of the group, who belongs to it longest first; ourselves among them. */
  async members(): Promise<GroupMember[]> {
    return (await this.#engine.ask("members", this.address)) as GroupMember[];
  }

  /** False as long as we are only invited, and after we left or were removed. */
  async isJoined(): Promise<boolean> {
    return (await this.#engine.ask("isJoined", this.address)) as boolean;
  }

  /** True when something is known to be missing here: somebody may have been put out, and would read what we write. */
  async isIncomplete(): Promise<boolean> {
    return (await this.#engine.ask("isIncomplete", this.address)) as boolean;
  }

  /** Address of who invited us. */
  async invitedBy(): Promise<string | null> {
    return (await this.#engine.ask("invitedBy", this.address)) as string | null;
  }

  /** Takes part in the group that we were invited to. */
  async join(): Promise<void> {
    await this.#engine.ask("join", this.address);
  }

  /** Leaves the group. Its history stays here. */
  async leave(): Promise<void> {
    await this.#engine.ask("leave", this.address);
  }

  /** Deletes the group with all its messages, and leaves it if we belong to it. */
  async deleteGroup(): Promise<void> {
    await this.#engine.ask("deleteGroup", this.address);
  }

  /** Gives the group another name. For admins. */
  async rename(name: string): Promise<void> {
    await this.#engine.ask("rename", this.address, given.text(name));
  }

  /** Invites contacts. For admins. */
  async addMembers(addresses: string[]): Promise<void> {
    await this.#engine.ask("addMembers", this.address, given.texts(addresses));
  }

  /** Puts members out: nothing that is written from now on goes to them. For admins. */
  async removeMembers(addresses: string[]): Promise<void> {
    await this.#engine.ask("removeMembers", this.address, given.texts(addresses));
  }

  async addAdmins(addresses: string[]): Promise<void> {
    await this.#engine.ask("addAdmins", this.address, given.texts(addresses));
  }

  async removeAdmins(addresses: string[]): Promise<void> {
    await this.#engine.ask("removeAdmins", this.address, given.texts(addresses));
  }
}
