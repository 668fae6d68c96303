// A button beside each command, where the browser lets pages copy. Without it the command can be selected.
"use strict";
document.addEventListener("click", async (event) => {
  const button = event.target.closest(".copy button");
  if (!button) return;
  const said = button.parentElement.querySelector("[role=status]");
  try {
    await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
    said.textContent = "Copied";
  } catch {
    said.textContent = "Not copied: select it";
  }
});
if (navigator.clipboard) document.documentElement.classList.add("copies");
