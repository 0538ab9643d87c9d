/** What the core answers. Each is a plain object: it can be kept, logged and posted to another thread. */

import type { AttachmentInfo, EncryptedFile } from "./encrypted_file.js";

export type { AttachmentInfo };

/** A body that can be sent. */
export type Sendable =
  /** For a person; at most 262,144 bytes of UTF-8. */
  | { type: "text"; text: string }
  /** Bytes of a stated kind, for example `image/png`; at most 1,048,576. */
  | { type: "data"; mediaType: string; data: Uint8Array }
  /** A format of the application's own; at most 1,048,576 bytes. */
  | { type: "opaque"; data: Uint8Array }
  /** A file that `encryptFile` encrypted, and where the others find that: a URL, a path, whatever they understand; at most 4,096 bytes. */
  | { type: "file"; file: EncryptedFile; location: string };

/** What a message says. */
export type Body =
  | Exclude<Sendable, { type: "file" }>
  /** Its author goes on as another identity; `null` if what was sent is no valid bundle. */
  | { type: "identityChange"; address: string | null }
  /** A file that travels another way. */
  | { type: "attachment"; attachment: AttachmentInfo }
  /** How many milliseconds messages stay from now on; `null` if they stay. */
  | { type: "disappearingTimer"; after: number | null }
  /** Something happened to the group. */
  | { type: "group"; change: GroupChange }
  /** Of a kind that a later version brought. The message is kept. */
  | { type: "unknown" };

/** One event of a group's log. */
export interface GroupChange {
  kind: "created" | "renamed" | "membersAdded" | "joined" | "left" | "membersRemoved" | "adminsAdded" | "adminsRemoved";
  by: string;
  name: string | null;
  members: string[];
}

/** Whether a person wrote a message, as its author's program says. */
export type MessageOrigin = "person" | "bot" | "botAnswer";

/** A message of the history. */
export interface Message {
  /** 32 hexadecimal digits. */
  id: string;
  /** Address of the other side of the conversation, or of the group. */
  conversation: string;
  /** Address of who wrote it. */
  author: string;
  /** True when we wrote it. */
  outgoing: boolean;
  body: Body;
  /** The text of a text body, for short programs. */
  text: string | null;
  /** The id of the message that it answers. */
  replyTo: string | null;
  /** The author's clock. A hint for people; the order of messages does not depend on it. */
  sentAt: Date;
  origin: MessageOrigin;
  /** Our clock when it was stored. */
  storedAt: Date;
  /** When the other side's receipt came, for a message that we wrote. */
  deliveredAt: Date | null;
  /** True when another than its author gave it to this device. */
  copied: boolean;
  /** True when its author deleted it; nothing is left of what it said. */
  deleted: boolean;
  edited: boolean;
  reactions: Reaction[];
  /** Addresses of the group's members who have it, of a message that we wrote to a group. */
  deliveredTo: string[];
  /** Addresses of those who have read it and said so. */
  readBy: string[];
}

/** By which a message is found. */
export type MessageName = Pick<Message, "author" | "id">;

/** By which a message is found among those of all conversations. */
export type MessageIn = MessageName & Pick<Message, "conversation">;

/** What became of a message of ours. Sent is what does not wait and that nobody has said to have. */
export interface MessageReceipts {
  /** True as long as an envelope with it waits for the transport. */
  queued: boolean;
  /** Those whom it was written to: the other side, or the members of the group at that time. */
  members: MemberReceipt[];
}

/** What one of those whom a message was written to has said of it. */
export interface MemberReceipt {
  address: string;
  /** When their first device said that it has it. */
  deliveredAt: Date | null;
  /** When they last said that they have read, this or something behind it. */
  readAt: Date | null;
}

export interface Reaction {
  emoji: string;
  by: string;
}

/** An envelope for the transport. */
export interface OutgoingEnvelope {
  /** Its number in the outbox, for `markSent`. */
  id: number;
  /** The address that it goes to. */
  to: string;
  bytes: Uint8Array;
}

/** A message that was sent: it is in the history, and its envelopes are in the outbox until `markSent`. */
export interface Sent {
  messageId: string;
  /** What to hand to the transport. */
  envelopes: OutgoingEnvelope[];
  /** True in a group of which something is known to be missing here: somebody may read this who was put out. */
  groupIncomplete: boolean;
}

/** A message to send. */
export interface OutgoingMessage {
  /** Address of a contact or a group. */
  to: string;
  /** What it says; a string is a text. */
  body: string | Sendable;
  /** The id of the message that it answers. */
  replyTo?: string | undefined;
  /** Whether a program says so because of what somebody wrote. */
  isAnswer?: boolean | undefined;
}

