/** `Client`: an identity, its store, its sessions and conversations. */

import { Conversation } from "./conversation.js";
import type { Engine } from "./engine.js";
import * as given from "./given.js";
import type {
  Contact,
  ConversationSummary,
  DeviceInfo,
  Event,
  Inspection,
  KeptEvent,
  LinkCheck,
  OutgoingEnvelope,
  OutgoingMessage,
  PendingLink,
  Received,
  SafetyEmoji,
  Sendable,
  Sent,
  SessionStatus,
  ShredReport,
  TrustPolicy,
  UnhandledMessage,
  WaitingMessage,
} from "./values.js";

/** How many events are read at a time. */
const PAGE = 100;

/** What all platforms have in common; each opens it in its own way. */
export class BaseClient {
  /** @internal */
  protected readonly engine: Engine;
  readonly #waiting = new Set<() => void>();
  readonly #posted = new Set<() => void>();
  #closed = false;

  /** @internal */
  constructor(engine: Engine) {
    this.engine = engine;
    engine.onPosted = () => {
      for (const listener of this.#posted) queueMicrotask(listener);
    };
  }

  /** Our address: 61 characters, begins with `wl1`. */
  get address(): string {
    return this.engine.address;
  }

  /** The number of this device within its identity. */
  get deviceId(): number {
    return this.engine.deviceId;
  }

  // Invitations and contacts.

  /** An invitation for one person, as a URI for a message or a QR code (`qrSvg`). Show it once. */
  async invitation(): Promise<string> {
    return (await this.engine.ask("invitation")) as string;
  }

  /** The same as a link to a web page (`https://`), with the post-quantum keys in it. */
  async invitationLink(page: string): Promise<string> {
    return (await this.engine.ask("invitationLink", given.text(page))) as string;
  }

  /** An invitation that any number of people may use: for a poster or a web page. */
  async publicInvitation(): Promise<string> {
    return (await this.engine.ask("poster")) as string;
  }

  /** Our reusable bundle, as bytes for a transport to publish. */
  async bundle(): Promise<Uint8Array> {
    return (await this.engine.ask("bundle")) as Uint8Array;
  }

  /** Adds whom an invitation is of: a text with its URI or link in it, or a bundle that a transport had. */
  async addContact(invitation: string | Uint8Array): Promise<Contact> {
    const added =
      typeof invitation === "string"
        ? this.engine.ask("addContact", given.text(invitation))
        : this.engine.ask("addBundle", given.bytes(invitation));
    return (await added) as Contact;
  }

  /** A code to show to somebody who stands in front of us. Made anew for each person; never to be sent. */
  async inPersonCode(): Promise<string> {
    return (await this.engine.ask("inPersonCode")) as string;
  }

  /** Adds the person whose in-person code was scanned from their own screen, and marks them verified. */
  async meet(code: string): Promise<Contact> {
    return (await this.engine.ask("meet", given.text(code))) as Contact;
  }

  async contacts(): Promise<Contact[]> {
    return (await this.engine.ask("contacts")) as Contact[];
  }

  async contact(address: string): Promise<Contact> {
    return (await this.engine.ask("contact", given.text(address))) as Contact;
  }

  /** The user wants to talk with somebody who wrote first, or who was blocked. */
  async acceptContact(address: string): Promise<Contact> {
    return (await this.engine.ask("acceptContact", given.text(address))) as Contact;
  }

  /** Nothing of theirs is accepted, and nothing is sent to them. */
  async blockContact(address: string): Promise<Contact> {
    return (await this.engine.ask("blockContact", given.text(address))) as Contact;
  }

  /** Deletes a contact, the conversation and the sessions, on all our devices. */
  async removeContact(address: string): Promise<void> {
    await this.engine.ask("removeContact", given.text(address));
  }

  async trustPolicy(): Promise<TrustPolicy> {
    return (await this.engine.ask("trustPolicy")) as TrustPolicy;
  }

  async setTrustPolicy(policy: TrustPolicy): Promise<void> {
    if (!["firstUse", "verifiedOnly", "acceptAll"].includes(policy)) throw new TypeError(`no trust policy: ${policy}`);
    await this.engine.ask("setTrustPolicy", policy);
  }

  /** The 60 digits to compare with a contact. */
  async safetyNumber(address: string): Promise<string> {
    return (await this.engine.ask("safetyNumber", given.text(address))) as string;
  }

  /** The same as thirty pictures. */
  async safetyEmoji(address: string): Promise<SafetyEmoji[]> {
    return (await this.engine.ask("safetyEmoji", given.text(address))) as SafetyEmoji[];
  }

  /** Marks a contact verified if this is the safety number. */
  async verify(address: string, safetyNumber: string): Promise<void> {
    await this.engine.ask("verify", given.text(address), given.text(safetyNumber));
  }

  /** How far the session with a contact has come, and why. */
  async sessionStatus(address: string): Promise<SessionStatus> {
    return (await this.engine.ask("sessionStatus", given.text(address))) as SessionStatus;
  }

  // Out and in.

  /** Writes to a contact or a group; a string is a text. When this is fulfilled, the message and its envelopes are durable. */
  async send(to: string, body: string | Sendable, options: { replyTo?: string } = {}): Promise<Sent> {
    const replyTo = options.replyTo === undefined ? undefined : given.text(options.replyTo);
    return (await this.engine.ask("send", given.text(to), given.body(body), replyTo)) as Sent;
  }

  /** Writes several messages in one transaction: all of them or none. */
  async sendMany(messages: OutgoingMessage[]): Promise<Sent[]> {
    return (await this.engine.ask("sendMany", given.messages(messages))) as Sent[];
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
    return (await this.engine.ask("handled", given.number(number), given.messages(answers))) as Sent[];
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

  // Devices.

  /** The devices of our identity, this one first; at most 8. */
  async devices(): Promise<DeviceInfo[]> {
    return (await this.engine.ask("devices")) as DeviceInfo[];
  }

  /** Begins to link the new device whose code this is, scanned from its own screen; the code to show to it. */
  async linkDevice(code: string): Promise<string> {
    return (await this.engine.ask("linkDevice", given.text(code))) as string;
  }

  /** Takes the second code of the new device: what to compare with it. */
  async checkLink(reply: string): Promise<LinkCheck> {
    return (await this.engine.ask("checkLink", given.text(reply))) as LinkCheck;
  }

  /** The user has seen the same on both devices: our identity, sealed to the new one, as the code to show to it. */
  async confirmLink(): Promise<string> {
    return (await this.engine.ask("confirmLink")) as string;
  }

  async pendingLink(): Promise<PendingLink | null> {
    return (await this.engine.ask("pendingLink")) as PendingLink | null;
  }

  async cancelLink(): Promise<void> {
    await this.engine.ask("cancelLink");
  }

  /** Removes another device of ours for good. It still holds the identity; if it was stolen, begin anew. */
  async removeDevice(deviceId: number): Promise<void> {
    await this.engine.ask("removeDevice", given.count(deviceId));
  }

  // The store.

  /** Numbers about the store without secrets, safe to paste into a bug report. */
  async inspect(): Promise<Inspection> {
    return (await this.engine.ask("inspect")) as Inspection;
  }

  /** Makes everything that was replaced or deleted unreadable for good. `close` does it too. */
  async shred(): Promise<ShredReport> {
    return (await this.engine.ask("shred")) as ShredReport;
  }

  /** Changes what opens the store; the former key opens nothing any more. */
  async changeKey(key: given.Key): Promise<void> {
    await this.engine.ask("changeKey", ...given.key(key));
  }

  /** Deletes what is due, shreds, and closes the store. A second `close` does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
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
  }
}
