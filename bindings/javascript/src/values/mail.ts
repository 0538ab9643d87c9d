/** What goes out and what came in. */

import type { Event } from "./events.js";
import type { RichText } from "../rich_text.js";
import type { Sendable } from "./messages.js";

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
  /** The text that it is, with which answers it suggests; then `body` is not looked at. With a file, what goes with it. */
  richText?: (Partial<RichText> & { text: string }) | undefined;
}

/** What became of one envelope of `receiveMany`. */
export interface Received {
  events: Event[];
  /** The code of the error that `receive` would have thrown for it. */
  refused: string | null;
  /** For `eventsHandled`, once all these events were handled; `null` if none of them is kept. */
  cursor: string | null;
}