/** What became of one envelope of `receiveMany`. */
export interface Received {
  events: Event[];
  /** The code of the error that `receive` would have thrown for it. */
  refused: string | null;
  /** For `eventsHandled`, once all these events were handled; `null` if none of them is kept. */
  cursor: string | null;
}

/** Something that a received envelope brought. Whatever an event tells is durable when it is told. */
export type Event =
  /** A new message; it is in the history. */
  | { type: "message"; message: Message }
  /** The author of a message changed its text. */
  | { type: "edited"; message: Message }
  /** The author of a message deleted it, or the user did on another device of ours. */
  | { type: "deleted"; conversation: string; author: string; messageId: string }
  /** The user deleted a conversation on another device of ours. */
  | { type: "conversationDeleted"; conversation: string }
  /** The user set something for a conversation on another device of ours. */
  | { type: "chatSettingsChanged"; conversation: string }
  /** Somebody reacted to a message, or removed the reaction. */
  | {
      type: "reacted";
      conversation: string;
      author: string;
      messageId: string;
      by: string;
      emoji: string;
      removed: boolean;
    }
  /** Somebody has read the conversation. */
  | { type: "read"; conversation: string; by: string }
  /** Somebody is writing, or is not any more. */
  | { type: "typing"; conversation: string; by: string; active: boolean }
  /** Messages of the conversation stay for so many milliseconds from now on; `null` if they stay. */
  | { type: "disappearingChanged"; conversation: string; by: string; after: number | null }
  /** Somebody invites us to a group: `Conversation.join` takes part. */
  | { type: "groupInvitation"; group: string; name: string; by: string }
  /** The name or the members of a group changed. */
  | { type: "groupChanged"; group: string }
  /** Something that happened in a group is known to be missing here, or has come. */
  | { type: "groupIncomplete"; group: string; resolved: boolean }
  /** Something was decrypted and is not taken in. */
  | { type: "refused"; address: string; conversation: string; reason: RefusalReason }
  /** The other side has stored messages of ours. */
  | { type: "delivered"; address: string; messageIds: string[] }
  /** The envelope came before. Nothing has changed. */
  | { type: "duplicate"; messageId: string | null }
  /** Somebody who is no contact wrote for the first time. */
  | { type: "contactRequest"; address: string }
  /** A session is established on both sides. */
  | { type: "sessionEstablished"; address: string; deviceId: number }
  /** After messages that could not be read, one was read in a session that was begun for it. */
  | { type: "sessionHealed"; address: string; deviceId: number }
  /** What could not be read, or is missing, was asked for; the request is in the outbox. */
  | { type: "healing"; address: string; attempt: number }
  /** The other side asked for what it does not have; it is in the outbox. */
  | { type: "resent"; address: string; messages: number }
  /** The devices of a contact changed, or our own. */
  | { type: "devicesChanged"; address: string; added: number[]; removed: number[] }
  /** Somebody goes on as another identity, which has to be verified anew. */
  | { type: "identityChanged"; address: string; newAddress: string; wasVerified: boolean }
  /** Our request has come, and what is missing here follows. */
  | { type: "synchronising"; address: string; deviceId: number; messages: number }
  /** Somebody who is blocked wrote. Nothing was taken in. */
  | { type: "blocked"; address: string }
  /** The envelope could not be read. */
  | { type: "undecryptable"; cause: UndecryptableCause; address: string | null }
  /** The store was put back from an older copy; some sessions may not work any more. */
  | { type: "rollbackNoticed" }
  /** Of `events` alone: events were dropped before they were handled. Load anew what you keep of contacts and conversations. */
  | { type: "missed"; events: number };

/** An event that is kept until it was handled. */
export interface KeptEvent {
  /** Where the feed goes on behind it. */
  cursor: string;
  toldAt: Date;
  event: Event;
}

export type RefusalReason =
  | "notTheAuthor"
  | "invalidTarget"
  | "notAMember"
  | "notAnAdmin"
  | "unknownGroup"
  | "notTakingPart"
  | "groupFull"
  | "tooManyInvitations"
  | "invalidEvent"
  | "noEffect"
  | "notProved"
  | "notAsked"
  | "deleted";

export type UndecryptableCause =
  | "unknownSession"
  | "unknownPrekey"
  | "handshakeReplayed"
  | "handshakeInvalid"
  | "authentication"
  | "keyGone"
  | "numberReused"
  | "tooFarAhead"
  | "content"
  | "strangerLimit"
  | "blocked"
  | "invitationUsed"
  | "removed"
  | "backlogLimit";

/** Somebody we know. */
export interface Contact {
  address: string;
  addedAt: Date;
  /** True when we added their bundle, false when they wrote first. */
  addedByUs: boolean;
  /** True when we want to talk with them. */
  accepted: boolean;
  /** True when they belong to a group of ours, or are whom a contact goes on as. */
  introduced: boolean;
  blocked: boolean;
  /** True when the safety number was compared. */
  verified: boolean;
  /** The address that they said they go on as. */
  movedTo: string | null;
  devices: number[];
  /** From when on no new session can be begun with the bundle we have. */
  bundleExpiresAt: Date | null;
  /** Where they stand in the list of contacts, for `contactPage`. */
  position: number;
}

