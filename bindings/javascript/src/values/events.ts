/** What a received envelope brought, or what was written here. */

import type { Message } from "./messages.js";

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
  /** Of `takeChanges` alone: what is to be sent to a conversation at a time is not what it was; `Conversation.scheduled` has it. */
  | { type: "scheduledChanged"; conversation: string }
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
  /** Somebody put a message at the top of the conversation for everybody in it, or took it from there. */
  | { type: "pinned"; conversation: string; author: string; messageId: string; by: string; removed: boolean }
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
  /** After messages that could not be read, the two sides read each other again. */
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
  /** A contact says something else of themselves, or the user does on another device. */
  | { type: "profileChanged"; address: string }
  /** A contact is there, or is not any more. It is not kept: show it for half a minute at most. */
  | { type: "presence"; address: string; available: boolean }
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
