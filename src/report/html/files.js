// Files as a reader sees them: cached and durable side by side, only what matters of each.

const ROW = 16;      // Bytes of a row.
const AROUND = 1;    // Rows shown around one that matters.
const MOST = 40;     // Rows of one file, until all are asked for.

// An element with classes and children; texts are texts, whatever is in them.
function element(name, classes, ...children) {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

// A text; if it is very long, its beginning, and all of it on demand.
function longText(text) {
  if (text.length <= 320) return text;
  const summary = element("summary", "", `${text.slice(0, 236)} .. ${text.slice(-80)}`);
  return element("details", "long", summary, element("div", "", text));
}

// All files at a step.
function showFiles(number) {
  const now = filesAt(number);
  const before = number > 0 ? filesAt(number - 1) : { cached: new Map(), durable: new Map() };
  const paths = [now.cached, now.durable, before.cached, before.durable].flatMap((files) => [...files.keys()]);
  const all = [...new Set(paths)].sort().map((path) => {
    const of = (files) => files.get(path);
    return {
      path, cached: of(now.cached), durable: of(now.durable), cachedBefore: of(before.cached), durableBefore: of(before.durable),
    };
  });
  const quiet = (file) => sameFile(file.cached, file.durable)
    && sameFile(file.cached, file.cachedBefore) && sameFile(file.durable, file.durableBefore);
  const loud = all.filter((file) => !quiet(file));
  const list = element("div", "files", ...loud.map((file) => showFile(file, false)));
  const rest = all.filter((file) => quiet(file) && !file.cached?.directory);
  if (loud.length === 0) list.append(element("p", "soft", all.length === 0 ? "There are no files." : "Nothing changed on any file, and nothing is cached only."));
  if (rest.length > 0) list.append(showQuiet(rest, loud.length > 0));
  return [legend(list), list];
}

// What the marks mean that there are.
function legend(list) {
  const marks = [["new", "changed in this step"], ["differs", "cached and durable differ"]];
  const used = marks.filter(([mark]) => list.querySelector(`.unit.${mark}`));
  return used.length === 0 ? "" : element("p", "legend", ...used.map(([mark, says]) => element("span", "", element("b", `unit ${mark}`, "61"), ` ${says}`)));
}

// Files that are the same everywhere: a line each, and their contents on demand.
function showQuiet(files, others) {
  const lines = files.map((file) => {
    const line = element("details", "quiet", element("summary", "", element("span", "path", file.path), ` ${sizeOf(file.cached)}`));
    line.dataset.path = file.path;
    line.addEventListener("toggle", () => {
      if (line.open && line.children.length === 1) line.append(showFile(file, true));
    });
    return line;
  });
  return element("div", "", element("h3", "", others ? "Unchanged, cached as it is durable" : "Cached as it is durable"), ...lines);
}

function sizeOf(file) {
  if (!file) return "not there";
  if (file.directory) return "a directory";
  const [count, unit] = [unitsOf(file).length, file.bytes ? "byte" : "cell"];
  return count === 0 ? "empty" : `${count} ${unit}${count === 1 ? "" : "s"}`;
}

function showFile(file, all) {
  const same = sameFile(file.cached, file.durable);
  const state = same ? "cached = durable" : !file.durable ? "cached only" : !file.cached ? "durable only" : "cached and durable differ";
  const block = element("section", "file",
    element("h3", "", element("span", "path", file.path), element("span", `state ${same ? "" : "apart"}`, state)));
  block.dataset.path = file.path;
  const rows = all ? null : rowsThatMatter(file);
  const again = () => block.replaceWith(showFile(file, true));
  block.append(element("div", "sides",
    showSide("cached", file.cached, file.cachedBefore, file.durable, rows, again),
    showSide("durable", file.durable, file.durableBefore, file.cached, rows, again)));
  return block;
}

function showSide(name, file, before, other, rows, again) {
  const was = `was ${sizeOf(before)}`;
  const change = sameFile(file, before) ? "" : !before ? "new in this step"
    : !file ? `gone in this step, ${was}` : `changed in this step${sizeOf(file) === sizeOf(before) ? "" : `, ${was}`}`;
  const side = element("div", "side", element("h4", "", name, element("span", "size", sizeOf(file)), change && element("span", "change", change)));
  side.dataset.side = name;
  const mark = (i, units) => {
    const unlike = (than) => than && !than.directory && unitsOf(than)[i] !== units[i];
    return (unlike(before) ? " new" : "") + (unlike(other) ? " differs" : "");
  };
  if (file?.cells) side.append(element("div", "cells", ...file.cells.map((cell, i) => element("span", `unit chip${mark(i, file.cells)}`, longText(cell)))));
  if (file?.bytes?.length) side.append(dump(file.bytes, mark, rows, again));
  return side;
}

// Numbers of rows in which something changed or differs, and those around them.
function rowsThatMatter(file) {
  const now = [file.cached, file.durable].filter((one) => one?.bytes);
  const than = [[file.cached, file.cachedBefore], [file.durable, file.durableBefore], [file.cached, file.durable]]
    .filter(([a, b]) => a?.bytes && b?.bytes && a !== b);
  const rows = new Set();
  const size = Math.max(0, ...now.map((one) => one.bytes.length));
  for (let row = 0; row * ROW < size; row += 1) {
    const at = row * ROW;
    const matters = than.length === 0 || than.some(([a, b]) => {
      for (let i = at; i < at + ROW; i += 1) if (a.bytes[i] !== b.bytes[i]) return true;
      return false;
    });
    if (matters) for (let near = row - AROUND; near <= row + AROUND; near += 1) rows.add(near);
    if (rows.size > MOST) break;
  }
  return rows;
}

// A hexdump. `rows`: which rows are shown; all, where there is none.
function dump(bytes, mark, rows, again) {
  const pre = element("pre", "dump");
  const count = Math.ceil(bytes.length / ROW);
  const digits = Math.max(4, (bytes.length - 1).toString(16).length);
  const like = (row) => row > 0 && (row + 1) * ROW <= bytes.length
    && lineOf(bytes, mark, row) === lineOf(bytes, mark, row - 1);
  let folded = 0;
  let alike = 0;
  const fold = () => {
    if (folded > 0) pre.append(foldOf(`… ${folded} row${folded === 1 ? "" : "s"} more, as before`, again));
    if (alike > 0) pre.append(foldOf(`… ${alike} row${alike === 1 ? "" : "s"} like the one above`, again));
    folded = alike = 0;
  };
  for (let row = 0; row < count; row += 1) {
    if (rows && !rows.has(row)) {
      if (alike > 0) fold();
      folded += 1;
    } else if (rows && folded === 0 && like(row)) {
      alike += 1;
    } else {
      fold();
      pre.append(rowOf(bytes, mark, row, digits));
    }
  }
  fold();
  return pre;
}

function foldOf(text, again) {
  const button = element("button", "fold", text);
  button.type = "button";
  button.title = "Show all rows of this file";
  button.addEventListener("click", again);
  return button;
}

// Bytes and marks of a row, to compare rows.
function lineOf(bytes, mark, row) {
  const line = [];
  for (let i = row * ROW; i < Math.min(bytes.length, (row + 1) * ROW); i += 1) line.push(bytes[i] + mark(i, bytes));
  return line.join();
}

function rowOf(bytes, mark, row, digits) {
  const at = row * ROW;
  const end = Math.min(bytes.length, at + ROW);
  const hex = new Marked();
  const ascii = new Marked();
  for (let i = at; i < end; i += 1) {
    const marks = mark(i, bytes);
    hex.add(bytes[i].toString(16).padStart(2, "0"), marks, i === at ? "" : i % 8 === 0 ? "  " : " ");
    ascii.add(bytes[i] >= 0x20 && bytes[i] < 0x7f ? String.fromCharCode(bytes[i]) : ".", marks, "");
  }
  const missing = at + ROW - end;
  const space = " ".repeat(missing * 3 + (missing >= 8 ? 1 : 0) + 2);
  return element("div", "row", element("span", "at", at.toString(16).padStart(digits, "0")), "  ",
    element("span", "hex", ...hex.parts()), space, element("span", "ascii", ...ascii.parts()));
}

// Texts of which some are marked: those that stand together and are marked alike are one element.
class Marked {
  #parts = [];

  add(text, marks, gap) {
    const last = this.#parts.at(-1);
    if (last && last.marks === marks) last.text += gap + text;
    else this.#parts.push({ gap, text, marks });
  }

  parts() {
    return this.#parts.flatMap(({ gap, text, marks }) => [gap, marks ? element("b", `unit${marks}`, text) : text]);
  }
}
