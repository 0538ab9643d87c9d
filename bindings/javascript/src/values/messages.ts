/** What messages say, and what became of them. */

import type { AttachmentInfo, EncryptedFile } from "../encrypted_file.js";
import type { RichText } from "../rich_text.js";

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

/** What admins of a group may keep for themselves: to write, to invite, and to change its name, description and picture. */
export type GroupPermission = "write" | "addMembers" | "changeDetails";

/** One event of a group's log. */
export interface GroupChange {
  kind:
    | "created"
    | "renamed"
    | "membersAdded"
    | "joined"
    | "left"
    | "membersRemoved"
    | "adminsAdded"
    | "adminsRemoved"
    | "described"
    | "pictureChanged"
    | "permissionChanged";
  by: string;
  name: string | null;
  members: string[];
  /** What the group is about, where that changed. */
  about: string | null;
  /** What admins keep for themselves from then on, if `adminsOnly`, or leave to everybody. */
  permission: GroupPermission | null;
  adminsOnly: boolean;
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
  /**
   * What an attachment is accompanied by, or a text with what its parts mean, whose words they are and which answers it suggests; `null` for one
   * that is words alone, which `text` has.
   */
  richText: RichText | null;
  /** True when that mentions the user. */
  mentionsMe: boolean;
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
  /** What their devices have said, the first of them first; behind them those that it was sent to and that have said nothing. */
  devices: DeviceReceipt[];
}

/** What a device of somebody has said of a message. */
export interface DeviceReceipt {
  /** Its id, as `Contact.devices` has it. */
  deviceId: number;
  /** When it said that it has it; `null` as long as it is waited for. */
  deliveredAt: Date | null;
}

export interface Reaction {
  emoji: string;
  by: string;
}

/** A message that is to be sent at a time, or was to be. */
export interface ScheduledMessage {
  /** The id that the message has when it is sent. */
  id: string;
  conversation: string;
  text: RichText;
  replyTo: string | null;
  sendAt: Date;
  /** The code of the error with which it was not sent when its time came; `null` as long as it is to be sent. It stays until `cancelScheduled`. */
  failed: string | null;
}

/** A message that was looked at, and not received. */
export interface PeekedMessage {
  /** The same that the client will see. What was sent again has the id of what it repeats. */
  id: string;
  /** Address of the other side of the conversation, or of the group. */
  conversation: string;
  /** The user's own name for the conversation, or the name of the group or of the person. */
  conversationName: string | null;
  /** Address of who wrote it. */
  author: string;
  authorName: string | null;
  inGroup: boolean;
  body: Body;
  /** The text of a text body. */
  text: string | null;
  richText: RichText | null;
  /** True when that mentions the user. */
  mentionsMe: boolean;
  sentAt: Date;
  mutedUntil: Date | null;
  /** True if the conversation was mute when the hand-over was opened. */
  muted: boolean;
}

/** What an envelope brings, as a second process sees it. */
export type Peeked =
  /** Words for the user. They may be shown, unless their conversation is mute. */
  | { type: "message"; message: PeekedMessage }
  /** Nothing to show. */
  | { type: "quiet" }
  /** Only the client can read it: say that there may be something new. */
  | { type: "unreadable" };
