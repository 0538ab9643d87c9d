/** `Conversation`: the history with one contact, or of a group. */

import type { Engine } from "./engine.js";
import type { EncryptedFile } from "./encrypted_file.js";
import { type Source, decrypt } from "./files.js";
import * as given from "./given.js";
import type { ChatSettings, GroupMember, GroupPermission, InvitationLink, Message, MessageName, MessageReceipts, RichText, ScheduledMessage, SearchPage, Sendable, Sent } from "./values.js";

/** The history with one contact, or of a group. A message is named by its author and its id: `{ author, id }` will do, and so does the message. */
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

  /** The latest messages before this one; oldest first. */
  async messagesBefore(message: MessageName, options: { limit?: number } = {}): Promise<Message[]> {
    const limit = given.count(options.limit ?? 50);
    return (await this.#engine.ask("messagesBefore", this.address, ...given.name(message), limit)) as Message[];
  }

  /** The next messages behind this one; oldest first. */
  async messagesAfter(message: MessageName, options: { limit?: number } = {}): Promise<Message[]> {
    const limit = given.count(options.limit ?? 50);
    return (await this.#engine.ask("messagesAfter", this.address, ...given.name(message), limit)) as Message[];
  }

  /** This message with those before and behind it; oldest first. What a jump to a message that was found shows. */
  async messagesAround(message: MessageName, options: { before?: number; after?: number } = {}): Promise<Message[]> {
    const [before, after] = [given.count(options.before ?? 25), given.count(options.after ?? 25)];
    return (await this.#engine.ask("messagesAround", this.address, ...given.name(message), before, after)) as Message[];
  }

  /** The message that this one answers; `null` if it answers none, or one that is not here any more. */
  async answered(message: MessageName): Promise<Message | null> {
    return (await this.#engine.ask("answered", this.address, ...given.name(message))) as Message | null;
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

  /** Those of them that mention the user, by what they say now. */
  async unreadMentions(): Promise<number> {
    return (await this.#engine.ask("unreadMentions", this.address)) as number;
  }

  /** The user has read everything. With `receipt` the others are told. */
  async markRead(receipt = true): Promise<void> {
    await this.#engine.ask("markRead", this.address, given.flag(receipt));
  }

  /** The user has read up to this message, and what comes behind it stays unread. With `receipt` the others are told. */
  async markReadUpTo(message: MessageName, receipt = true): Promise<void> {
    await this.#engine.ask("markReadUpTo", this.address, ...given.name(message), given.flag(receipt));
  }

  /** What became of the message of ours that has this id: whether it left, and who has it and has read it since when. */
  async receipts(messageId: string): Promise<MessageReceipts> {
    return (await this.#engine.ask("receipts", this.address, given.text(messageId))) as MessageReceipts;
  }

  /**
   * Tells the others that the user is writing, or is not any more. Call it when it begins, every ten seconds while it goes on, and when it ends
   * without a message. Nobody is told who has not answered yet.
   */
  async setTyping(active: boolean): Promise<void> {
    await this.#engine.ask("setTyping", this.address, given.flag(active));
  }

  /**
   * Tells a contact that the user is there, or is not any more. Nobody is told without this call: make it when the app comes to the front, every
   * twenty seconds while it is there, and with `false` when it goes. Nobody is told who has not answered yet, and no group.
   */
  async setAvailable(available: boolean): Promise<void> {
    await this.#engine.ask("setAvailable", this.address, given.flag(available));
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

  /** Writes a text whose parts mean something: `joinRuns` makes one. */
  async sendRich(text: Partial<RichText> & { text: string }, options: { replyTo?: string } = {}): Promise<Sent> {
    const replyTo = options.replyTo === undefined ? undefined : given.text(options.replyTo);
    return (await this.#engine.ask("sendRich", this.address, given.rich(text), replyTo)) as Sent;
  }

  /**
   * Writes a text that is sent at a time, at most a year ahead: kept in this store, and sent by whichever call comes first when it is time
   * (`Client.nextDue`), once. What is refused then stays in `scheduled`, with the code of the error.
   */
  async sendAt(at: Date, text: string, options: { replyTo?: string } = {}): Promise<ScheduledMessage> {
    const replyTo = options.replyTo === undefined ? undefined : given.text(options.replyTo);
    return (await this.#engine.ask("sendAt", this.address, given.time(at), given.text(text), replyTo)) as ScheduledMessage;
  }

  /** The same of a text whose parts mean something. */
  async sendRichAt(at: Date, text: Partial<RichText> & { text: string }, options: { replyTo?: string } = {}): Promise<ScheduledMessage> {
    const replyTo = options.replyTo === undefined ? undefined : given.text(options.replyTo);
    return (await this.#engine.ask("sendRichAt", this.address, given.time(at), given.rich(text), replyTo)) as ScheduledMessage;
  }

  /** What is to be sent to this conversation, and what could not be; what goes first in front. */
  async scheduled(): Promise<ScheduledMessage[]> {
    return (await this.#engine.ask("scheduled", this.address)) as ScheduledMessage[];
  }

  /** Takes a message back that is to be sent, or was not; false if it was sent or taken back before. */
  async cancelScheduled(messageId: string): Promise<boolean> {
    return (await this.#engine.ask("cancelScheduled", this.address, given.text(messageId))) as boolean;
  }

  /** Replaces the text of a message of ours, or what its attachment is accompanied by. Whose words they are stays as it was. */
  async editRich(message: MessageName, text: Partial<RichText> & { text: string }): Promise<Sent> {
    return (await this.#engine.ask("editRich", this.address, ...given.name(message), given.rich(text))) as Sent;
  }

  /** Sends what `encryptFile` answered, and a text with it. */
  async sendCaptioned(file: EncryptedFile, location: string, caption: Partial<RichText> & { text: string }): Promise<Sent> {
    const body = given.body(this.#engine, { type: "file", file, location });
    return (await this.#engine.ask("sendCaptioned", this.address, body, given.rich(caption))) as Sent;
  }

  /**
   * Writes here what stands in a text or attachment of any conversation, and says that it is forwarded. Whose it is is told with `nameAuthor`
   * alone. Mentions and suggestions are left out.
   */
  async forward(message: MessageName, options: { nameAuthor?: boolean } = {}): Promise<Sent> {
    const named = given.flag(options.nameAuthor ?? false);
    return (await this.#engine.ask("forward", this.address, ...given.name(message), named)) as Sent;
  }

  /** Puts a message at the top of the conversation, for everybody in it. Everybody there may; whoever does it last decides. */
  async pinMessage(message: MessageName): Promise<Sent> {
    return (await this.#engine.ask("pinMessage", this.address, ...given.name(message))) as Sent;
  }

  /** Takes a message from the top again, whoever put it there. */
  async unpinMessage(message: MessageName): Promise<Sent> {
    return (await this.#engine.ask("unpinMessage", this.address, ...given.name(message))) as Sent;
  }

  /** The messages at the top, the one that was put there last first: at most 64. */
  async pinned(): Promise<Message[]> {
    return (await this.#engine.ask("pinned", this.address)) as Message[];
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

  // What the user sets, on all devices.

  /** What the user set for this conversation, on whichever device. */
  async settings(): Promise<ChatSettings> {
    return (await this.#engine.ask("chatSettings", this.address)) as ChatSettings;
  }

  /** The application tells nobody of what comes, until this time; `null` lets it tell again. */
  async setMutedUntil(until: Date | null): Promise<void> {
    await this.#engine.ask("setMutedUntil", this.address, until === null ? undefined : given.time(until));
  }

  /** Puts it into the archive, or takes it out again. A message that comes does not. */
  async setArchived(archived: boolean): Promise<void> {
    await this.#engine.ask("setArchived", this.address, given.flag(archived));
  }

  /** Puts it at the top of the list, or takes it from there. The order of `conversationPage` does not change by it. */
  async setPinned(pinned: boolean): Promise<void> {
    await this.#engine.ask("setPinned", this.address, given.flag(pinned));
  }

  /** Marks it as unread until it is read, whatever is unread in it. */
  async markUnread(): Promise<void> {
    await this.#engine.ask("markUnread", this.address);
  }

  /** The user's own name for it, of at most 256 bytes; `null`, or nothing but white space, takes it away. Nobody else is told. */
  async setNickname(nickname: string | null): Promise<void> {
    await this.#engine.ask("setNickname", this.address, nickname === null ? undefined : given.text(nickname));
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

  /** What the group is about; empty for nothing. A member wrote it. */
  async description(): Promise<string> {
    return (await this.#engine.ask("description", this.address)) as string;
  }

  /** Says what the group is about, in at most 1,024 bytes. */
  async setDescription(description: string): Promise<void> {
    await this.#engine.ask("setDescription", this.address, given.text(description));
  }

  /** The picture of the group: PNG, JPEG or WebP, at most 16,384 bytes. A member gave it. */
  async picture(): Promise<Uint8Array | undefined> {
    return (await this.#engine.ask("picture", this.address)) as Uint8Array | undefined;
  }

  /** Gives the group a picture of PNG, JPEG or WebP, of at most 16,384 bytes, or none. */
  async setPicture(picture: Uint8Array | undefined): Promise<void> {
    await this.#engine.ask("setPicture", this.address, picture === undefined ? undefined : given.bytes(picture));
  }

  /** Whether admins alone may do something. */
  async isForAdmins(permission: GroupPermission): Promise<boolean> {
    return (await this.#engine.ask("isForAdmins", this.address, given.text(permission))) as boolean;
  }

  /** Keeps something for admins, or leaves it to everybody. With `"write"` the group is for announcements. For admins. */
  async setForAdmins(permission: GroupPermission, adminsOnly: boolean): Promise<void> {
    await this.#engine.ask("setForAdmins", this.address, given.text(permission), given.flag(adminsOnly));
  }

  /**
   * Makes a link by which so many people, 1 to 64, ask to be let into the group within so many milliseconds, 14 days at most. They are let in while
   * this device is at work, by us, as the others see. For who may add members.
   */
  async createInvitationLink(uses: number, expiresIn: number): Promise<InvitationLink> {
    return (await this.#engine.ask("createInvitationLink", this.address, given.count(uses), given.number(expiresIn))) as InvitationLink;
  }

  /** The links to the group that this device made and that are of use, the eldest first. */
  async invitationLinks(): Promise<InvitationLink[]> {
    return (await this.#engine.ask("invitationLinks", this.address)) as InvitationLink[];
  }

  /** From now on a link lets nobody in. One that is not there is no error. */
  async revokeInvitationLink(id: string): Promise<void> {
    await this.#engine.ask("revokeInvitationLink", this.address, given.text(id));
  }

  /** Whether we may do something in the group: for what a screen offers. */
  async may(permission: GroupPermission): Promise<boolean> {
    return (await this.#engine.ask("may", this.address, given.text(permission))) as boolean;
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
