"use strict";
// Shows what a cell leads to; everything it shows was computed and written by Python.

const dialog = document.getElementById("pair");
const body = document.getElementById("pair-body");
const lines = Array.from(document.querySelectorAll(".grid tbody tr"), (line) => [...line.cells].slice(1));
const links = [...document.querySelectorAll(".grid a")];
const anchor = (link) => decodeURIComponent(link.hash.slice(1));
const filled = (id) => document.getElementById(id).content.cloneNode(true);

function open() {
  const place = decodeURIComponent(location.hash.slice(1));
  const link = links.find((each) => anchor(each) === place);
  if (!link) return dialog.close();
  reach(link);
  const parts = ["pair", "map", "loss"].map((kind) => filled(kind === "pair" ? place : link.closest("td").dataset[kind]));
  body.replaceChildren(...parts);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

// one cell is in the order of the Tab key, the arrows move it
function reach(link) {
  for (const each of links) each.tabIndex = each === link ? 0 : -1;
}

function walk(event) {
  const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  const cell = event.target.closest("td");
  if (!cell || !(event.key in steps)) return;
  const [down, right] = steps[event.key];
  const row = lines.findIndex((line) => line.includes(cell));
  const next = lines[row + down]?.[lines[row].indexOf(cell) + right]?.querySelector("a");
  if (!next) return;
  event.preventDefault();
  reach(next);
  next.focus();
}

document.querySelector(".grid").addEventListener("keydown", walk);
dialog.addEventListener("close", () => {
  const link = links.find((each) => each.tabIndex === 0);
  history.replaceState(null, "", "#");
  link?.focus();
});
addEventListener("hashchange", open);
reach(links[0]);
open();
