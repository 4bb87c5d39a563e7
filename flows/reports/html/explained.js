"use strict";
const all = what => [...document.querySelectorAll(what)];
const [workflow, words, shown] = ["#workflow", "#words", ".shown"].map(what => document.querySelector(what));
const kinds = all("[name=kind]"), lines = all(".line");
const texts = new Map(lines.map(one => [one, one.textContent.toLowerCase()]));
const grouped = n => Number(n).toLocaleString("en-US");

const isOf = one => !workflow || !workflow.value || one.dataset.of === undefined
  || one.dataset.of.split(" ").includes(workflow.value);

const filter = () => {
  const wanted = words.value.trim().toLowerCase();
  const out = new Set(kinds.filter(one => !one.checked).map(one => one.value));
  for (const one of lines) one.hidden = out.has(one.dataset.kind) || !isOf(one) || !texts.get(one).includes(wanted);
  for (const one of all(".missed, tr[data-of]")) one.hidden = !isOf(one);
  const left = lines.filter(one => !one.hidden).length;
  document.querySelector("#no-lines").hidden = left > 0 || lines.length === 0;
  shown.textContent = left === lines.length ? "" : `${grouped(left)} of ${grouped(lines.length)} lines`;
};

document.querySelector(".filters").addEventListener("submit", event => event.preventDefault());
for (const one of [workflow, words, ...kinds]) if (one) one.addEventListener("input", filter);
for (const input of all("[name=clock]")) {
  input.addEventListener("change", () => {
    for (const one of all("time[data-utc]")) one.textContent = one.dataset[input.value];
  });
}
filter();
