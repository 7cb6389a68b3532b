// The ROC figure, drawn by hand in SVG.  One drag frame changes one `d` per curve and a few texts;
// everything else is rebuilt only when the size, the axes or the payload's labels change.

const SVG_NS = "http://www.w3.org/2000/svg";

function svgElement(name, attributes = {}, text = null) {
  const element = document.createElementNS(SVG_NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== null) element.textContent = text;
  return element;
}

const round2 = (value) => Math.round(value * 100) / 100;

/** Axis of rates: linear over [0, 1], or decades from `lowest` to 1 with rates below it at the edge. */
function rateAxis(axes, lowest, start, end) {
  if (axes === "linear") return (rate) => round2(start + rate * (end - start));
  const decades = -Math.log10(lowest);
  return (rate) => {
    const share = rate <= lowest ? 0 : 1 + Math.log10(rate) / decades;
    return round2(start + share * (end - start));
  };
}

/** The decade at or below one case in `count`: the left end of a log axis. */
function lowestDecade(count) {
  return 10 ** -Math.max(1, Math.ceil(Math.log10(Math.max(count, 2)) - 1e-9));
}

function tickRates(axes, lowest) {
  if (axes === "linear") return [0, 0.2, 0.4, 0.6, 0.8, 1];
  const rates = [];
  for (let rate = 1; rate > lowest * 0.99; rate /= 10) rates.unshift(rate);
  return rates;
}

function tickLabel(axes, rate) {
  if (axes === "linear") return rate === 0 ? "0" : rate.toFixed(1);
  return rate >= 0.001 ? String(round2(rate * 1000) / 1000) : rate.toExponential(0).replace("e-", "e−");
}

/**
 * The staircase as a path: with at most f held-out images accused, the largest count of members
 * found.  Flat until the next false positive allows a larger count, then straight up.
 *
 * @param {number[]} x - pixel of each false-positive count
 * @param {Float64Array} counts - true positives at each of them, non-decreasing
 * @param {(count: number) => number} y - pixel of a count
 */
function staircasePath(x, counts, y) {
  let count = counts[0];
  let path = `M${x[0]} ${y(0)}V${y(count)}`;
  for (let at = 1; at < counts.length; at += 1) {
    if (counts[at] !== count) {
      count = counts[at];
      path += `H${x[at]}V${y(count)}`;
    }
  }
  return `${path}H${x[x.length - 1]}`;
}

/** The area between mean − sd and mean + sd, joined straight between the counts where sd is known. */
function bandPath(x, counts, band, y, limit) {
  const edge = (sign) =>
    band.at.map((at, index) => {
      const count = Math.min(Math.max(counts[at] + sign * band.sd[index], 0), limit);
      return `${x[at]} ${y(count)}`;
    });
  return `M${edge(+1).join("L")}L${edge(-1).reverse().join("L")}Z`;
}

class RocFigure {
  constructor(svg, plot, readout) {
    this.svg = svg;
    this.plot = plot;
    this.readout = readout;
    this.readingAt = null; // index into the false-positive counts, while the crosshair shows
    plot.addEventListener("pointermove", (event) => this.readAtPointer(event));
    plot.addEventListener("pointerleave", () => this.stopReading());
    plot.addEventListener("blur", () => this.stopReading());
    plot.addEventListener("keydown", (event) => this.readAtKey(event));
  }

