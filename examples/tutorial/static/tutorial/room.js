// Frames are JSON: {"message": "..."}, or {"error": "..."} for what could not be sent.

import { append, onSay } from "../examples/log.js";
import { keepConnected } from "../examples/socket.js";

const send = keepConnected((frame) => {
  const { message, error } = JSON.parse(frame);
  append(message ?? error);
});
onSay((text) => send(JSON.stringify({ message: text })));
