/** Which messages are meant for a bot. */

import type { BaseClient } from "../client.js";
import type { Message } from "../values.js";

/** What a bot is told of what is written where it can read. */
export interface Listening {
  /** Whether what other bots answered is answered, and what they write in groups is heard. Two bots that do so talk for ever. */
  answerBots?: boolean;
  /** What of a group comes to the handler: what mentions the bot, names it or answers it, or all. */
  groupMessages?: "addressed" | "all";
  /** What the bot is called in a group: `@name`. */
  name?: string;
}

const SAID = ["text", "data", "opaque", "attachment"];

/** Whether somebody said something with a message: the rest of a conversation is about it. */
export function isSaid(message: Message): boolean {
  return SAID.includes(message.body.type);
}

/** Whether a message is handed over: else two bots would talk to each other for ever. */
export async function concerns(client: BaseClient, message: Message, options: Required<Listening>): Promise<boolean> {
  if (!isSaid(message)) return false;
  const { author, conversation, origin, replyTo } = message;
  const inGroup = conversation !== author;
  const ofBot = inGroup ? origin !== "person" : origin === "botAnswer";
  if (ofBot && !options.answerBots) return false;
  if (!inGroup || options.groupMessages === "all" || message.mentionsMe) return true;
  const text = message.text ?? "";
  if (text.includes(client.address) || isNamed(text, options.name)) return true;
  return replyTo !== null && (await client.conversation(conversation).message({ author: client.address, id: replyTo })) !== null;
}

function isNamed(text: string, name: string): boolean {
  if (name === "") return false;
  const literal = name.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  const letter = "[\\p{L}\\p{M}\\p{N}_]";
  return new RegExp(`(?<!${letter})@${literal}(?!${letter})`, "iu").test(text);
}
