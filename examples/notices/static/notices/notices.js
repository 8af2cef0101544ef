// Logs in by HTTP, says the token in the first frame, and shows what is said and what there is to know.

import { append, onSay } from "../examples/log.js";
import { keepConnected } from "../examples/socket.js";

const login = document.querySelector("#login");
const answer = document.querySelector("#answer");
const notices = document.querySelector("#notices");
const unread = document.querySelector("#unread");

async function post(address) {
  const fields = { username: login.elements.username.value, password: login.elements.password.value };
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(address, { method: "POST", headers, body: JSON.stringify(fields) });
  const said = await response.json();
  // Of Django REST framework's errors, or of the chat's, the words.
  if (!response.ok) throw new Error(said.text ?? Object.values(said).flat().join(" "));
  return said;
}

async function enter() {
  // A token lasts for minutes: each new connection gets its own.
  const { access } = await post(login.dataset.token);
  login.hidden = true;
  document.querySelector("#chat").hidden = false;
  return access;
}

function show(count) {
  unread.textContent = `${count} unread`;
}

function line(notice) {
  const item = document.createElement("li");
  item.textContent = notice.text;
  return item;
}

function hear(frame) {
  const said = JSON.parse(frame);
  if (said.said) append(`${said.by}: ${said.said}`);
  if (said.welcome) append(`Welcome, ${said.welcome}.`);
  if (said.error) append(said.error);
  if (said.type === "notifications") notices.replaceChildren(...said.notifications.map(line));
  if (said.type === "notification") notices.prepend(line(said));
  if ("unread" in said) show(said.unread);
}

async function start(event) {
  event.preventDefault();
  try {
    answer.textContent = "";
    if (event.target.id === "join") await post(login.dataset.accounts);
    let token = await enter();
    const send = keepConnected(hear, async () => {
      token ??= await enter();
      send(JSON.stringify({ token }));
      token = null;
    });
    onSay((text) => send(JSON.stringify({ text })));
    document.querySelector("#read").onclick = () => send(JSON.stringify({ read: true }));
  } catch (error) {
    answer.textContent = error.message;
  }
}

login.addEventListener("submit", start);
document.querySelector("#join").addEventListener("click", start);
