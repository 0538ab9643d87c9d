// A whole small chat. The store is the browser's; the wire is wire.js; what is shown is read from the store anew whenever something came.

import { Client, DeviceLink, StoreExists, StoreNotFound } from "/windlass/browser/index.js";
import { Chats } from "./chats.js";
import { read, show } from "./codes.js";
import { devices } from "./devices.js";
import { carry } from "./wire.js";

const NAME = "chat";
const $ = (id) => document.getElementById(id);

/** What went wrong, said where the user looks. */
function trouble(error) {
  $("trouble").textContent = [error.message, error.advice].filter(Boolean).join(" ");
}

async function enter(key) {
  try {
    return await Client.open(NAME, key);
  } catch (error) {
    if (!(error instanceof StoreNotFound)) throw error;
    return await Client.create(NAME, key);
  }
}

$("enter").onsubmit = async (event) => {
  event.preventDefault();
  $("trouble").textContent = "";
  const button = $("enter").querySelector(".first");
  button.disabled = true;
  try {
    await begin(await enter({ passphrase: $("passphrase").value }));
  } catch (error) {
    trouble(error);
  } finally {
    button.disabled = false;
  }
};

$("be-linked").onclick = async () => {
  if (!$("enter").reportValidity()) return;
  try {
    await linked({ passphrase: $("passphrase").value });
  } catch (error) {
    trouble(error instanceof StoreExists ? new Error("This browser has a chat already.") : error);
  }
};

/** Becomes a device of an identity that there is. */
async function linked(key) {
  const link = await DeviceLink.create(NAME, key).catch((error) => {
    if (error instanceof StoreExists) return DeviceLink.open(NAME, key);
    throw error;
  });
  const step = (text) => ($("linking-step").textContent = text);
  $("linking").hidden = false;
  $("enter").hidden = true;
  step("Read this code with the other device (Devices, Link another device). Then read its answer here.");
  let hide = await show($("linking-show"), await link.code());
  read($("linking-read"), async (answer) => {
    const check = await link.takeAnswer(answer);
    hide();
    $("linking-digits").textContent = check.digits;
    step("Read this second code with the other device. If both show the same digits, say so there, and read its last code here.");
    hide = await show($("linking-show"), await link.reply());
    read($("linking-read"), async (transfer) => {
      hide();
      await begin(await link.finish(transfer));
    }, trouble);
  }, trouble);
}

/** The chat is open. */
async function begin(client) {
  const ending = new AbortController();
  $("passphrase").value = "";
  $("door").hidden = true;
  $("app").hidden = false;
  const tell = (state) => ($("status").textContent = state === "online" ? "Connected" : "Offline: what you write is sent later");
  tell(navigator.onLine ? "" : "offline");
  const chats = new Chats(client);
  client.onReceived(() => chats.refresh());
  client.onOutbox(() => chats.refresh());
  await chats.refresh();
  carry(client, ending.signal, tell).catch((error) => {
    if (!ending.signal.aborted) $("status").textContent = error.message;
  });
  $("add-contact").onclick = () => contact(client, chats);
  $("add-group").onclick = () => group(client, chats);
  $("show-devices").onclick = () => devices(client);
  $("leave").onclick = async () => {
    ending.abort();
    await client.close();
    location.reload();
  };
}

async function contact(client, chats) {
  const dialog = $("contact-dialog");
  $("contact-title").textContent = "Add contact";
  dialog.showModal();
  const hide = await show($("contact-show"), await client.invitation());
  const failed = (error) => ($("contact-title").textContent = error.message);
  const end = read($("contact-read"), async (uri) => {
    try {
      const { address } = await client.addContact(uri);
      dialog.close();
      await client.send(address, "Hello!");
      await chats.open(address);
    } catch (error) {
      failed(error);
    }
  }, failed);
  dialog.onclose = () => {
    hide();
    end();
  };
}

async function group(client, chats) {
  const members = [];
  for (const { address, blocked } of await client.contacts()) {
    if (blocked) continue;
    const box = Object.assign(document.createElement("input"), { type: "checkbox", value: address });
    const label = document.createElement("label");
    label.append(box, await chats.nameOf(address));
    members.push(label);
  }
  $("group-members").replaceChildren(...members);
  $("group-name").value = "";
  $("group-dialog").showModal();
  $("make-group").onsubmit = async (event) => {
    event.preventDefault();
    const chosen = [...$("group-members").querySelectorAll(":checked")].map((box) => box.value);
    const made = await client.createGroup($("group-name").value.trim(), chosen);
    $("group-dialog").close();
    await chats.open(made.address);
  };
}

for (const close of document.querySelectorAll(".close")) close.onclick = () => close.closest("dialog").close();
navigator.serviceWorker?.register("/offline.js", { type: "module" }).catch(() => {});
