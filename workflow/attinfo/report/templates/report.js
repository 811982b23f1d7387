"use strict";
// The page can be read without this script, which sorts and filters tables and shows values.

const number = (text) => {
  const found = text.replaceAll("−", "-").replaceAll(",", "").match(/^[^\w-]*(-?\d+(\.\d+)?)/);
  return found ? parseFloat(found[1]) : NaN;
};

function sort(table, column, heading) {
  const body = table.tBodies[0];
  const down = heading.getAttribute("aria-sort") === "ascending";
  const rows = [...body.rows].map((row) => [row.cells[column].textContent.trim(), row]);
  const numeric = rows.every(([text]) => text === "–" || text === "" || !isNaN(number(text)));
  const empty = (text) => text === "–" || text === "";
  rows.sort(([a], [b]) => {
    if (empty(a) || empty(b)) return empty(a) - empty(b); // missing values stay last
    const order = numeric ? number(a) - number(b) : a.localeCompare(b);
    return down ? -order : order;
  });
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows.map(([, row]) => row));
}

for (const figure of document.querySelectorAll("figure.table:has(table)")) {
  const table = figure.querySelector("table");
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent.trim();
    button.addEventListener("click", () => sort(table, column, heading));
    heading.replaceChildren(button);
  });
  if (table.tBodies[0].rows.length > 12) {
    const filter = document.createElement("input");
    filter.type = "search";
    filter.className = "filter";
    filter.placeholder = "Filter rows";
    filter.setAttribute("aria-label", "Filter the rows of: " + figure.dataset.title);
    filter.addEventListener("input", () => {
      const wanted = filter.value.toLowerCase().split(/\s+/);
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !wanted.every((word) => text.includes(word));
      }
    });
    figure.querySelector(".tools").prepend(filter);
  }
}

const tip = document.createElement("div");
tip.className = "tip";
tip.setAttribute("role", "tooltip");
tip.hidden = true;
document.body.append(tip);

// A field of a strip shows the values of all measures for its word.
for (const table of document.querySelectorAll(".words table")) {
  for (const field of table.querySelectorAll("td[title]")) field.removeAttribute("title");
  table.addEventListener("mouseover", (event) => {
    const field = event.target.closest("td");
    tip.hidden = !field || field.classList.contains("most");
    if (tip.hidden) return;
    const place = field.cellIndex;
    const rows = [...field.closest("tbody").rows].slice(1);
    tip.textContent = [
      table.tHead.rows[0].cells[place].textContent.trim(),
      ...rows.map((row) => `${row.cells[0].textContent.trim()}: ${row.cells[place].textContent.trim()}`),
    ].join("\n");
    const box = field.getBoundingClientRect();
    const left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
    const below = box.bottom + 6 + tip.offsetHeight < window.innerHeight;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${below ? box.bottom + 6 : box.top - 6 - tip.offsetHeight}px`;
  });
  table.addEventListener("mouseleave", () => { tip.hidden = true; });
}
