const SVG = document.querySelector("svg").namespaceURI;
const REASONS = ["converted", "exited", "failed"], WIDEST = 22, THINNEST = 1.5, BAR = 160, LETTERS = 20;
const drawn = (name, given, text = "", ...inside) => {
  const one = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(given)) one.setAttribute(key, value);
  if (text) one.textContent = text;
  one.append(...inside);
  return one;
};
const share = (n, of) => of ? `${(100 * n / of).toFixed(1)} %` : "-";
const short = text => text.length <= LETTERS ? text : `${text.slice(0, LETTERS - 1)}…`;
const say = (one, n, of) => {
  one.dataset.count = grouped(n);
  one.dataset.percent = share(n, of);
  one.textContent = one.dataset[document.querySelector(".switch input:checked").value];
};

const markStep = (step, [, passed, waiting, ...left], of) => {
  for (const one of all(step, ".mark")) one.remove();
  const there = REASONS.map((reason, at) => [reason, left[at]]).filter(([, n]) => n);
  there.forEach(([reason, n], at) => {
    const text = drawn("text", {class: `mark left ${reason}`, x: 195, y: 19 + 19 * at});
    say(text, n, of);
    step.append(drawn("path", {
      class: `mark left ${reason}`, d: `M180 ${15 + 19 * at}h12`, "stroke-width": Math.max(2, 14 * n / (of || 1)),
    }), text);
  });
  let x = 10;
  [passed, waiting, ...left].forEach((n, at) => {
    const width = of ? BAR * n / of : 0;
    if (width) step.append(drawn("rect", {class: `mark part-${at + 1}`, x, y: 60, width, height: 3}));
    x += width;
  });
};

const tellStep = (step, told) => {
  const [entered, passed, waiting, converted, exited, failed, of, kind, label] = told || [0, 0, 0, 0, 0, 0, 0];
  const is = kind === undefined ? step.dataset.is.split("\n") : [kind, label];
  const [action, what] = [is[0].replaceAll("_", " "), is[1] || ""];
  step.classList.toggle("absent", !told);
  Object.assign(step.dataset, {
    entered, passed, waitingHere: waiting, leftHereConverted: converted, leftHereExited: exited, leftHereFailed: failed,
    pctOfEntries: of ? 100 * entered / of : "None", what: `${action} ${what}`,
  });
  step.querySelector(".kind").textContent = action;
  step.querySelector(".label").textContent = short(what || action);
  step.querySelector("use").setAttribute("href", `#i-${is[0]}`);
  say(step.querySelector("text.n"), entered, of);
  say(step.querySelector(".here tspan"), waiting, of);
  step.querySelector(".here").toggleAttribute("hidden", !waiting);
  step.setAttribute("aria-label",
    `Step ${step.dataset.step}, ${action} ${what}: ${entered} entered, ${passed} passed, ${waiting} waiting`);
  markStep(step, [entered, passed, waiting, converted, exited, failed], of);
};

const tellLines = (journey, {lines, total}) => {
  all(journey, "path.flow").forEach((line, at) => {
    const [n, of] = lines[at];
    line.dataset.customers = n;
    line.classList.toggle("nobody", !n);
    line.setAttribute("stroke-width", n && total ? Math.max(THINNEST, WIDEST * n / total) : THINNEST);
    const name = line.dataset.name ? `${line.dataset.name}: ` : "";
    line.querySelector("title").textContent = `${name}${grouped(n)} (${share(n, of)})`;
  });
  for (const sign of all(journey, "g.path")) say(sign.querySelector(".n"), ...lines[sign.dataset.line]);
};

const tellVersion = (journey, told, version) => {
  journey.dataset.version = version;
  tellLines(journey, told);
  all(journey, "[data-end]").forEach((end, at) => {
    end.dataset.customers = told.ends[at];
    say(end.querySelector("text.n"), told.ends[at], told.total);
    end.setAttribute("aria-label", `${end.dataset.end}: ${end.querySelector("text.n").dataset.count}`);
  });
  const held = journey.querySelector(".held");
  if (held) held.textContent = told.held ? `${grouped(told.held)} held out` : "";
  all(journey, ".step").forEach((step, at) => tellStep(step, told.steps[at]));
  const chosen = journey.querySelector('.step[aria-pressed="true"]');
  if (chosen) choose(chosen);
};

for (const journey of all(document, ".journey")) {
  const numbers = JSON.parse(journey.dataset.numbers);
  all(journey, ".step").forEach((step, at) => {
    if (numbers[0].steps[at]) markStep(step, numbers[0].steps[at].slice(0, 6), numbers[0].steps[at][6]);
  });
  journey.querySelector(".version")?.addEventListener("change", event => {
    tellVersion(journey, numbers[event.target.value], event.target.value);
  });
}
