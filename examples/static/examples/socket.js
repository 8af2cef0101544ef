// A WebSocket that opens itself again, and says on the page whether it is open.

const SHORTEST = 500;
const LONGEST = 10000;

// Connects to the page's own address, calls opened() each time that it could, and hear(text) for each frame. Returns a
// function that sends a text, and tells whether it could.
export function keepConnected(hear, opened = () => {}) {
  const state = document.querySelector("#state");
  const address = new URL(location.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.hash = "";
  let pause = SHORTEST;
  let socket;

  function show(connected) {
    state.textContent = connected ? "connected" : "not connected";
    state.classList.toggle("good", connected);
  }

  function open() {
    socket = new WebSocket(address);
    socket.onopen = () => {
      pause = SHORTEST;
      show(true);
      opened();
    };
    socket.onmessage = (event) => hear(event.data);
    socket.onclose = (event) => {
      show(false);
      // A code from 4000 up is the server's no: it would say the same again.
      if (event.code < 4000) {
        setTimeout(open, pause);
        pause = Math.min(2 * pause, LONGEST);
      }
    };
  }

  open();
  return (text) => {
    if (socket.readyState !== WebSocket.OPEN) return false;
    socket.send(text);
    return true;
  };
}