  /** Lay out axes, grid lines, curves and legend for this size; `draw` fills the curves. */
  layout({ width, axes, kinds, positive, names, colors, counts }) {
    const side = Math.max(180, Math.min(width - 60, 560));
    const left = 52;
    const top = 12;
    this.box = { left, top, right: left + side, bottom: top + side };
    const height = top + side + 46;
    this.axes = axes;
    this.positive = positive;
    this.legend = { names, colors };
    this.numPositive = positive.num_positive;
    this.numNegative = positive.num_negative;
    this.lowest = lowestDecade(Math.max(this.numPositive, this.numNegative));
    this.xOf = rateAxis(axes, this.lowest, left, this.box.right);
    this.yOf = rateAxis(axes, this.lowest, this.box.bottom, top);
    this.fp = counts;
    this.x = counts.map((count) => this.xOf(count / this.numNegative));

    this.svg.setAttribute("viewBox", `0 0 ${left + side + 8} ${height}`);
    this.svg.setAttribute("width", left + side + 8);
    this.svg.setAttribute("height", height);
    this.svg.dataset.axes = axes;
    this.svg.dataset.box = [left, top, this.box.right, this.box.bottom].join(" ");
    this.svg.dataset.lowest = this.lowest;
    this.svg.replaceChildren();
    this.drawAxes(positive);
    this.drawCurves(kinds, colors);
    this.drawLegend(kinds, names, colors, side);
    this.stopReading();
  }

  drawAxes(positive) {
    const { left, top, right, bottom } = this.box;
    const grid = svgElement("g", { class: "roc-grid" });
    for (const rate of tickRates(this.axes, this.lowest)) {
      const x = this.xOf(rate);
      const y = this.yOf(rate);
      grid.append(
        svgElement("path", { d: `M${x} ${top}V${bottom}M${left} ${y}H${right}` }),
        svgElement("text", { x, y: bottom + 17, "text-anchor": "middle" }, tickLabel(this.axes, rate)),
        svgElement("text", { x: left - 7, y: y + 4, "text-anchor": "end" }, tickLabel(this.axes, rate)),
      );
    }
    this.svg.append(
      grid,
      svgElement("path", { class: "roc-diagonal", d: `M${left} ${bottom}L${right} ${top}` }),
      svgElement(
        "text",
        { class: "roc-title", x: (left + right) / 2, y: bottom + 38, "text-anchor": "middle" },
        positive.x_title,
      ),
      svgElement(
        "text",
        {
          class: "roc-title",
          transform: `translate(13 ${(top + bottom) / 2}) rotate(-90)`,
          "text-anchor": "middle",
        },
        positive.y_title,
      ),
    );
    const x = this.xOf(0.01);
    const marker = svgElement("g", { class: "roc-marker" });
    marker.append(
      svgElement("path", { d: `M${x} ${top}V${bottom}` }),
      svgElement("text", { x: x + 5, y: top + 12 }, "1 % FPR"),
    );
    this.svg.append(marker);
  }

  drawCurves(kinds, colors) {
    this.curves = new Map();
    const bands = svgElement("g", { class: "roc-bands" });
    const lines = svgElement("g", { class: "roc-lines" });
    const dots = svgElement("g", { class: "roc-dots" });
    for (const kind of kinds) {
      const band = svgElement("path", { "data-band": kind, fill: colors[kind] });
      const line = svgElement("path", { "data-curve": kind, stroke: colors[kind] });
      const dot = svgElement("circle", { r: 3.5, fill: colors[kind], "data-dot": kind });
      bands.append(band);
      lines.append(line);
      dots.append(dot);
      this.curves.set(kind, { band, line, dot });
    }
    this.crosshair = svgElement("path", { class: "roc-crosshair", visibility: "hidden" });
    this.svg.append(bands, lines, dots, this.crosshair);
  }

  /** Legend in the empty triangle below the diagonal, in the order of the curves' height. */
  drawLegend(kinds, names, colors, side) {
    const rowHeight = side < 320 ? 17 : 20;
    const longest = Math.max(...kinds.map((kind) => names[kind].length));
    const textWidth = longest * (side < 320 ? 5.6 : 6.3);
    const x = this.box.right - 62 - textWidth;
    const firstY = this.box.bottom - 10 - rowHeight * (kinds.length - 1);
    const legend = svgElement("g", { class: side < 320 ? "roc-legend small" : "roc-legend" });
    legend.append(
      svgElement(
        "text",
        { class: "legend-unit", x: this.box.right - 8, y: firstY - rowHeight, "text-anchor": "end" },
        "AUC",
      ),
    );
    this.legendAuc = new Map();
    kinds.forEach((kind, index) => {
      const y = firstY + rowHeight * index;
      const auc = svgElement("text", { class: "legend-auc", x: this.box.right - 8, y, "text-anchor": "end" });
      legend.append(
        svgElement("path", { "data-key": kind, d: `M${x - 26} ${y - 4}h20`, stroke: colors[kind] }),
        svgElement("text", { x, y }, names[kind]),
        auc,
      );
      this.legendAuc.set(kind, auc);
    });
    this.svg.append(legend);
  }

