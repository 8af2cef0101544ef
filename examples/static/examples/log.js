// The list of what came, and the form to say something.

const log = document.querySelector("#log");

export function append(text) {
  const line = document.createElement("li");
  // textContent, not innerHTML: what others say is text, whatever it looks like.
  line.textContent = text;
  log.append(line);
  line.scrollIntoView({ block: "nearest" });
}

// Calls say(text) when the form is sent. What could not be sent stays in its field.
export function onSay(say) {
  const field = document.querySelector("#text");
  document.querySelector("#say").addEventListener("submit", (event) => {
    event.preventDefault();
    if (say(field.value)) field.value = "";
    field.focus();
  });
}
