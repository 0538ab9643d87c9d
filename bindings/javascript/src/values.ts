/** What the core answers. Each is a plain object: it can be kept, logged and posted to another thread. */

export type { AttachmentInfo } from "./encrypted_file.js";
export type * from "./rich_text.js";
export type * from "./values/chats.js";
export type * from "./values/events.js";
export type * from "./values/mail.js";
export type * from "./values/messages.js";
export type * from "./values/people.js";
export type * from "./values/programs.js";
export type * from "./values/store.js";