  /** Draw the curves of one row; `shown` maps kind to what `curveAt` returns, hidden kinds left out. */
  draw(shown, dropFraction) {
    this.shown = shown;
    for (const [kind, { band, line, dot }] of this.curves) {
      const curve = shown.get(kind);
      line.toggleAttribute("hidden", !curve);
      band.toggleAttribute("hidden", !curve?.band);
      dot.toggleAttribute("hidden", !curve || curve.metrics.tpr === null);
      this.legendAuc.get(kind).textContent = curve ? formatMetric(curve.metrics.auc) : "";
      if (!curve) continue;
      const limit = this.numPositive * curve.draws;
      const y = (count) => this.yOf(count / limit);
      const path = staircasePath(this.x, curve.counts, y);
      if (path !== line.getAttribute("d")) line.setAttribute("d", path);
      line.dataset.dropFraction = dropFraction;
      if (curve.band) band.setAttribute("d", bandPath(this.x, curve.counts, curve.band, y, limit));
      if (curve.metrics.tpr !== null) {
        dot.setAttribute("cx", this.xOf(0.01));
        dot.setAttribute("cy", this.yOf(curve.metrics.tpr));
      }
    }
    if (this.readingAt !== null) this.showReading();
  }

  readAtPointer(event) {
    if (!this.shown) return;
    const frame = this.svg.getBoundingClientRect();
    const scale = this.svg.viewBox.baseVal.width / frame.width;
    const x = (event.clientX - frame.left) * scale;
    const y = (event.clientY - frame.top) * scale;
    const { left, right, top, bottom } = this.box;
    if (x < left - 4 || x > right + 4 || y < top || y > bottom) return this.stopReading();
    let nearest = 0;
    for (let at = 1; at < this.x.length && this.x[at] <= x; at += 1) nearest = at;
    this.readingAt = nearest;
    this.showReading();
  }

  readAtKey(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !this.shown) return;
    event.preventDefault();
    // One step is one visible step: at least two pixels to the next false-positive count.
    let at = this.readingAt ?? this.x.findIndex((x) => x >= this.xOf(0.01));
    const from = this.x[at];
    do at += step;
    while (at > 0 && at < this.x.length - 1 && Math.abs(this.x[at] - from) < 2);
    this.readingAt = Math.min(Math.max(at, 0), this.x.length - 1);
    this.showReading();
  }

  stopReading() {
    this.readingAt = null;
    this.readout.hidden = true;
    this.crosshair?.setAttribute("visibility", "hidden");
  }

  showReading() {
    const { left, top, right, bottom } = this.box;
    const x = this.x[this.readingAt];
    this.crosshair.setAttribute("d", `M${x} ${top}V${bottom}`);
    this.crosshair.setAttribute("visibility", "visible");

    const falsePositives = this.fp[this.readingAt];
    const rate = falsePositives / this.numNegative;
    const rows = [...this.shown].map(([kind, curve]) => {
      const count = curve.counts[this.readingAt] / curve.draws;
      return { kind, rate: count / this.numPositive, count };
    });
    this.readout.replaceChildren(readingTable(rate, falsePositives, rows, this.positive, this.legend));
    this.readout.hidden = false;
    const scale = this.svg.getBoundingClientRect().width / this.svg.viewBox.baseVal.width;
    const onLeft = x > (left + right) / 2;
    this.readout.style.left = onLeft ? "auto" : `${(x + 10) * scale}px`;
    this.readout.style.right = onLeft ? `${this.plot.clientWidth - (x - 10) * scale}px` : "auto";
    this.readout.style.top = `${(top + 34) * scale}px`;
  }
}
