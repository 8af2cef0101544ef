import { Session } from './session.js';
import { Store } from './store.js';
import { claimTab } from './tab.js';
import { View } from './view.js';
import { fitViewport } from './viewport.js';

// The entry of the room page: puts its parts together and starts them.

const config = JSON.parse(document.getElementById('chat-config').textContent);
const kept = new Store(() => localStorage);
const ofTab = new Store(() => sessionStorage);

const draftKey = `parley:draft:${config.room}:${config.sender ?? 'guest'}`;
const draft = {
  get: () => ofTab.get(draftKey),
  set: (text) => (text ? ofTab.set(draftKey, text) : ofTab.remove(draftKey)),
};

const view = new View(config, draft, () => session);
const session = new Session(config, view, { store: kept, tab: claimTab(ofTab) });

fitViewport();
session.start();
