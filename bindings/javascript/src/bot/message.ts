/** A message that a bot handles. */

import type { Message, OutgoingMessage, Sendable } from "../values.js";

/** What a handler gets. */
export class BotMessage {
  /** The message as it is in the history. */
  readonly message: Message;
  /** @internal */
  readonly answers: OutgoingMessage[] = [];

  /** @internal */
  constructor(message: Message) {
    this.message = message;
  }

  /** The text, empty for what is none. */
  get text(): string {
    return this.message.text ?? "";
  }

  /** Address of who wrote it. */
  get author(): string {
    return this.message.author;
  }

  /** Answers where the message was written. It goes out when the handler ends: with that the message was handled, both or neither. */
  reply(body: string | Sendable): void {
    this.answers.push({ to: this.message.conversation, body, replyTo: this.message.id, isAnswer: true });
  }

  /** Writes to somebody else in the same transaction. */
  tell(to: string, body: string | Sendable): void {
    this.answers.push({ to, body, isAnswer: true });
  }
}
