"use strict";
// Draws what chain.js computes, and lets the logits be moved.

const facts = JSON.parse(document.getElementById("facts").textContent);
const start = { map: "softmax", loss: "cross_entropy", target: 2, T: 1, z: [1.5, 0.5, -0.5, -2] };
const END = 5; // logits stay in -5 .. 5
const state = fromAddress();
const find = (id) => document.getElementById(id);

function svg(name, attributes, ...inside) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

// ---- numbers

function words(x, digits) {
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  return digits(x).replace("e+", "e").replaceAll("-", "−");
}
const long = (x) => words(x, (v) => String(Number(v.toPrecision(6))));
const short = (x) => words(x, (v) => {
  const size = Math.abs(v);
  if (size === 0) return "0";
  if (size >= 9999.5 || size < 5e-4) return v.toExponential(0);
  return v.toFixed(size < 9.9995 ? 3 : size < 99.995 ? 2 : 1);
});

// ---- the address keeps the state: #map=softmax&loss=huber&target=1&T=1&z=1,2,3,4

function fromAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const made = { ...start, z: [...start.z] };
  if (asked.get("map") in facts.maps) made.map = asked.get("map");
  if (asked.get("loss") in facts.losses) made.loss = asked.get("loss");
  const z = (asked.get("z") ?? "").split(",").map(Number);
  if (z.length === 4 && z.every((v) => Math.abs(v) <= END)) made.z = z;
  const [T, target] = [Number(asked.get("T")), Number(asked.get("target"))];
  if (T >= 0.1 && T <= 4) made.T = T;
  if ([1, 2, 3, 4].includes(target)) made.target = target;
  return made;
}

function keep() {
  const said = new URLSearchParams({ ...state, z: state.z.join(",") });
  history.replaceState(null, "", `#${said}`.replaceAll("%2C", ","));
}

// ---- one row: a logit to drag, and its output

const place = (z) => 200 + z * 38; // on a track 400 wide

function row(i) {
  const handle = svg("g", {
    class: "handle", role: "slider", tabindex: 0, "aria-label": `logit z${i + 1}`,
    "aria-valuemin": -END, "aria-valuemax": END, "data-logit": i,
  }, svg("circle", { class: "halo", r: 15, cy: 26 }), svg("circle", { r: 8, cy: 26 }), svg("text", { y: 12 }));
  const track = svg("svg", { class: "track", viewBox: "0 0 400 40", preserveAspectRatio: "none" },
    svg("line", { x1: place(-END), x2: place(END), y1: 26, y2: 26 }),
    svg("line", { class: "axis", x1: 200, x2: 200, y1: 20, y2: 32 }), handle);
  track.addEventListener("pointerdown", (event) => {
    track.setPointerCapture(event.pointerId);
    handle.focus();
    move(i, pointed(track, event));
    event.preventDefault();
  });
  track.addEventListener("pointermove", (event) => {
    if (track.hasPointerCapture(event.pointerId)) move(i, pointed(track, event));
  });
  track.addEventListener("pointerup", keep);
  handle.addEventListener("keydown", (event) => press(i, event));
  const bar = svg("svg", { class: "bar", viewBox: "0 0 115 40" });
  bar.setAttribute("aria-hidden", "true");
  const made = document.createElement("div");
  made.className = "row";
  const name = document.createElement("b");
  name.innerHTML = `z<sub>${i + 1}</sub>`;
  made.append(name, track, bar);
  return { made, handle, track, bar };
}

function pointed(track, event) {
  const box = track.getBoundingClientRect();
  return (((event.clientX - box.left) / box.width) * 400 - 200) / 38;
}

function move(i, z) {
  state.z[i] = Math.round(Math.min(Math.max(z, -END), END) * 100) / 100;
  show();
}

