// Codes on the screen, and codes of others' screens: by the camera, a picture, or as a text.

import { CodeReader, qrFrames, qrSvg } from "/windlass/browser/index.js";

/** How long one of several codes is shown. */
const TURN = 700;

const made = (kind, properties = {}) => Object.assign(document.createElement(kind), properties);

/** Shows a URI as a code, or as several in turn, and as a text to copy. Answers with what ends it. */
export async function show(place, uri) {
  const pictures = [];
  for (const frame of await qrFrames(uri)) {
    pictures.push(URL.createObjectURL(new Blob([await qrSvg(frame)], { type: "image/svg+xml" })));
  }
  const image = made("img", { alt: "QR code", src: pictures[0] });
  let turn = 0;
  const timer = pictures.length > 1 ? setInterval(() => (image.src = pictures[++turn % pictures.length]), TURN) : undefined;
  const text = made("textarea", { readOnly: true, rows: 3, value: uri });
  text.setAttribute("aria-label", "The code as text");
  const copy = made("button", { type: "button", textContent: "Copy" });
  copy.onclick = async () => {
    await navigator.clipboard.writeText(uri);
    copy.textContent = "Copied";
  };
  place.replaceChildren(image, text, copy);
  place.className = "code";
  return () => {
    clearInterval(timer);
    for (const picture of pictures) URL.revokeObjectURL(picture);
    place.replaceChildren();
  };
}

/** Lets the user read a code, and calls `done` with its URI, until what this answers with is called. */
export function read(place, done, failed) {
  const reader = new CodeReader();
  let stream;
  const video = made("video", { hidden: true, muted: true, playsInline: true });
  video.setAttribute("aria-label", "Camera");
  const camera = made("button", { type: "button", textContent: "Use the camera" });
  const picture = made("input", { type: "file", accept: "image/png,image/jpeg" });
  picture.setAttribute("aria-label", "A picture of the code");
  const text = made("textarea", { rows: 2, placeholder: "or its text" });
  text.setAttribute("aria-label", "The text of the code");
  const end = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = undefined;
    place.replaceChildren();
  };
  const progressed = async ({ uri }) => {
    if (!uri) return;
    end();
    await done(uri);
  };
  const attempt = async (work) => {
    try {
      await progressed(await work());
    } catch (error) {
      failed(error);
    }
  };
  camera.onclick = async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch (error) {
      failed(error);
      return;
    }
    Object.assign(video, { hidden: false, srcObject: stream });
    await video.play();
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    while (stream !== undefined) {
      canvas.getContext("2d", { willReadFrequently: true }).drawImage(video, 0, 0);
      const seen = await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer();
      // Most pictures have no code, or half of one.
      await reader.takePicture(new Uint8Array(seen)).then(progressed, () => {});
    }
  };
  picture.onchange = () => attempt(async () => reader.takePicture(new Uint8Array(await picture.files[0].arrayBuffer())));
  text.oninput = () => text.value.trim() && attempt(() => reader.take(text.value.trim()));
  place.replaceChildren(video, camera, picture, text);
  place.className = "code";
  return end;
}
