// A question to the user.

const $ = (id) => document.getElementById(id);

/** Asks for a line of text; nothing if the user does not want to. */
export function ask(title, text, value = "") {
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  $("ask-answer").value = value;
  $("ask-dialog").showModal();
  return new Promise((done) => {
    $("ask").onsubmit = (event) => {
      event.preventDefault();
      done($("ask-answer").value.trim());
      $("ask-dialog").close();
    };
    $("ask-dialog").onclose = () => done("");
  });
}
