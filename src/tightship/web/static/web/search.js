// The box in the frame: `/` leads to it, and what was found so far can be chosen with the arrow keys.
// htmx brings the list; without either, the box is a form like any other.
"use strict";
(() => {
  const form = document.getElementById("find-form");
  if (!form) return;
  const box = document.getElementById("find");
  const found = document.getElementById("found");
  const said = document.getElementById("found-said");
  const WITHOUT_SLASH = "tightship-without-slash";

  // A combobox with a list, as screen readers know it. Only where there is somebody to open it.
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-haspopup", "listbox");
  box.setAttribute("aria-expanded", "false");

  const options = () => [...found.querySelectorAll("[role=option]")];
  const chosen = () => found.querySelector("[aria-selected=true]");

  function choose(option) {
    const before = chosen();
    if (before) before.setAttribute("aria-selected", "false");
    if (!option) {
      box.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", option.id);
  }

  function open() {
    const list = found.querySelector("[role=listbox]");
    found.hidden = !found.firstElementChild;
    box.setAttribute("aria-expanded", String(Boolean(list)));
    if (list) box.setAttribute("aria-controls", list.id);
    else box.removeAttribute("aria-controls");
  }

  function close() {
    choose(null);
    found.hidden = true;
    said.textContent = "";
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-controls");
  }

  function move(by) {
    if (found.hidden) open();
    const all = options();
    if (!all.length) return;
    const at = all.indexOf(chosen());
    // Beyond either end is the box itself.
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
    choose(all[next] || null);
  }

  found.addEventListener("htmx:beforeSwap", (event) => {
    // Logged out meanwhile: the answer is a page to log in, and no list.
    if (event.detail.xhr.responseURL.includes("/login")) event.detail.shouldSwap = false;
  });

  found.addEventListener("htmx:afterSwap", () => {
    choose(null);
    const first = found.querySelector("[data-said]");
    if (document.activeElement === box && first) {
      open();
      said.textContent = first.dataset.said;
    } else {
      close();
    }
  });

  box.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape" && !found.hidden) {
      event.preventDefault(); // the text stays; a second one clears it
      close();
    } else if (event.key === "Enter" && chosen() && !found.hidden) {
      event.preventDefault();
      window.location.assign(chosen().href);
    }
  });

  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) close();
  });
  box.addEventListener("focus", () => {
    if (box.value && found.firstElementChild) open();
  });

  const writes = (target) =>
    target instanceof Element && target.closest("input, textarea, select, [contenteditable]");
  const withoutSlash = () => {
    try {
      return localStorage.getItem(WITHOUT_SLASH) === "1";
    } catch {
      return false;
    }
  };
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (writes(event.target) || withoutSlash()) return;
    event.preventDefault();
    box.focus();
    box.select();
  });

  const slash = document.getElementById("slash");
  if (slash) {
    slash.checked = !withoutSlash();
    document.getElementById("slash-choice").hidden = false;
    slash.addEventListener("change", () => {
      try {
        localStorage.setItem(WITHOUT_SLASH, slash.checked ? "0" : "1");
      } catch {
        /* a browser that keeps nothing */
      }
    });
  }
})();
