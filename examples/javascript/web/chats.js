// The list of chats, and the one that is open.

import { ask } from "./ask.js";

const $ = (id) => document.getElementById(id);
const made = (kind, properties = {}) => Object.assign(document.createElement(kind), properties);
const OWN_NAMES = "name";

const CHANGES = {
  created: "The group was made",
  renamed: "The group has another name",
  membersAdded: "Somebody was invited",
  joined: "Somebody joined",
  left: "Somebody left",
  membersRemoved: "Somebody was put out",
};

/** What an address is shown as that nobody gave a name. */
const short = (address) => `${address.slice(0, 7)}…${address.slice(-4)}`;

/** What a message is shown as. */
function textOf({ body, deleted }) {
  if (deleted) return "(deleted)";
  switch (body.type) {
    case "text":
      return body.text;
    case "attachment":
      return `File: ${body.attachment.name}`;
    case "group":
      return CHANGES[body.change.kind] ?? "The group has changed";
    default:
      return `(${body.type})`;
  }
}

export class Chats {
  #client;
  #open;
  #again = false;
  #working = false;

  constructor(client) {
    this.#client = client;
    $("write").onsubmit = (event) => this.#write(event);
    $("text").onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      $("write").requestSubmit();
    };
    $("back").onclick = () => this.#close();
    $("rename").onclick = () => this.#rename();
    $("compare").onclick = () => this.#compare();
    $("accept").onclick = () => this.#answer((contact) => client.acceptContact(contact), (group) => group.join());
    $("refuse").onclick = () => this.#answer((contact) => client.blockContact(contact), (group) => group.deleteGroup());
  }

  /** A name is a document of this program about a person; it is erased with them. */
  async nameOf(address) {
    const name = await this.#client.state({ person: address }, OWN_NAMES).catch(() => null);
    return name === null ? short(address) : new TextDecoder().decode(name);
  }

  /** Shows what is so now. One at a time; what comes meanwhile is looked at afterwards. */
  async refresh() {
    this.#again = true;
    if (this.#working) return;
    this.#working = true;
    try {
      while (this.#again) {
        this.#again = false;
        await this.#list();
        if (this.#open !== undefined) await this.#messages();
      }
    } catch (error) {
      if (error.code !== "store_closed") throw error;
    } finally {
      this.#working = false;
    }
  }

  async open(address) {
    this.#open = address;
    $("app").classList.add("reading");
    $("nobody").hidden = true;
    $("open-chat").hidden = false;
    await this.refresh();
    $("text").focus();
  }

  #close() {
    this.#open = undefined;
    $("app").classList.remove("reading");
    $("nobody").hidden = false;
    $("open-chat").hidden = true;
    void this.refresh();
  }

  async #list() {
    const listed = await this.#client.conversationPage({ limit: 100 });
    const buttons = [];
    for (const { address, groupName, unread, lastMessage } of listed) {
      const button = made("button");
      button.setAttribute("aria-current", `${address === this.#open}`);
      button.append(made("span", { className: "name", textContent: groupName ?? (await this.nameOf(address)) }));
      const count = made("span", { className: "unread", textContent: `${unread}`, hidden: unread === 0 || address === this.#open });
      count.setAttribute("aria-label", `${unread} unread`);
      count.setAttribute("role", "img");
      button.append(count, made("span", { className: "last", textContent: lastMessage === null ? "" : textOf(lastMessage) }));
      button.onclick = () => this.open(address);
      buttons.push(button);
    }
    $("list").replaceChildren(...buttons);
  }

  async #messages() {
    const address = this.#open;
    const chat = this.#client.conversation(address);
    const isGroup = await chat.isGroup();
    const contact = isGroup ? undefined : await this.#client.contact(address);
    const joined = isGroup ? await chat.isJoined() : contact.accepted;
    const lines = [];
    for (const message of await chat.messages({ limit: 200 })) {
      const line = made("li", { className: message.body.type === "group" ? "note" : message.outgoing ? "own" : "" });
      line.append(textOf(message));
      const by = isGroup && !message.outgoing ? `${await this.nameOf(message.author)}, ` : "";
      const state = message.outgoing ? (message.readBy.length ? ", read" : message.deliveredAt || message.deliveredTo.length ? ", delivered" : "") : "";
      const time = message.sentAt.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      line.append(made("small", { textContent: `${by}${time}${state}` }));
      lines.push(line);
    }
    if (address !== this.#open) return;
    const log = $("log");
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    $("messages").replaceChildren(...lines);
    if (atEnd) log.scrollTop = log.scrollHeight;
    $("title").textContent = `${isGroup ? await chat.name() : await this.nameOf(address)}${contact?.verified ? " ✓" : ""}`;
    $("compare").hidden = $("rename").hidden = isGroup;
    $("request").hidden = joined;
    $("request-text").textContent = isGroup ? "You are invited to this group." : "Somebody writes to you for the first time.";
    $("accept").textContent = isGroup ? "Join" : "Accept";
    $("refuse").textContent = isGroup ? "Delete" : "Block";
    $("write").hidden = isGroup && !joined;
    if (document.hasFocus() && (await chat.unread()) > 0) await chat.markRead(joined);
  }

  async #write(event) {
    event.preventDefault();
    const text = $("text").value.trim();
    if (!text) return;
    $("text").value = "";
    try {
      await this.#client.send(this.#open, text);
    } catch (error) {
      $("text").value = text;
      await ask("This was not sent", `${error.message} ${error.advice ?? ""}`);
    }
    await this.refresh();
    $("log").scrollTop = $("log").scrollHeight;
  }

  async #answer(ofContact, ofGroup) {
    const chat = this.#client.conversation(this.#open);
    const isGroup = await chat.isGroup();
    await (isGroup ? ofGroup(chat) : ofContact(this.#open));
    await this.refresh();
  }

  async #rename() {
    const [owner, before] = [{ person: this.#open }, await this.#client.state({ person: this.#open }, OWN_NAMES)];
    const name = await ask("Name", "What you call them. Nobody else sees it.", before === null ? "" : new TextDecoder().decode(before));
    if (!name) return;
    await this.#client.commit({ changes: [{ owner, name: OWN_NAMES, before, after: new TextEncoder().encode(name) }] });
    await this.refresh();
  }

  async #compare() {
    const session = this.#client.session(this.#open);
    const number = await session.safetyNumber();
    const typed = await ask("Verify", `${number} — if they see the same number, type their last five digits.`);
    if (!typed) return;
    if (number.replaceAll(/\D/g, "").endsWith(typed) && typed.length === 5) await session.verify(number);
    await this.refresh();
  }
}
