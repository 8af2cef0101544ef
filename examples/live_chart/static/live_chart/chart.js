// Draws a line through the last points, again with each that comes.

import { keepConnected } from "../examples/socket.js";

const KEPT = 50;
// The size of the drawing in its own units; viewBox on the page says the same.
const WIDTH = 600;
const HEIGHT = 240;
const EDGE = 10;

const line = document.querySelector("#line");
const dot = document.querySelector("#dot");
const last = document.querySelector("#last");
const form = document.querySelector("#point");
const answer = document.querySelector("#answer");
const points = [];

function draw() {
  const values = points.map((point) => point.value);
  const lowest = Math.min(...values);
  const highest = Math.max(...values);
  const step = (WIDTH - 2 * EDGE) / (KEPT - 1);
  // All alike: a line in the middle. Halves, as the whole of two huge numbers may be more than there are.
  const part = (value) => (highest > lowest ? (value / 2 - lowest / 2) / (highest / 2 - lowest / 2) : 0.5);
  const places = values.map((value, i) => [EDGE + i * step, HEIGHT - EDGE - part(value) * (HEIGHT - 2 * EDGE)]);
  line.setAttribute("points", places.map((place) => place.join(",")).join(" "));
  const [x, y] = places[places.length - 1];
  dot.setAttribute("cx", x);
  dot.setAttribute("cy", y);
  dot.removeAttribute("hidden");
  last.textContent = `Last: ${values[values.length - 1]}. Lowest: ${lowest}, highest: ${highest}, of ${values.length}.`;
}

keepConnected((frame) => {
  points.push(JSON.parse(frame));
  points.splice(0, points.length - KEPT);
  draw();
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ value: form.elements.value.value });
  const headers = { "Content-Type": "application/json" };
  try {
    const response = await fetch(form.action, { method: "POST", headers, body });
    const said = await response.json();
    answer.textContent = response.ok ? "" : `Refused: ${said.value ?? said.detail}`;
  } catch {
    answer.textContent = "Not sent: the server is away.";
  }
});
