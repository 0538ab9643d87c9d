/** `Client`: an identity, its store, its sessions and conversations. */

import { Conversation } from "./conversation.js";
import type { Engine } from "./engine.js";
import type { EncryptedFile } from "./encrypted_file.js";
import { type Source, encrypt } from "./files.js";
import * as given from "./given.js";
import { People } from "./people.js";
import type {
  Backlog,
  ConversationSummary,
  Event,
  Inspection,
  KeptEvent,
  ListedConversation,
  MessageIn,
  OutgoingEnvelope,
  OutgoingMessage,
  Received,
  SearchPage,
  Sendable,
  Sent,
  ShredReport,
  StateChange,
  StateDocument,
  StateOwner,
  UnhandledMessage,
  WaitingMessage,
} from "./values.js";

/** How many events are read at a time. */
const PAGE = 100;

/** What all platforms have in common; each opens it in its own way. */
export class BaseClient extends People {
  readonly #waiting = new Set<() => void>();
  readonly #posted = new Set<() => void>();
  readonly #changed = new Set<() => void>();
  readonly #received = new Set<() => void>();
  #closed = false;

  /** @internal */
  constructor(engine: Engine) {
    super(engine);
    engine.onPosted = () => {
      for (const listener of this.#posted) queueMicrotask(listener);
    };
    engine.onChanged = () => {
      for (const listener of this.#changed) queueMicrotask(listener);
    };
    engine.onReceived = () => this.#wake();
  }

  /** Our address: 61 characters, begins with `wl1`. */
  get address(): string {
    return this.engine.address;
  }

  /** The number of this device within its identity. */
  get deviceId(): number {
    return this.engine.deviceId;
  }

  // Out and in.

  /** Writes to a contact or a group; a string is a text. When this is fulfilled, the message and its envelopes are durable. */
  async send(to: string, body: string | Sendable, options: { replyTo?: string } = {}): Promise<Sent> {
    const replyTo = options.replyTo === undefined ? undefined : given.text(options.replyTo);
    return (await this.engine.ask("send", given.text(to), given.body(this.engine, body), replyTo)) as Sent;
  }

  /**
   * Encrypts a file of any size, part by part, to where the encrypted one is written; `to` is closed when it is whole, and aborted if that fails. What
   * this answers with is sent once the others can fetch the encrypted file.
   */
  async encryptFile(
    from: Source,
    to: WritableStream<Uint8Array>,
    file: { name: string; mediaType: string },
  ): Promise<EncryptedFile> {
    return await encrypt(this.engine, from, to, file);
  }

  /** Writes several messages in one transaction: all of them or none. */
  async sendMany(messages: OutgoingMessage[]): Promise<Sent[]> {
    return (await this.engine.ask("sendMany", given.messages(this.engine, messages))) as Sent[];
  }

  /**
   * The oldest envelopes that wait for the transport, at most 1,000; after the one numbered `after`. Beside messages there are receipts,
   * requests for what is missing, and messages that are sent again; so look here after every `receive`, or listen with `onOutbox`.
   */
  async outbox(after = 0): Promise<OutgoingEnvelope[]> {
    return (await this.engine.ask("outbox", given.number(after))) as OutgoingEnvelope[];
  }

  /** Removes what the transport took over for good. Numbers that are not there any more are no error. */
  async markSent(ids: number[]): Promise<void> {
    await this.engine.ask("markSent", given.numbers(ids));
  }

  /** Calls `listener` whenever something was put into the outbox; answers with what ends that. */
  onOutbox(listener: () => void): () => void {
    this.#posted.add(listener);
    return () => this.#posted.delete(listener);
  }

  /**
   * Calls `listener` whenever something was written, changed or deleted with this store, in whichever tab; `takeChanges` has what. Answers with what ends
   * that.
   */
  onChange(listener: () => void): () => void {
    this.#changed.add(listener);
    return () => this.#changed.delete(listener);
  }

  /**
   * What was written, changed or deleted with this store since the last call, as the events that another device of ours would be told: each once, in
   * their order; a message is as it is now. Of several tabs one takes each, and of more than 1,000 that nobody took `missed` is told. Take until there is
   * none.
   */
  async takeChanges(limit = PAGE): Promise<Event[]> {
    return (await this.engine.ask("takeChanges", given.count(limit))) as Event[];
  }

  /**
   * Does what is due by now, as every call does, and says when the next message is due that was scheduled (`Conversation.sendAt`); `null` if none is. A page
   * sets a timer for it, and calls this again.
   */
  async nextDue(): Promise<Date | null> {
    return (await this.engine.ask("nextDue")) as Date | null;
  }

  /** Calls `listener` whenever envelopes were taken in, in whichever tab: what is shown may be no more so. Answers with what ends that. */
  onReceived(listener: () => void): () => void {
    this.#received.add(listener);
    return () => this.#received.delete(listener);
  }

  /**
   * Takes in an envelope that the transport delivered. Whatever the events tell is durable.
   *
   * Bytes that are no envelope, or not for this device, are an error; an envelope that cannot be decrypted is an event.
   */
  async receive(envelope: Uint8Array): Promise<Event[]> {
    const events = (await this.engine.ask("receive", given.bytes(envelope))) as Event[];
    this.#wake();
    return events;
  }

  /** Takes in several envelopes in one transaction. The answers are in the same order. */
  async receiveMany(envelopes: Uint8Array[]): Promise<Received[]> {
    const received = (await this.engine.ask("receiveMany", envelopes.map(given.bytes))) as Received[];
    this.#wake();
    return received;
  }

  /** Does what is due by now. Every other call does it too; so only a program that waits for long without calling anything needs it. */
  async maintain(): Promise<void> {
    await this.engine.ask("maintain");
    this.#wake();
  }

  // Events that are told again until they were handled.

  /**
   * The events of all envelopes from now on, each told until it was handled: it is when the loop asks for the next one. So whenever the
   * process dies, the one that was at work is told again. Ends when the client is closed.
   *
   *     for await (const event of client.events()) if (event.type === "message") console.log(event.message.text);
   *
   * One loop at a time. What only says how the work goes on (`sessionEstablished`, `duplicate` and the like) is told by `receive` alone.
   */
  async *events(): AsyncGenerator<Event, void, void> {
    await this.keepEvents(true);
    while (!this.#closed) {
      const woken = new Promise<void>((wake) => this.#waiting.add(wake));
      const page = await this.eventsAfter(undefined, PAGE);
      for (const { cursor, event } of page) {
        yield event;
        if (this.#closed) return;
        await this.eventsHandled(cursor);
      }
      if (page.length === 0) await woken;
    }
  }

  /** Whether events that come from now on are kept until `eventsHandled`; kept in the store. Off, what was kept is forgotten. */
  async keepEvents(keep: boolean): Promise<void> {
    await this.engine.ask("keepEvents", given.flag(keep));
  }

  /** The events that are kept, in their order: those behind a cursor, or the oldest. */
  async eventsAfter(cursor?: string, limit = PAGE): Promise<KeptEvent[]> {
    const after = cursor === undefined ? undefined : given.text(cursor);
    return (await this.engine.ask("eventsAfter", after, given.count(limit))) as KeptEvent[];
  }

  /** The events up to this cursor were handled: they are not told again. */
  async eventsHandled(upTo: string): Promise<void> {
    await this.engine.ask("eventsHandled", given.text(upTo));
  }

  // For programs that answer.

  /** Whether messages that come from now on wait until `handled` is called for them; kept in the store. */
  async keepUnhandled(keep: boolean): Promise<void> {
    await this.engine.ask("keepUnhandled", given.flag(keep));
  }

  /** The messages of others that wait to be handled, in the order they came. After a crash the same ones again. */
  async unhandled(limit = PAGE): Promise<UnhandledMessage[]> {
    return (await this.engine.ask("unhandled", given.count(limit))) as UnhandledMessage[];
  }

  /** The same messages without what they say, those with a number above `after`. */
  async waiting(after = 0, limit = 1_000): Promise<WaitingMessage[]> {
    return (await this.engine.ask("waiting", given.number(after), given.count(limit))) as WaitingMessage[];
  }

  /** One that waits; `null` if it was handled, or deleted meanwhile. */
  async unhandledMessage(number: number): Promise<UnhandledMessage | null> {
    return (await this.engine.ask("unhandledMessage", given.number(number))) as UnhandledMessage | null;
  }

  /** Notes how often handling a message was begun. */
  async setAttempts(number: number, attempts: number): Promise<void> {
    await this.engine.ask("setAttempts", given.number(number), given.count(attempts));
  }

  /** A message was handled, and these are the answers: both become durable together, or neither. */
  async handled(number: number, answers: OutgoingMessage[] = []): Promise<Sent[]> {
    return (await this.engine.ask("handled", given.number(number), given.messages(this.engine, answers))) as Sent[];
  }

  /** Of whom most waits to be handled, the most first. */
  async backlog(limit = PAGE): Promise<Backlog[]> {
    return (await this.engine.ask("backlog", given.count(limit))) as Backlog[];
  }

  /** Nothing of somebody waits any more; answers how many messages that were. They stay in the history. */
  async dropBacklog(address: string): Promise<number> {
    return (await this.engine.ask("dropBacklog", given.text(address))) as number;
  }

  /** A document of the program's; `null` if there is none of this name. At most 16 KiB. */
  async state(owner: StateOwner, name: string): Promise<Uint8Array | null> {
    return (await this.engine.ask("state", given.owner(owner), given.text(name))) as Uint8Array | null;
  }

  /** All documents of an owner, in no order. */
  async states(owner: StateOwner): Promise<StateDocument[]> {
    return (await this.engine.ask("states", given.owner(owner))) as StateDocument[];
  }

  /**
   * Everything that comes of one event, in one transaction: that a waiting message was handled, what is said, and what is to be remembered. All of
   * it becomes durable, or nothing.
   */
  async commit(event: { handled?: number; messages?: OutgoingMessage[]; changes?: StateChange[] }): Promise<Sent[]> {
    const { handled, messages = [], changes = [] } = event;
    const number = handled === undefined ? undefined : given.number(handled);
    return (await this.engine.ask("commit", number, given.messages(this.engine, messages), given.changes(changes))) as Sent[];
  }

  /** Whether a program writes with this client, and not a person: its messages say so. Not kept in the store. */
  async setBot(bot: boolean): Promise<void> {
    await this.engine.ask("setBot", given.flag(bot));
  }

  /** 32 bytes that nobody else has, the same as long as this store is there: for a transport that names a mailbox. */
  async transportSecret(): Promise<Uint8Array> {
    return (await this.engine.ask("transportSecret")) as Uint8Array;
  }

  // Conversations and groups.

  /** The conversations, the latest activity first. */
  async conversations(): Promise<ConversationSummary[]> {
    return (await this.engine.ask("conversations")) as ConversationSummary[];
  }

  /**
   * A page of the list of chats: the conversations in which something happened last, or those behind the `position` of one that was listed. What it
   * costs does not grow with the number of conversations.
   */
  async conversationPage(options: { limit?: number; after?: number } = {}): Promise<ListedConversation[]> {
    const after = options.after === undefined ? undefined : given.number(options.after);
    return (await this.engine.ask("conversationPage", given.count(options.limit ?? 50), after)) as ListedConversation[];
  }

  /** Messages of others since the user last read, in all conversations. */
  async unread(): Promise<number> {
    return (await this.engine.ask("unreadInAll")) as number;
  }

  /** Those of them that mention the user, by what they say now. */
  async unreadMentions(): Promise<number> {
    return (await this.engine.ask("unreadMentionsInAll")) as number;
  }

  /**
   * The messages of all conversations whose text contains `text`, as `Conversation.search` finds them: one conversation after the other, in each the
   * latest first. One call opens 10,000 at most; `next` goes on.
   */
  async search(text: string, options: { limit?: number; before?: MessageIn } = {}): Promise<SearchPage> {
    const limit = given.count(options.limit ?? 50);
    return (await this.engine.ask("searchInAll", given.text(text), limit, ...given.beforeInAll(options.before))) as SearchPage;
  }

  /** The conversation with an address, or of a group. */
  conversation(address: string): Conversation {
    return new Conversation(this.engine, given.text(address));
  }

  /** Deletes a conversation for the user alone: here, and on our other devices. */
  async deleteConversation(address: string): Promise<void> {
    await this.engine.ask("deleteConversation", given.text(address));
  }

  /** Makes a group of us and these contacts, who are invited to it; we are its admin. */
  async createGroup(name: string, members: string[] = []): Promise<Conversation> {
    const address = await this.engine.ask("createGroup", given.text(name), given.texts(members));
    return new Conversation(this.engine, address as string);
  }

  // The store.

  /** Numbers about the store without secrets, safe to paste into a bug report. */
  async inspect(): Promise<Inspection> {
    return (await this.engine.ask("inspect")) as Inspection;
  }

  /** The time by the clock that the client goes by. */
  async now(): Promise<Date> {
    return (await this.engine.ask("now")) as Date;
  }

  /**
   * What a service worker needs to show what a push brought (`windlass-chat/push`), sealed under 32 bytes that the two share: never the store's key. Make it
   * anew after each `receive` and each send, or at the latest when the page is left; it is read for 7 days.
   */
  async handOver(key: given.Key): Promise<Uint8Array> {
    return (await this.engine.ask("handOver", ...given.key(key))) as Uint8Array;
  }

  /** Makes everything that was replaced or deleted unreadable for good. `close` does it too. */
  async shred(): Promise<ShredReport> {
    return (await this.engine.ask("shred")) as ShredReport;
  }

  /**
   * Identity, contacts and history, sealed under a key of its own: `Client.restore` makes a new device of it. No ratchets and no prekeys, which must
   * not be used twice.
   */
  async backup(key: given.Key): Promise<Blob> {
    return await this.engine.backup(...given.key(key));
  }

  /** Changes what opens the store; the former key opens nothing any more. */
  async changeKey(key: given.Key): Promise<void> {
    await this.engine.ask("changeKey", ...given.key(key));
  }

  /** Deletes what is due, shreds, and closes the store. A second `close` does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#received.clear();
    this.#changed.clear();
    this.#wake();
    await this.engine.close();
  }

  /** For `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
    for (const listener of this.#received) queueMicrotask(listener);
  }
}
