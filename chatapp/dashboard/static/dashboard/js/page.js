import { Board } from './board.js';
import { Session } from './session.js';
import { Status } from './status.js';

// The entry of a dashboard's page: puts its parts together and starts them.

const config = JSON.parse(document.getElementById('dashboard-config').textContent);
const status = new Status(() => session.retryNow());
const session = new Session(config, new Board(), status);

session.start();
