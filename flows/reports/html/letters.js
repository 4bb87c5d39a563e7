const letters = JSON.parse(document.querySelector("#letters").textContent), shownLetter = document.querySelector("#letter");
const STILL = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>:root { color-scheme: light } .onward-image { border: 1px dashed #888; padding: 2px 6px; color: #555; font: 12px sans-serif }</style>`;
const openLetter = button => {
  const {subject, at, note, html, text} = letters[button.dataset.letter];
  shownLetter.querySelector("h2").textContent = subject;
  shownLetter.querySelector(".note").textContent = `The newest that was sent, at ${at}. ${note}`;
  const seen = shownLetter.querySelector(".seen");
  if (html !== undefined) {
    const frame = made("iframe", null);
    frame.setAttribute("sandbox", "");
    frame.title = `The message “${subject}”`;
    frame.srcdoc = html.replace(/^(\s*<!doctype[^>]*>)?/i, `<!doctype html>${STILL}`);
    seen.replaceChildren(frame);
  } else seen.replaceChildren(...(text === undefined ? [] : [made("pre", text)]));
  shownLetter.showModal();
};
for (const button of all(document, "[data-letter]")) button.addEventListener("click", () => openLetter(button));
shownLetter.querySelector("button").addEventListener("click", () => shownLetter.close());
shownLetter.addEventListener("click", event => {
  if (event.target === shownLetter) shownLetter.close();
});
shownLetter.addEventListener("close", () => shownLetter.querySelector(".seen").replaceChildren());