function press(i, event) {
  const step = event.shiftKey ? 1 : 0.1;
  const z = state.z[i];
  const to = {
    ArrowRight: z + step, ArrowUp: z + step, ArrowLeft: z - step, ArrowDown: z - step,
    PageUp: z + 1, PageDown: z - 1, Home: -END, End: END,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  move(i, to);
  keep();
}

const rows = [0, 1, 2, 3].map(row);

function showRow({ handle, bar, track }, i, a, y, least) {
  // the track is stretched to its box: undo that for what must stay round
  const squeeze = 400 / (track.getBoundingClientRect().width || 400);
  const z = state.z[i];
  handle.setAttribute("transform", `translate(${place(z)} 0) scale(${squeeze} 1)`);
  handle.setAttribute("aria-valuenow", z);
  handle.setAttribute("aria-valuetext", `${z}; output ${short(a)}`);
  handle.lastChild.textContent = short(z).replace(/0$/, "");
  const at = (v) => 2 + ((v - least) / (1 - least)) * 56;
  const [from, to] = [Math.min(at(0), at(a)), Math.max(at(0), at(a))];
  bar.replaceChildren(
    svg("line", { x1: at(least), x2: at(1), y1: 31, y2: 31 }),
    svg("rect", { class: a < 0 ? "a below" : "a", x: from, width: to - from, y: 14, height: 16 }),
    svg("line", { class: "y", x1: at(y), x2: at(y), y1: 11, y2: 33 }),
    svg("text", { x: 64, y: 27 }, short(a)),
  );
}

// ---- the picture of dL/dz = J^T dL/da, as on the written pages

function matrix(rows, name, x, group) {
  const [wide, high] = [58, 32];
  const finite = rows.flat().map(Math.abs).filter(Number.isFinite);
  const most = Math.max(...finite, 0) || 1;
  const width = rows[0].length * wide + 12;
  rows.forEach((line, i) => line.forEach((v, j) => {
    const box = { x: x + 6 + j * wide, y: 4 + i * high, width: wide, height: high };
    group.append(svg("rect", { class: "box", ...box }));
    const share = Number.isFinite(v) ? Math.abs(v) / most : 0;
    if (share > 0.004) group.append(svg("rect", { class: v > 0 ? "p" : "m", "fill-opacity": share.toFixed(2), ...box }));
    group.append(svg("text", { class: v === 0 ? "cell nil" : "cell", x: box.x + wide / 2, y: box.y + 21 }, short(v)));
  }));
  const end = 7 + rows.length * high;
  group.append(
    svg("path", { class: "bracket", d: `M${x + 5} 1H${x}V${end}h5M${x + width - 5} 1H${x + width}V${end}h-5` }),
    svg("text", { class: "name", x: x + width / 2, y: end + 20 }, name),
    svg("text", { class: "shape", x: x + width / 2, y: end + 37 }, `${rows.length} × ${rows[0].length}`),
  );
  return x + width + 14;
}

function equation(found) {
  const n = found.J.length;
  const said = `dL/dz (${n} numbers) is the transposed Jacobian (${n} times ${n}) times dL/da (${n} numbers).`;
  const made = svg("svg", { class: "maths", role: "img", "aria-label": said });
  const column = (x) => x.map((v) => [v]);
  let x = matrix(column(found.gradient), "dL/dz", 4, made);
  made.append(svg("text", { class: "sign", x: x + 13, y: 75 }, "="));
  x = matrix(found.J[0].map((_, j) => found.J.map((line) => line[j])), "Jᵀ", x + 40, made);
  x = matrix(column(found.slope), "dL/da", x, made);
  const [width, height] = [x, 4 * 32 + 54];
  made.setAttribute("viewBox", `0 0 ${width} ${height}`);
  made.setAttribute("width", width);
  made.setAttribute("height", height);
  return made;
}

// ---- all of it

function cell(line, x, name) {
  const made = line.insertCell();
  made.textContent = name === "y" ? String(x) : long(x);
  made.dataset.is = name;
  made.dataset.value = String(x);
  if (!Number.isFinite(x)) made.className = "odd";
}

function show() {
  const { map, loss, z, T } = state;
  const fact = facts.pairs[`${map} ${loss}`];
  const refused = fact.status === "refused";
  const y = z.map((_, i) => (i + 1 === state.target ? 1 : 0));
  const found = refused ? null : chain(map, loss, z, y, T);
  const a = refused ? maps[map](z.map((v) => v / T)).a : found.a;
  rows.forEach((each, i) => showRow(each, i, a[i], y[i], map === "tanh" ? -1 : 0));
  find("T-said").textContent = T.toFixed(2);
  say(fact);
  find("map-formula").innerHTML = facts.maps[map].map;
  find("J-formula").innerHTML = facts.maps[map].J;
  find("loss-formula").innerHTML = facts.losses[loss].loss;
  find("slope-formula").innerHTML = facts.losses[loss].slope;
  find("L").textContent = refused ? "not defined" : long(found.L);
  find("L").dataset.value = refused ? "" : String(found.L);
  find("numbers").hidden = find("equation").hidden = find("slope-formula").hidden = refused;
  find("equation").replaceChildren(...(refused ? [] : [equation(found)]));
  find("table").replaceChildren();
  if (!refused) table(found, y);
}

function say(fact) {
  const said = fact.sentence ? `${fact.title}: ${fact.status}. ${fact.sentence}` : `${fact.title}: ${fact.status}.`;
  if (find("said").textContent !== said) find("said").textContent = said;
  const warns = ["refused", "doubtful", "boundary"].includes(fact.status);
  find("said").className = warns ? "note warn" : "note said";
  find("cancels").innerHTML = fact.cancellation
    ? `What cancels: ${fact.cancellation}.`
    : "Nothing comes down, since L is not defined here.";
}

function table(found, y) {
  state.z.forEach((z, i) => {
    const line = find("table").insertRow();
    line.append(Object.assign(document.createElement("th"), { scope: "row", textContent: i + 1 }));
    cell(line, z, "z");
    cell(line, found.a[i], "a");
    cell(line, y[i], "y");
    for (const name of ["slope", "gradient", "unfused", "differences"]) cell(line, found[name][i], name);
  });
}

function settle() {
  for (const name of ["map", "loss", "target"]) {
    document.querySelector(`input[name=${name}][value="${state[name]}"]`).checked = true;
  }
  find("T").value = state.T;
  show();
}

find("rows").append(...rows.map((each) => each.made));
for (const input of document.querySelectorAll("input[name=map], input[name=loss], input[name=target]")) {
  input.addEventListener("change", () => {
    state[input.name] = input.name === "target" ? Number(input.value) : input.value;
    show();
    keep();
  });
}
find("T").addEventListener("input", () => { state.T = Number(find("T").value); show(); });
find("T").addEventListener("change", keep);
find("reset").addEventListener("click", () => {
  Object.assign(state, start, { z: [...start.z] });
  settle();
  keep();
});
addEventListener("hashchange", () => { Object.assign(state, fromAddress()); settle(); });
addEventListener("resize", show);
settle();
