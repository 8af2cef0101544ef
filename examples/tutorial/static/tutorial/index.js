// Goes to the page of the room that is typed. (The form's pattern lets only names through that a room may have.)

const form = document.querySelector("#enter");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  location.href = `chat/${form.elements.room.value}/`;
});
