/** Which calls only read: they are asked again of the next tab, whatever became of them in the last one. */

import type { Asked } from "../engine.js";
import type { Request } from "./messages.js";

const READING: readonly Asked[] = [
  "answered",
  "backlog",
  "chatSettings",
  "contact",
  "contactPage",
  "contacts",
  "conversationPage",
  "conversations",
  "devices",
  "disappearing",
  "eventsAfter",
  "groupName",
  "inspect",
  "invitedBy",
  "isGroup",
  "isIncomplete",
  "isJoined",
  "members",
  "message",
  "messages",
  "messagesAfter",
  "messagesAround",
  "messagesBefore",
  "now",
  "outbox",
  "pendingLink",
  "postQuantum",
  "receipts",
  "requiresPostQuantum",
  "safetyCode",
  "safetyEmoji",
  "safetyNumber",
  "scheduled",
  "search",
  "searchInAll",
  "sendsReadReceipts",
  "sessionStatus",
  "state",
  "states",
  "transportSecret",
  "trustPolicy",
  "unhandled",
  "unhandledMessage",
  "unread",
  "unreadInAll",
  "unreadMentions",
  "unreadMentionsInAll",
  "waiting",
];

export function isReading(request: Request): boolean {
  return request.does === "backup" || (request.does === "ask" && READING.includes(request.asked));
}
