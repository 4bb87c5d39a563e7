"use strict";
const all = (where, what) => [...where.querySelectorAll(what)];

const onStep = choose => {
  for (const step of all(document, ".step")) {
    step.addEventListener("click", () => choose(step));
    step.addEventListener("keydown", event => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(step);
    });
  }
};

const centre = map => {
  const entry = map.querySelector(".entry");
  if (!entry) return;
  const [inner, box] = [entry, map].map(one => one.getBoundingClientRect());
  map.scrollLeft += inner.left + inner.width / 2 - box.left - box.width / 2;
};
for (const input of all(document, ".fit")) {
  input.addEventListener("change", () => {
    const map = input.closest(".journey").querySelector(".map");
    map.classList.toggle("whole", input.checked);
    centre(map);
  });
}
for (const map of all(document, ".map")) centre(map);
