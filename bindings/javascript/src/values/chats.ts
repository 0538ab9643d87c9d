/** Conversations, groups, and what the user set for them. */

import type { Message } from "./messages.js";

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
  /** How many of those that are unread mention the user, by what they say now. */
  unreadMentions: number;
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

/** A link to a group that this device made. Whoever has it can come in as long as it is of use, so it is given to whom it is for. */
export interface InvitationLink {
  /** Names it, for `revokeInvitationLink`. */
  id: string;
  /** To be sent, as it is or behind the `#` of a web page's address. */
  uri: string;
  /** To be drawn as a code: the same without ML-KEM keys. */
  code: string;
  createdAt: Date;
  /** From when on it is of no use. */
  expiresAt: Date;
  /** How many people it lets in yet. */
  usesLeft: number;
}

/** A group that the user asked to be let into by a link. */
export interface PendingJoin {
  /** Address of who made the link, and is asked. */
  asked: string;
  askedAt: Date;
  /** Until when the group is waited for. */
  expiresAt: Date;
}