/** A conversation in the list of them. */
export interface ConversationSummary {
  address: string;
  /** `null` for a conversation of two. */
  groupName: string | null;
  lastActivity: Date;
  unread: number;
}

/** A conversation in a page of the list of them, with what an app shows of it. */
export interface ListedConversation extends ConversationSummary {
  /** The latest message that is shown; `null` if there is none. */
  lastMessage: Message | null;
  settings: ChatSettings;
  /** Where it stands, for `after`. */
  position: number;
}

/** What the user set for a conversation. The same on all devices of the user, and nobody else is told. */
export interface ChatSettings {
  /** Until when it is mute; `null` if it is not. */
  mutedUntil: Date | null;
  archived: boolean;
  /** True when it stands at the top of the list. */
  pinned: boolean;
  /** True when the user marked it as unread, until it is read. */
  markedUnread: boolean;
  /** The user's own name for it. */
  nickname: string | null;
}

/** A part of a search. */
export interface SearchPage {
  /** What was found, the latest first. */
  messages: Message[];
  lookedAt: number;
  /** Where the next part begins, for `before`; `null` if this was the last. */
  next: Message | null;
}

export interface GroupMember {
  address: string;
  /** False as long as they are only invited. */
  joined: boolean;
  admin: boolean;
}

/** To whom anything is sent. */
export type TrustPolicy = "firstUse" | "verifiedOnly" | "acceptAll";

/** A picture of a safety number, and its name in English. */
export interface SafetyEmoji {
  picture: string;
  name: string;
}

export interface SessionStatus {
  state: "fresh" | "pending" | "established" | "desynced" | "healing" | "needsBundle";
  cause: UndecryptableCause | null;
  attempts: number;
}

/** What protects a message beside X25519: nothing, a secret that came with a code, ML-KEM in the handshake, ML-KEM in the ratchet. */
export type PostQuantum = "none" | "secret" | "kem" | "ratchet";

/** A device of our own identity. */
export interface DeviceInfo {
  deviceId: number;
  thisDevice: boolean;
  addedAt: Date | null;
  lastSeen: Date | null;
  /** False for one that merely turned up with the identity's key: as somebody who stole it would. */
  linked: boolean;
}

/** What both devices show before anything secret leaves. */
export interface LinkCheck {
  address: string;
  digits: string;
  emoji: SafetyEmoji[];
}

export interface PendingLink {
  answer: string;
  check: LinkCheck | null;
  endsAt: Date;
}

/** A message that waits to be handled. */
export interface UnhandledMessage {
  /** By which `handled` is told which it is. */
  number: number;
  /** How often handling it was begun. */
  attempts: number;
  message: Message;
}

/** A message that waits to be handled, without what it says. */
export interface WaitingMessage {
  number: number;
  attempts: number;
  author: string;
  conversation: string;
}

/** How much of somebody waits to be handled. */
export interface Backlog {
  address: string;
  messages: number;
  bytes: number;
}

/** What a document of the program's is about. */
export type StateOwner =
  /** A conversation, by its address; the document is erased with it. */
  | { conversation: string }
  /** A person, by their address; the document is erased with the contact. */
  | { person: string }
  /** The program itself, one of its lists; the document stays until the program takes it away. */
  | { program: string };

/** A document with its name. */
export interface StateDocument {
  name: string;
  document: Uint8Array;
}

/** A document that changes. */
export interface StateChange {
  owner: StateOwner;
  name: string;
  /** What it said when it was read; `null` if there was none. If it says something else by now, all is refused: `StateChanged`. */
  before: Uint8Array | null;
  /** What it says from now on; `null` takes it away. */
  after: Uint8Array | null;
}

/** A typed command. */
export interface TypedCommand {
  /** Its name, as `foldText` has it. */
  name: string;
  /** The words behind it as they were typed; quotation marks kept several together. */
  words: string[];
}

/** Numbers about a store without secrets. */
export interface Inspection {
  schemaVersion: number;
  epoch: number;
  passphrase: boolean;
  tables: { table: string; rows: number }[];
  dirtyBuckets: number;
  fileBytes: number;
}

export interface ShredReport {
  buckets: number;
  rows: number;
}

/** What a text or a picture invites to. */
export interface FoundContact {
  address: string;
  /** The bundle, for `addContact`; `null` if there is the address alone. */
  bundle: Uint8Array | null;
}

/** What the codes of a picture say. */
export interface CodeProgress {
  have: number;
  of: number;
  /** The whole URI, once all codes were read. */
  uri: string | null;
}
