const made = (name, text, kind) => {
  const one = document.createElement(name);
  one.textContent = text;
  if (kind) one.className = kind;
  return one;
};

const wanted = document.querySelector("#wanted");
const narrow = () => {
  const words = wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
  const state = document.querySelector("[name=state]:checked");
  const cards = all(document, ".card");
  for (const card of cards) {
    const told = `${card.textContent} ${card.dataset.words}`.toLowerCase();
    const isState = !state || !state.value || state.value === card.dataset.state;
    card.hidden = !(isState && words.every(word => told.includes(word)));
  }
  document.querySelector(".none").hidden = cards.some(card => !card.hidden);
};
if (wanted) {
  wanted.addEventListener("input", narrow);
  for (const one of all(document, "[name=state]")) one.addEventListener("change", narrow);
  narrow();
}

const choose = step => {
  for (const one of all(document, ".step")) one.setAttribute("aria-pressed", one === step);
  const {step: name, branch, told} = step.dataset;
  document.querySelector(".panel").replaceChildren(made("p", `step ${name} of branch ${branch}`), made("p", told, "sentence"));
};
onStep(choose);
