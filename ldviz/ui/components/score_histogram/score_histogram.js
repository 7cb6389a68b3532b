// Scores of both classes with a threshold to drag.  Python sends bins and sorted places; the
// counts that follow the drag are read off the sorted places here, exactly.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 262;
const MARGIN = { left: 46, right: 12, top: 26, bottom: 58 };
const INLINED = ["fill", "fill-opacity", "stroke", "stroke-width", "font-family", "font-size"];

const histograms = new WeakMap();

class Histogram {
  constructor(root) {
    this.root = root.querySelector(".histogram");
    this.plot = this.root.querySelector(".plot");
    this.observer = new ResizeObserver(() => this.data && this.draw());
    this.observer.observe(this.plot);
    this.plot.addEventListener("pointerdown", (event) => this.grab(event));
    this.plot.addEventListener("pointermove", (event) => this.dragging && this.drag(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.plot.addEventListener(name, () => this.release());
    }
    this.plot.addEventListener("keydown", (event) => this.key(event));
  }

  show(data, send) {
    this.send = send;
    const first = this.data?.key !== data.key;
    this.data = data;
    this.member = places(data.member_places);
    this.heldOut = places(data.held_out_places);
    if (first) this.threshold = data.threshold;
    this.presets();
    this.draw();
  }

  presets() {
    const chosen = this.data.presets.map(({ label, at }) => {
      const button = html("button", label);
      button.type = "button";
      button.addEventListener("click", () => this.put(at, true));
      return button;
    });
    const saved = ["svg", "png"].map((format) => {
      const button = html("button", format.toUpperCase());
      button.type = "button";
      button.title = `Save the figure as ${format.toUpperCase()}`;
      button.addEventListener("click", () => this.save(format));
      return button;
    });
    this.root.querySelector(".presets").replaceChildren(...chosen, ...saved);
  }

  draw() {
    const { edges, member, held_out: heldOut, ticks, title, colours, top } = this.data;
    this.width = Math.max(260, this.plot.clientWidth);
    const [low, high] = [edges[0], edges.at(-1)];
    const inner = this.width - MARGIN.left - MARGIN.right;
    this.x = (place) => MARGIN.left + ((place - low) / (high - low)) * inner;
    this.place = (x) => low + ((x - MARGIN.left) / inner) * (high - low);
    const shares = [share(member), share(heldOut)];
    const floor = HEIGHT - MARGIN.bottom;
    const y = (value) => floor - (value / top) * (floor - MARGIN.top);
    const svg = element("svg", { viewBox: `0 0 ${this.width} ${HEIGHT}`, height: HEIGHT });
    svg.append(element("rect", { class: "called", y: MARGIN.top, height: floor - MARGIN.top }));
    for (const [index, colour] of [colours.member, colours.held_out].entries()) {
      const path = steps(edges, shares[index], this.x, y, floor);
      svg.append(element("path", { d: path, fill: colour, "fill-opacity": index ? 0.12 : 0.4, stroke: colour, "stroke-width": 2 }));
    }
    svg.append(element("line", { class: "axis", x1: MARGIN.left, x2: this.width - MARGIN.right, y1: floor, y2: floor }));
    let free = -Infinity;
    for (const { at, text } of ticks) {
      const x = this.x(at);
      if (x - 3.4 * text.length < free) continue;
      free = x + 3.4 * text.length + 8;
      svg.append(label(text, x, floor + 29, "middle"));
    }
    svg.append(label(title, MARGIN.left + inner / 2, HEIGHT - 8, "middle"));
    for (const value of [0, top / 2, top]) {
      svg.append(label(`${(100 * value).toFixed(value * 100 < 10 ? 1 : 0)}%`, MARGIN.left - 6, y(value) + 4, "end"));
    }
    this.rug(svg, floor);
    const handle = element("g", { class: "handle", tabindex: 0, role: "slider", "aria-label": "Threshold" });
    handle.setAttribute("aria-valuemin", low);
    handle.setAttribute("aria-valuemax", high);
    handle.append(
      element("line", { class: "threshold", y1: MARGIN.top - 4, y2: floor }),
      element("circle", { class: "grip", cy: MARGIN.top - 8, r: 7 }),
      label("called members →", 0, MARGIN.top - 5, "start"),
    );
    svg.append(handle);
    const focused = this.plot.getRootNode().activeElement?.classList?.contains("handle");
    this.plot.replaceChildren(svg);
    if (focused) handle.focus();
    this.put(this.threshold, false);
  }

  /** Short marks under the axis for the chosen samples. */
  rug(svg, floor) {
    for (const [name, at] of [["member", 2], ["held_out", 8]]) {
      const d = this.data.chosen[name].map((place) => `M${this.x(place).toFixed(1)} ${floor + at - 1}v5`).join("");
      if (d) svg.append(element("path", { d, stroke: this.data.colours[name], "stroke-width": 1.5 }));
    }
  }

  put(threshold, report) {
    const { edges } = this.data;
    this.threshold = Math.min(Math.max(threshold, edges[0]), edges.at(-1) + 1e-12);
    if (threshold > edges.at(-1)) this.threshold = threshold;
    const x = Math.min(this.x(this.threshold), this.width - MARGIN.right);
    const svg = this.plot.firstElementChild;
    svg.querySelector(".threshold").setAttribute("x1", x);
    svg.querySelector(".threshold").setAttribute("x2", x);
    svg.querySelector(".grip").setAttribute("cx", x);
    const words = svg.querySelector(".handle text");
    const fits = x < this.width - 130;
    words.setAttribute("x", fits ? x + 13 : x - 13);
    words.setAttribute("text-anchor", fits ? "start" : "end");
    const called = svg.querySelector(".called");
    called.setAttribute("x", x);
    called.setAttribute("width", Math.max(0, this.width - MARGIN.right - x));
    const handle = svg.querySelector(".handle");
    handle.setAttribute("aria-valuenow", this.threshold);
    this.count(handle);
    if (report) this.send("threshold", this.threshold);
  }

  count(handle) {
    const found = atLeast(this.member, this.threshold);
    const accused = atLeast(this.heldOut, this.threshold);
    const [members, heldOut] = [this.member.length, this.heldOut.length];
    const { colours, logarithmic } = this.data;
    const score = logarithmic ? -(10 ** -this.threshold) : this.threshold;
    const cells = [
      ["Members found", found, members, colours.member, true],
      ["Members missed", members - found, members, colours.member, false],
      ["Held-out accused", accused, heldOut, colours.held_out, true],
      ["Held-out cleared", heldOut - accused, heldOut, colours.held_out, false],
    ];
    this.root.querySelector(".counts").replaceChildren(...cells.map((cell) => count(...cell)));
    const tpr = members ? found / members : NaN;
    const fpr = heldOut ? accused / heldOut : NaN;
    const text = `threshold ${number(score)}: members found ${percent(tpr)}, held-out accused ${percent(fpr)}, success rate ${percent((tpr + 1 - fpr) / 2)}`;
    handle.setAttribute("aria-valuetext", text);
    const readout = this.root.querySelector(".readout");
    readout.replaceChildren(html("b", `Threshold ${number(score)}`), ` success rate ${percent((tpr + 1 - fpr) / 2)}`);
  }

  grab(event) {
    if (event.button) return;
    this.dragging = true;
    this.plot.setPointerCapture(event.pointerId);
    this.drag(event);
  }

  drag(event) {
    const box = this.plot.getBoundingClientRect();
    this.put(this.place(((event.clientX - box.left) / box.width) * this.width), false);
  }

  release() {
    if (!this.dragging) return;
    this.dragging = false;
    this.send("threshold", this.threshold);
  }

  key(event) {
    const { edges } = this.data;
    const bin = edges[1] - edges[0];
    const to = {
      ArrowRight: this.threshold + bin / 5,
      ArrowUp: this.threshold + bin / 5,
      ArrowLeft: this.threshold - bin / 5,
      ArrowDown: this.threshold - bin / 5,
      PageUp: this.threshold + 2 * bin,
      PageDown: this.threshold - 2 * bin,
      Home: edges[0],
      End: edges.at(-1),
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.put(to, true);
  }

  async save(format) {
    const svg = this.plot.firstElementChild;
    const copy = svg.cloneNode(true);
    const originals = [svg, ...svg.querySelectorAll("*")];
    [copy, ...copy.querySelectorAll("*")].forEach((node, index) => {
      const style = getComputedStyle(originals[index]);
      for (const name of INLINED) node.style.setProperty(name, style.getPropertyValue(name));
    });
    const paper = getComputedStyle(this.root).getPropertyValue("--st-background-color").trim();
    copy.prepend(element("rect", { width: this.width, height: HEIGHT, fill: paper || "#ffffff" }));
    copy.setAttribute("width", this.width);
    copy.setAttribute("xmlns", SVG);
    const blob = new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" });
    download(format === "svg" ? blob : await png(blob, this.width), `${this.data.file_stem}.${format}`);
  }
}

function places(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Float64Array(bytes.buffer);
}

/** How many of the ascending places are at or above the threshold. */
function atLeast(ascending, threshold) {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] < threshold) low = middle + 1;
    else high = middle;
  }
  return ascending.length - low;
}

