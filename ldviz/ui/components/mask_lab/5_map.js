// The map of spatial cells, in all channels or in one.

const CELL = 20; // user units per cell in the map's viewBox

/** Whether a point lies within a closed path, by counting crossings. */
function isInside(x, y, path) {
  let inside = false;
  for (let at = 0, before = path.length - 1; at < path.length; before = at, at += 1) {
    const [xa, ya] = path[at];
    const [xb, yb] = path[before];
    if (ya > y !== yb > y && x < ((xb - xa) * (y - ya)) / (yb - ya) + xa) inside = !inside;
  }
  return inside;
}

/** The h×w map: click, drag a box or a lasso, or move with arrows and press Space. */
class CellMap {
  constructor(svg, onPaint) {
    this.svg = svg;
    this.onPaint = onPaint; // (cells, off) => void
    this.focused = 0;
    this.anchor = null; // where a box began, by pointer or with Shift held
    this.boxing = false;
    this.tool = "box";
    this.path = []; // of the lasso, in cells
    svg.addEventListener("pointerdown", (event) => this.beginBox(event));
    svg.addEventListener("pointermove", (event) => this.moveBox(event));
    svg.addEventListener("pointerup", () => this.endBox());
    svg.addEventListener("pointercancel", () => this.cancelBox());
    svg.addEventListener("keydown", (event) => this.onKey(event));
  }

