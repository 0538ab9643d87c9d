/** What programs have that answer. */

import type { Message } from "./messages.js";

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