function share(counts) {
  const total = counts.reduce((sum, value) => sum + value, 0) || 1;
  return counts.map((value) => value / total);
}

function steps(edges, shares, x, y, floor) {
  const parts = shares.map((value, bin) => `V${y(value).toFixed(1)}H${x(edges[bin + 1]).toFixed(1)}`);
  return `M${x(edges[0]).toFixed(1)} ${floor}${parts.join("")}V${floor}Z`;
}

function count(title, value, total, colour, filled) {
  const node = html("div");
  node.className = filled ? "count filled" : "count";
  node.style.setProperty("--colour", colour);
  const head = html("span");
  head.append(html("i"), title);
  node.append(head, html("b", value.toLocaleString("en")), html("small", `of ${total.toLocaleString("en")}: ${percent(value / total)}`));
  return node;
}

function percent(value) {
  return Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : "undefined";
}

function number(value) {
  const text = Math.abs(value) >= 1e4 || (value && Math.abs(value) < 1e-3) ? value.toExponential(2) : value.toPrecision(3);
  return text.replaceAll("-", "−");
}

function label(text, x, y, anchor) {
  const node = element("text", { x, y, "text-anchor": anchor });
  node.textContent = text;
  return node;
}

function element(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function html(name, text = "") {
  const node = document.createElement(name);
  node.textContent = text;
  return node;
}

async function png(blob, width, scale = 3) {
  const url = URL.createObjectURL(blob);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = html("canvas");
    canvas.width = width * scale;
    canvas.height = HEIGHT * scale;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}

function download(blob, name) {
  const link = html("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export default function ({ data, parentElement, setStateValue }) {
  let histogram = histograms.get(parentElement);
  if (!histogram || !histogram.root.isConnected) {
    histogram?.observer.disconnect();
    histogram = new Histogram(parentElement);
    histograms.set(parentElement, histogram);
  }
  histogram.show(data, setStateValue);
}
