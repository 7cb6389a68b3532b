// The latent side: channel buttons with their small maps, and the map of spatial cells.

// Nine stops of viridis (Smith & van der Walt 2015), interpolated linearly.
const VIRIDIS = [
  [68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141],
  [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37],
];

function viridis(share) {
  const at = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1);
  const index = Math.min(Math.floor(at), VIRIDIS.length - 2);
  const mix = at - index;
  return VIRIDIS[index].map((value, part) =>
    Math.round(value + mix * (VIRIDIS[index + 1][part] - value)),
  );
}

const cssColor = (rgb) => `rgb(${rgb.join(" ")})`;

/** Paint an h×w canvas, one pixel per cell; `color(cell)` returns [r, g, b]. */
function paintCells(canvas, height, width, color) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let cell = 0; cell < height * width; cell += 1) {
    image.data.set([...color(cell), 255], cell * 4);
  }
  context.putImageData(image, 0, 0);
}

/** Lowest and highest of some influences, never equal, so that a colour scale can divide by it. */
function rangeOf(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return { low, high: high > low ? high : low + 1 };
}

const VIRIDIS_GRADIENT = VIRIDIS.map(cssColor).join(", ");

/** Mean influence of each cell over the channels left on. */
function cellMeans(influence, [channels, height, width], channelsOff) {
  const cells = height * width;
  const on = [...Array(channels).keys()].filter((channel) => !channelsOff.includes(channel));
  const means = new Float64Array(cells);
  for (const channel of on) {
    for (let cell = 0; cell < cells; cell += 1) {
      means[cell] += influence[channel * cells + cell] / on.length;
    }
  }
  return means;
}

/** A caption with a small colour bar between its ends. */
function scaleLine(title, low, gradient, high) {
  const bar = build("i.scale-line-bar", {
    "aria-hidden": "true",
    style: `background: linear-gradient(to right, ${gradient})`,
  });
  return build("p.scale-line", {}, `${title}, ${low}`, bar, high);
}

/** C toggle buttons, each with the channel's mean influence and its share of samples kept. */
class ChannelButtons {
  constructor(container, onToggle) {
    this.container = container;
    this.onToggle = onToggle;
  }

  layout({ shape, influence, range, hasKept }) {
    const [channels, height, width] = shape;
    const cells = height * width;
    this.shape = shape;
    this.buttons = [...Array(channels).keys()].map((channel) => {
      const map = build("canvas.channel-map", { "aria-hidden": "true" });
      paintCells(map, height, width, (cell) =>
        viridis((influence[channel * cells + cell] - range.low) / (range.high - range.low)),
      );
      const button = build(
        "button.channel",
        { type: "button", "data-channel": channel, title: `Switch latent channel ${channel}` },
        build("span.channel-name", {}, `Channel ${channel}`),
        build("span.channel-frame", {}, map),
      );
      button.addEventListener("click", () => this.onToggle(channel));
      return { button, map };
    });
    this.container.replaceChildren(...this.buttons.map(({ button }) => button));
    this.kept = [];
    if (hasKept) {
      this.kept = this.buttons.map(({ button }) => {
        const canvas = build("canvas.kept-map", { "aria-hidden": "true" });
        button.append(canvas, build("span.kept-mean"));
        return canvas;
      });
    }
    const highest = `${formatSigned(range.high, 2)} nats`;
    this.container.append(
      scaleLine("Mean influence", formatSigned(range.low, 2), VIRIDIS_GRADIENT, highest),
    );
    if (hasKept) {
      const greys = "rgb(20 20 20), rgb(245 245 245)";
      this.container.append(
        scaleLine("Lower maps: images that keep a dimension", "0", greys, "100 %"),
      );
    }
  }

  drawState(channelsOff) {
    this.buttons.forEach(({ button }, channel) => {
      button.setAttribute("aria-pressed", String(!channelsOff.includes(channel)));
    });
  }

  /** Redraw the kept maps from row `row` of the shares (R × d, in bytes). */
  drawKept(kept, row) {
    const [channels, height, width] = this.shape;
    const cells = height * width;
    for (let channel = 0; channel < channels && this.kept[channel]; channel += 1) {
      const start = row * kept.columns + channel * cells;
      let total = 0;
      paintCells(this.kept[channel], height, width, (cell) => {
        const share = kept.values[start + cell] / 255;
        total += share;
        const grey = Math.round(20 + 225 * share);
        return [grey, grey, grey];
      });
      setText(
        this.kept[channel].nextSibling,
        `${Math.round((100 * total) / cells)} % kept`,
      );
    }
  }
}

const CELL = 20; // user units per cell in the map's viewBox

/** The h×w map: click, drag a box, or move with arrows and press Space to switch cells. */
class CellMap {
  constructor(svg, onPaint) {
    this.svg = svg;
    this.onPaint = onPaint; // (cells, off) => void
    this.focused = 0;
    this.anchor = null; // where a box began, by pointer or with Shift held
    this.boxing = false;
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
    this.ring = svgElement("rect", { class: "ring", width: CELL, height: CELL });
    this.svg.replaceChildren(defs, ...rows, this.hatches, this.ring, this.box);
    this.focused = Math.min(this.focused, this.cells.length - 1);
    this.cells[this.focused].setAttribute("tabindex", 0);
  }

  draw(means, range, cellsOff) {
    this.off = new Set(cellsOff);
    let hatched = "";
    this.cells.forEach((rect, cell) => {
      const on = !this.off.has(cell);
      const [row, column] = [Math.floor(cell / this.width), cell % this.width];
      rect.setAttribute("fill", cssColor(viridis((means[cell] - range.low) / (range.high - range.low))));
      rect.setAttribute("aria-selected", String(on));
      const label =
        `row ${row}, column ${column}, ${on ? "on" : "off"}, ` +
        `mean influence ${formatSigned(means[cell], 2)} nats`;
      rect.setAttribute("aria-label", label);
      setText(rect.firstChild, label);
      if (!on) hatched += `M${column * CELL} ${row * CELL}h${CELL}v${CELL}h${-CELL}z`;
    });
    this.hatches.setAttribute("d", hatched);
  }

  cellAt(event) {
    const frame = this.svg.getBoundingClientRect();
    const column = Math.floor(((event.clientX - frame.left) / frame.width) * this.width);
    const row = Math.floor(((event.clientY - frame.top) / frame.height) * this.height);
    const clamp = (value, limit) => Math.min(Math.max(value, 0), limit - 1);
    return clamp(row, this.height) * this.width + clamp(column, this.width);
  }

  beginBox(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.svg.setPointerCapture(event.pointerId);
    this.boxing = true;
    this.anchor = this.cellAt(event);
    this.focus(this.anchor);
    this.showBox();
  }

  moveBox(event) {
    if (!this.boxing) return;
    const cell = this.cellAt(event);
    if (cell !== this.focused) this.focus(cell);
    this.showBox();
  }

  endBox() {
    if (!this.boxing) return;
    const cells = this.boxCells();
    // The whole box takes the state that the cell where it began changes to.
    const off = !this.off.has(this.anchor);
    this.cancelBox();
    this.onPaint(cells, off);
  }

  cancelBox() {
    this.boxing = false;
    this.anchor = null;
    this.box.setAttribute("hidden", "");
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
      this.anchor ??= this.focused;
      this.endBox();
    } else if (event.key === "Escape") {
      this.cancelBox();
    }
  }
}
