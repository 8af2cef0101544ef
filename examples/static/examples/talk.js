// Frames are plain text: each that comes is a line, and what is typed is sent as it is.

import { append, onSay } from "./log.js";
import { keepConnected } from "./socket.js";

onSay(keepConnected(append));