  layout([, height, width]) {
    this.height = height;
    this.width = width;
    this.svg.setAttribute("viewBox", `-1 -1 ${width * CELL + 2} ${height * CELL + 2}`);
    this.svg.style.aspectRatio = `${width} / ${height}`;
    const pattern = svgElement("pattern", {
      id: "hatch", width: 3.4, height: 3.4, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)",
    });
    pattern.append(
      svgElement("rect", { class: "hatch-ground", width: 3.4, height: 3.4 }),
      svgElement("rect", { class: "hatch-line", width: 0.8, height: 3.4 }),
    );
    const defs = svgElement("defs");
    defs.append(pattern);
    this.cells = [];
    const rows = [];
    for (let row = 0; row < height; row += 1) {
      const group = svgElement("g", { role: "row" });
      for (let column = 0; column < width; column += 1) {
        const cell = svgElement("rect", {
          x: column * CELL, y: row * CELL, width: CELL, height: CELL,
          role: "gridcell", tabindex: -1, "data-cell": this.cells.length, class: "cell",
        });
        cell.append(svgElement("title"));
        group.append(cell);
        this.cells.push(cell);
      }
      rows.push(group);
    }
    this.hatches = svgElement("path", { class: "hatches", fill: "url(#hatch)" });
    this.box = svgElement("rect", { class: "box", hidden: "" });
    this.lasso = svgElement("path", { class: "lasso", hidden: "" });
    this.ring = svgElement("rect", { class: "ring", width: CELL, height: CELL });
    this.svg.replaceChildren(defs, ...rows, this.hatches, this.ring, this.box, this.lasso);
    this.focused = Math.min(this.focused, this.cells.length - 1);
    this.cells[this.focused].setAttribute("tabindex", 0);
  }

  /** `off` and `partly`: cells without any, and with some, of their dimensions off. */
  draw(means, range, off, partly) {
    this.off = off;
    let hatched = "";
    this.cells.forEach((rect, cell) => {
      const on = !this.off.has(cell);
      const [row, column] = [Math.floor(cell / this.width), cell % this.width];
      rect.setAttribute("fill", cssColor(viridis((means[cell] - range.low) / (range.high - range.low))));
      rect.setAttribute("aria-selected", String(on));
      const state = on ? (partly.has(cell) ? "partly on" : "on") : "off";
      const label =
        `row ${row}, column ${column}, ${state}, ` +
        `mean influence ${formatSigned(means[cell], 2)} nats`;
      rect.setAttribute("aria-label", label);
      setText(rect.firstChild, label);
      if (!on) hatched += `M${column * CELL} ${row * CELL}h${CELL}v${CELL}h${-CELL}z`;
      else if (partly.has(cell)) hatched += `M${column * CELL} ${row * CELL}v${CELL}h${CELL}z`;
    });
    this.hatches.setAttribute("d", hatched);
  }

  /** Where the pointer is, in cells: [column, row] with fractions. */
  placeOf(event) {
    const frame = this.svg.getBoundingClientRect();
    return [
      ((event.clientX - frame.left) / frame.width) * this.width,
      ((event.clientY - frame.top) / frame.height) * this.height,
    ];
  }

  cellAt(event) {
    const [column, row] = this.placeOf(event).map(Math.floor);
    const clamp = (value, limit) => Math.min(Math.max(value, 0), limit - 1);
    return clamp(row, this.height) * this.width + clamp(column, this.width);
  }

  beginBox(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.svg.setPointerCapture(event.pointerId);
    this.boxing = true;
    this.anchor = this.cellAt(event);
    this.path = [this.placeOf(event)];
    this.focus(this.anchor);
    this.showBox();
  }

  moveBox(event) {
    if (!this.boxing) return;
    const cell = this.cellAt(event);
    if (cell !== this.focused) this.focus(cell);
    this.path.push(this.placeOf(event));
    this.showBox();
  }

  endBox() {
    if (!this.boxing) return;
    const byLasso = this.tool === "lasso" && this.path.length > 0;
    const cells = byLasso ? this.lassoCells() : this.boxCells();
    // The whole box takes the state that the cell where it began changes to.
    const off = !this.off.has(this.anchor);
    this.cancelBox();
    this.onPaint(cells, off);
  }

  cancelBox() {
    this.boxing = false;
    this.anchor = null;
    this.path = [];
    this.box.setAttribute("hidden", "");
    this.lasso.setAttribute("hidden", "");
  }

  /** Cells whose centres the lasso encloses, and the one where it began. */
  lassoCells() {
    const cells = new Set([this.anchor]);
    for (let cell = 0; cell < this.height * this.width; cell += 1) {
      const [x, y] = [(cell % this.width) + 0.5, Math.floor(cell / this.width) + 0.5];
      if (isInside(x, y, this.path)) cells.add(cell);
    }
    return [...cells];
  }

  boxCorners() {
    const [a, b] = [this.anchor ?? this.focused, this.focused];
    const [rowA, rowB] = [Math.floor(a / this.width), Math.floor(b / this.width)];
    const [columnA, columnB] = [a % this.width, b % this.width];
    return {
      top: Math.min(rowA, rowB), bottom: Math.max(rowA, rowB),
      left: Math.min(columnA, columnB), right: Math.max(columnA, columnB),
    };
  }

  boxCells() {
    const { top, bottom, left, right } = this.boxCorners();
    const cells = [];
    for (let row = top; row <= bottom; row += 1) {
      for (let column = left; column <= right; column += 1) cells.push(row * this.width + column);
    }
    return cells;
  }

  showBox() {
    if (this.tool === "lasso" && this.path.length > 0) {
      const points = this.path.map(([x, y]) => `${round2(x * CELL)} ${round2(y * CELL)}`);
      this.lasso.removeAttribute("hidden");
      this.lasso.setAttribute("d", `M${points.join("L")}Z`);
      return;
    }
    const { top, bottom, left, right } = this.boxCorners();
    this.box.removeAttribute("hidden");
    this.box.setAttribute("x", left * CELL);
    this.box.setAttribute("y", top * CELL);
    this.box.setAttribute("width", (right - left + 1) * CELL);
    this.box.setAttribute("height", (bottom - top + 1) * CELL);
  }

  focus(cell) {
    this.cells[this.focused].setAttribute("tabindex", -1);
    this.focused = cell;
    this.cells[cell].setAttribute("tabindex", 0);
    this.cells[cell].focus({ preventScroll: true });
    this.ring.setAttribute("x", (cell % this.width) * CELL);
    this.ring.setAttribute("y", Math.floor(cell / this.width) * CELL);
  }

  onKey(event) {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (moves[event.key]) {
      event.preventDefault();
      if (event.shiftKey && this.anchor === null) this.anchor = this.focused;
      if (!event.shiftKey) this.cancelBox();
      const [down, right] = moves[event.key];
      const row = Math.floor(this.focused / this.width) + down;
      const column = (this.focused % this.width) + right;
      if (row >= 0 && row < this.height && column >= 0 && column < this.width) {
        this.focus(row * this.width + column);
      }
      if (this.anchor !== null) this.showBox();
    } else if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      this.boxing = true;
      this.path = [];
      this.anchor ??= this.focused;
      this.endBox();
    } else if (event.key === "Escape") {
      this.cancelBox();
    }
  }
}
