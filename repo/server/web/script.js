"use strict";
// Behind a proxy the server does not know the address that people use.
for (const place of document.querySelectorAll("[data-address]")) {
  const path = place.textContent.replace(/^[a-z]+:\/\/[^/]*/, "");
  place.textContent = location.origin + path;
}
const status = document.getElementById("status");
async function copy(element) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(element.textContent);
  }
  getSelection().selectAllChildren(element); // without HTTPS there is no clipboard but this
  if (!document.execCommand("copy")) {
    throw new Error("the browser does not copy");
  }
}
for (const button of document.querySelectorAll("button[data-copy]")) {
  const label = button.firstChild;
  button.hidden = false;
  button.addEventListener("click", () => {
    copy(document.getElementById(button.dataset.copy)).then(() => ["Copied", "Copied to the clipboard."], () => ["Copy", "The browser does not let pages copy. Select the text instead."]).then(([short, long]) => {
      label.textContent = short;
      status.textContent = long;
      setTimeout(() => { label.textContent = "Copy"; status.textContent = ""; }, 3000);
    });
  });
}
