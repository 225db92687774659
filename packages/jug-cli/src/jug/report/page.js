"use strict";
// What needs a script: finding, sorting, and on a live page looking anew.
const byId = (id) => document.getElementById(id);
const tools = byId("tools"), find = byId("find"), state = byId("state"), found = byId("found");

// Finding: rows and failures whose text has all the words, and that are in the state.

function filter() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0, all = 0;
  for (const item of document.querySelectorAll(".item")) {
    const text = item.textContent.toLowerCase(), states = item.dataset.states;
    const fits = words.every((word) => text.includes(word)) &&
      (!state.value || (states !== undefined && states.split(" ").includes(state.value)));
    item.hidden = !fits;
    shown += fits;
    all += 1;
  }
  const isAll = !words.length && !state.value;
  const said = isAll ? "" : `${shown} of ${all} rows`;
  if (found.textContent !== said) found.textContent = said;
}

// Sorting: by a click on a title, the other way round by a second one.

function sort(head) {
  const table = head.closest("table"), body = table.tBodies[0];
  const column = [...head.parentNode.children].indexOf(head);
  const sign = head.getAttribute("aria-sort") === "descending" ? -1 : 1;
  const value = (row) => {
    const cell = row.cells[column], order = cell.dataset.order;
    if (order !== undefined) return Number(order);
    if (!head.classList.contains("n")) return cell.textContent;
    const number = Number(cell.textContent);
    return Number.isNaN(number) ? -1 : number; // what is not known stands as less than none
  };
  const compare = (a, b) => (typeof a === "number" && typeof b === "number"
    ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true }));
  const rows = [...body.rows].map((row) => [value(row), row]);
  rows.sort(([a], [b]) => sign * compare(a, b));
  rows.forEach(([, row], place) => {
    if (body.rows[place] !== row) body.insertBefore(row, body.rows[place] ?? null);
  });
}

document.addEventListener("click", (event) => {
  const head = event.target.closest("thead th");
  if (!head || !event.target.closest("button")) return;
  const first = head.classList.contains("n") ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const next = head.getAttribute("aria-sort") === first ? other : first;
  for (const one of head.parentNode.children) one.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", next);
  sort(head);
});

// Looking anew: only what has changed is exchanged, so what is open stays so, and where one is.

const kept = { DETAILS: ["open"], TH: ["aria-sort"] };

function update(old, now) {
  if (old.isEqualNode(now)) return;
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName || keyOf(old) !== keyOf(now)) {
    old.replaceWith(document.importNode(now, true));
  } else if (old.nodeType === Node.TEXT_NODE) {
    old.data = now.data;
  } else {
    updateAttributes(old, now);
    updateChildren(old, now);
  }
}

const keyOf = (node) => node.dataset?.key ?? node.id ?? "";

function updateAttributes(old, now) {
  const stays = kept[old.nodeName] ?? [];
  for (const { name } of [...old.attributes]) {
    if (name !== "hidden" && !stays.includes(name) && !now.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of now.attributes) {
    if (!stays.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function updateChildren(old, now) {
  const before = [...old.childNodes], matched = new Set();
  const keyed = new Map(before.filter(keyOf).map((node) => [keyOf(node), node]));
  const others = before.filter((node) => !keyOf(node));
  let next = old.firstChild;
  for (const child of now.childNodes) {
    const match = keyOf(child) ? keyed.get(keyOf(child)) : others.shift();
    if (match === next && match) next = next.nextSibling;
    else old.insertBefore(match ?? document.importNode(child, true), next);
    if (match) {
      matched.add(match);
      update(match, child);
    }
  }
  for (const node of before) if (!matched.has(node)) node.remove();
}

const refresh = Number(document.body.dataset.refresh ?? 0), live = byId("live"), pause = byId("pause");
let isPaused = false, trouble = "";

async function lookAnew() {
  const late = setTimeout(() => say("waiting for an answer"), 5000);
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const text = await answer.text();
    if (answer.ok) show(new DOMParser().parseFromString(text, "text/html"));
    trouble = answer.ok ? "" : answer.status === 503 ? text.trim() : "jug webstatus was started anew: open its new URL";
  } catch {
    trouble = "jug webstatus does not answer any more";
  }
  clearTimeout(late);
  say();
}

function show(page) {
  for (const part of ["header", "main"]) update(document.querySelector(part), page.querySelector(part));
  document.querySelectorAll("th[aria-sort]").forEach(sort);
  filter();
}

function say(what = trouble || (isPaused ? "paused" : "live")) {
  if (live.textContent !== what) live.textContent = what;
  live.classList.toggle("bad-text", trouble !== "");
  pause.textContent = isPaused ? "Go on" : "Pause";
}

async function follow() {
  for (;;) {
    await new Promise((done) => setTimeout(done, refresh * 1000));
    if (isPaused || document.hidden) continue;
    if (getSelection().isCollapsed) await lookAnew();
    else say("paused while text is selected");
  }
}

tools.hidden = false;
find.addEventListener("input", filter);
state.addEventListener("input", filter);
if (refresh) {
  pause.addEventListener("click", () => { isPaused = !isPaused; say(); });
  say();
  follow();
}
addEventListener("beforeprint", () => document.querySelectorAll(".failure, .failure details").forEach((one) => { one.open = true; }));
