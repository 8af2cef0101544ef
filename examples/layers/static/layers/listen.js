// Shows what comes.

import { append } from "../examples/log.js";
import { keepConnected } from "../examples/socket.js";

keepConnected(append);
