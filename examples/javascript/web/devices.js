// The devices of our identity, and linking another one.

import { read, show } from "./codes.js";

const $ = (id) => document.getElementById(id);

export async function devices(client) {
  const dialog = $("devices-dialog");
  let hide = () => {};
  let end = () => {};
  const step = (text) => ($("device-step").textContent = text);
  const failed = (error) => step(error.message);
  step("");
  $("device-digits").textContent = "";
  $("same-digits").hidden = true;
  $("link-device").hidden = false;
  await list(client);
  dialog.showModal();

  const attempt = (work) => async (code) => {
    try {
      await work(code);
    } catch (error) {
      failed(error);
    }
  };
  $("link-device").onclick = () => {
    $("link-device").hidden = true;
    step("Read the code that the new device shows.");
    end = read($("device-read"), attempt(begin), failed);
  };

  async function begin(code) {
    const answer = await client.linkDevice(code);
    step("Read this with the new device. Then read its second code here.");
    hide = await show($("device-show"), answer);
    end = read($("device-read"), attempt(compare), failed);
  }

  async function compare(reply) {
    hide();
    const check = await client.checkLink(reply);
    $("device-digits").textContent = check.digits;
    step("Does the new device show the same?");
    $("same-digits").hidden = false;
    $("same-digits").onclick = attempt(finish);
  }

  async function finish() {
    $("same-digits").hidden = true;
    $("device-digits").textContent = "";
    step("Read this last code with the new device.");
    hide = await show($("device-show"), await client.confirmLink());
  }

  dialog.onclose = async () => {
    hide();
    end();
    if ((await client.pendingLink()) !== null) await client.cancelLink();
  };
}

async function list(client) {
  const lines = [];
  for (const { deviceId, thisDevice, addedAt } of await client.devices()) {
    const line = document.createElement("li");
    line.append(thisDevice ? "This device" : `Device ${deviceId}, since ${addedAt.toLocaleDateString()}`);
    if (!thisDevice) {
      const remove = Object.assign(document.createElement("button"), { type: "button", textContent: "Remove" });
      remove.setAttribute("aria-label", `Remove device ${deviceId}`);
      remove.onclick = async () => {
        await client.removeDevice(deviceId);
        await list(client);
      };
      line.append(" ", remove);
    }
    lines.push(line);
  }
  $("devices").replaceChildren(...lines);
}
