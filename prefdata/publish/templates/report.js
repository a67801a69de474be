"use strict";
const rows = JSON.parse(document.getElementById("samples").textContent);
const list = document.getElementById("list");
const controls = ["q", "state", "reason", "source"].map((id) => document.getElementById(id));
const PAGE = 20;
let limit = PAGE;

function make(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}

function options(select, values) {
  for (const value of [...new Set(values)].sort()) {
    const option = make("option", "", value);
    option.value = value;
    select.append(option);
  }
}

function texts(title, turns) {
  const column = make("div", "column");
  column.append(make("h4", "", title));
  if (!turns.length) column.append(make("p", "muted", "–"));
  for (const [side, role, text] of turns) {
    const turn = make("div", "turn " + side.replace(/[^a-z]/g, ""));
    turn.append(make("span", "who", side === "prompt" ? role : side), make("p", "", text));
    column.append(turn);
  }
  return column;
}

function card(row) {
  const article = make("article", row.state);
  const head = make("header");
  head.append(make("strong", "", row.state === "kept" ? "kept 残した" : "dropped 除いた " + row.step));
  head.append(make("span", "muted", row.source), make("code", "", row.id.slice(0, 12)));
  article.append(head);
  for (const why of row.why) {
    let text = why.code + (why.side ? " · " + why.side : "");
    if (why.measured !== null) text += " · " + why.measured;
    if (why.limit !== null) text += " (limit " + why.limit + ")";
    const line = make("p", "why", text);
    if (why.detail) line.append(make("span", "muted", " " + why.detail));
    article.append(line);
  }
  if (row.hidden) {
    article.append(make("p", "muted", "公開が許されていないため、本文はありません / no text: its license does not let it out"));
    return article;
  }
  const columns = make("div", "columns");
  columns.append(texts("日本語", row.ja), texts("English", row.en));
  if (row.warned) {
    const veil = make("details");
    veil.append(make("summary", "", "不快な表現を含むことがあります / may hold offensive text"), columns);
    article.append(veil);
  } else {
    article.append(columns);
  }
  return article;
}

function matches(row, words, state, reason, source) {
  if (state && row.state !== state) return false;
  if (source && row.source !== source) return false;
  if (reason && !row.why.some((why) => why.code === reason)) return false;
  return words.every((word) => row.text.includes(word));
}

function show() {
  const [q, state, reason, source] = controls.map((control) => control.value);
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = rows.filter((row) => matches(row, words, state, reason, source));
  list.replaceChildren(...found.slice(0, limit).map(card));
  document.getElementById("found").textContent = found.length + " / " + rows.length;
  document.getElementById("more").hidden = found.length <= limit;
}

for (const row of rows) {
  row.text = [row.id, ...row.ja.map((t) => t[2]), ...row.en.map((t) => t[2])].join("\n").toLowerCase();
}
options(document.getElementById("reason"), rows.flatMap((row) => row.why.map((why) => why.code)));
options(document.getElementById("source"), rows.map((row) => row.source));
for (const [id, value] of new URLSearchParams(location.hash.slice(1))) {
  const control = controls.find((known) => known.id === id);
  if (control) control.value = value;
}
for (const control of controls) {
  control.addEventListener("input", () => { limit = PAGE; show(); });
}
const shown = new Set(rows.flatMap((row) => row.why.map((why) => why.code)));
for (const link of document.querySelectorAll("[data-reason]")) {
  link.disabled = !shown.has(link.dataset.reason);
  link.addEventListener("click", () => {
    for (const control of controls) control.value = control.id === "reason" ? link.dataset.reason : "";
    limit = PAGE;
    show();
    list.scrollIntoView();
  });
}
document.getElementById("more").addEventListener("click", () => { limit += PAGE; show(); });
show();
