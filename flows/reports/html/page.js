const made = (name, text, ...inside) => {
  const one = document.createElement(name);
  if (text !== null) one.textContent = text;
  one.append(...inside);
  return one;
};
const grouped = n => Number(n).toLocaleString("en-US");
const NUMBERS = [
  ["entered", "entered"], ["passed", "passed"], ["waitingHere", "waiting here"], ["leftHereConverted", "left here: converted"],
  ["leftHereExited", "left here: exited"], ["leftHereFailed", "left here: failed"],
];

const customers = samples => {
  const rows = JSON.parse(samples).map(([who, since, until]) => made("li", who,
    made("span", `since ${since}`), made("span", until ? `until ${until}` : "until an event comes")));
  return [made("h5", "Some who stand here"), made("ul", null, ...rows)];
};

const numbersOf = step => {
  const told = step.dataset;
  const rows = NUMBERS.flatMap(([key, words]) => [made("dt", words), made("dd", grouped(told[key]))]);
  const share = told.pctOfEntries === "None" ? "-" : `${Number(told.pctOfEntries).toFixed(1)} %`;
  return [made("h4", told.what), made("p", `step ${told.step} of branch ${told.branch}`),
    made("dl", null, ...rows, made("dt", "of the branch's entries"), made("dd", share)),
    ...(told.samples && !Number(step.closest(".journey").dataset.version || 0) ? customers(told.samples) : [])];
};

const choose = step => {
  const journey = step.closest(".journey");
  for (const one of all(journey, ".step")) one.setAttribute("aria-pressed", one === step);
  journey.querySelector(".panel").replaceChildren(...numbersOf(step));
};

const sort = heading => {
  const table = heading.closest("table"), place = heading.cellIndex, body = table.tBodies[0];
  const falls = heading.getAttribute("aria-sort") ? heading.getAttribute("aria-sort") === "ascending"
    : heading.classList.contains("n");
  const value = row => row.cells[place].dataset.value;
  const isNumber = heading.classList.contains("n");
  const order = (a, b) => isNumber ? value(a) - value(b) : value(a).localeCompare(value(b), "en", {numeric: true});
  const compare = (a, b) => (value(a) === "") - (value(b) === "") || (falls ? order(b, a) : order(a, b));
  body.append(...[...body.rows].sort(compare));
  for (const one of all(table, "th")) one.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", falls ? "descending" : "ascending");
};

const filter = input => {
  const wanted = input.value.trim().toLowerCase(), part = input.closest(".numbers");
  const rows = all(part, "tbody tr");
  for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  part.querySelector(".none").hidden = rows.some(row => !row.hidden);
};

onStep(choose);
for (const button of all(document, "th button")) button.addEventListener("click", () => sort(button.parentElement));
for (const input of all(document, ".filter")) input.addEventListener("input", () => filter(input));
for (const input of all(document, ".switch input")) {
  input.addEventListener("change", () => {
    for (const one of all(document, "[data-percent]")) one.textContent = one.dataset[input.value];
  });
}
