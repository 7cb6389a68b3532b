// A journey along a straight line of latent space.  Every frame was decoded beforehand and came as
// one sheet, so the slider and the player only choose which one to show.

const FRAMES_PER_SECOND = 24;
const MARGIN = { left: 44, right: 12, top: 12, bottom: 40 };
const SVG = "http://www.w3.org/2000/svg";
const PLAY = "M4 2.5v11l9.5-5.5z";
const PAUSE = "M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z";

const svgNode = (name, attributes, text) => {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
};

const htmlNode = (name, className, text) => {
  const node = document.createElement(name);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

const rgb = (colour) => [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));

const formatDistance = (value) => (value === 0 ? "0" : value < 10 ? value.toPrecision(3) : value.toFixed(1));

/** One direction: its picture, its change, its distance. */
class Track {
  constructor(track, data) {
    this.track = track;
    this.data = data;
    this.node = htmlNode("div", "track");
    this.node.style.setProperty("--colour", track.colour);
    this.canvas = htmlNode("canvas", "picture");
    this.canvas.width = data.width;
    this.canvas.height = data.height;
    this.canvas.setAttribute("role", "img");
    this.distance = htmlNode("span", "distance");
    const line = htmlNode("div", "line");
    line.append(this.distance, " ", htmlNode("span", "unit", "pixel distance"));
    this.node.append(htmlNode("h3", "name", track.name), htmlNode("small", "title", track.title));
    this.node.append(this.canvas, line);
    this.context = this.canvas.getContext("2d");
    this.frame = this.context.createImageData(data.width, data.height);
  }

  /** Read the sheet's pixels once; frames are cut from them without decoding again. */
  async load() {
    const picture = new Image();
    picture.src = this.track.sheet;
    await picture.decode();
    const sheet = document.createElement("canvas");
    sheet.width = picture.width;
    sheet.height = picture.height;
    const context = sheet.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    this.pixels = context.getImageData(0, 0, sheet.width, sheet.height).data;
  }

  show(index, onlyChange) {
    const length = this.data.width * this.data.height * 4;
    const frame = this.pixels.subarray(index * length, (index + 1) * length);
    if (onlyChange) this.paintChange(frame, this.data.start * length);
    else this.frame.data.set(frame);
    this.context.putImageData(this.frame, 0, 0);
    const distance = formatDistance(this.track.distances[index]);
    this.distance.textContent = distance;
    this.canvas.setAttribute("aria-label", `${this.track.name}: pixel distance ${distance}`);
  }

  /** |frame - start| as brightness of the track's colour, on one scale for all tracks. */
  paintChange(frame, start) {
    const [red, green, blue] = rgb(this.track.colour);
    const out = this.frame.data;
    const gain = 1 / (3 * Math.max(1, this.data.largest_change));
    for (let at = 0; at < frame.length; at += 4) {
      let change = 0;
      for (let channel = 0; channel < 3; channel++) {
        change += Math.abs(frame[at + channel] - this.pixels[start + at + channel]);
      }
      const share = Math.min(1, change * gain);
      out[at] = red * share;
      out[at + 1] = green * share;
      out[at + 2] = blue * share;
      out[at + 3] = 255;
    }
  }
}

/** Pixel distance against the way travelled, with a mark that follows the slider. */
class Chart {
  constructor(svg) {
    this.svg = svg;
  }

  draw(data) {
    const width = this.svg.clientWidth || 420;
    const height = this.svg.clientHeight || 260;
    const reach = data.offsets[data.offsets.length - 1];
    const highest = Math.max(data.highest ?? 1e-9, ...data.tracks.flatMap((track) => track.distances));
    const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    this.x = (offset) => MARGIN.left + ((offset + reach) / (2 * reach)) * inner.width;
    this.y = (distance) => MARGIN.top + (1 - distance / highest) * inner.height;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren();
    for (const share of [0, 0.5, 1]) {
      const y = this.y(share * highest);
      this.svg.append(svgNode("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }));
      this.svg.append(
        svgNode("text", { x: MARGIN.left - 8, y: y + 4, "text-anchor": "end" }, formatDistance(share * highest)),
      );
    }
    for (const offset of [-reach, 0, reach]) {
      const label = offset > 0 ? `+${offset}` : `${offset}`.replace("-", "−");
      this.svg.append(
        svgNode("text", { x: this.x(offset), y: height - MARGIN.bottom + 18, "text-anchor": "middle" }, label),
      );
    }
    const middle = MARGIN.left + inner.width / 2;
    this.svg.append(svgNode("text", { x: middle, y: height - 4, "text-anchor": "middle" }, "latent units travelled"));
    this.now = svgNode("line", { class: "now", y1: MARGIN.top, y2: height - MARGIN.bottom });
    this.svg.append(this.now);
    this.marks = data.tracks.map((track) => {
      const points = track.distances.map((one, index) => `${this.x(data.offsets[index])},${this.y(one)}`).join(" ");
      this.svg.append(svgNode("polyline", { points, fill: "none", stroke: track.colour, "stroke-width": 2.5 }));
      const mark = svgNode("circle", { r: 5.5, fill: track.colour, stroke: "var(--paper)", "stroke-width": 2 });
      return mark;
    });
    this.svg.append(...this.marks);
  }

  show(data, index) {
    const x = this.x(data.offsets[index]);
    this.now.setAttribute("x1", x);
    this.now.setAttribute("x2", x);
    for (const [number, mark] of this.marks.entries()) {
      mark.setAttribute("cx", x);
      mark.setAttribute("cy", this.y(data.tracks[number].distances[index]));
    }
  }
}

class Travel {
  constructor(root) {
    this.node = root.querySelector(".travel");
    this.find = (selector) => this.node.querySelector(selector);
    this.slider = this.find(".slider");
    this.chart = new Chart(this.find(".chart svg"));
    this.slider.addEventListener("input", () => {
      this.stop();
      this.show(Number(this.slider.value));
    });
    this.find(".change").addEventListener("change", () => this.show(this.index));
    this.find(".play").addEventListener("click", () => (this.playing ? this.stop() : this.play()));
    this.resize = new ResizeObserver(() => this.redraw());
    this.resize.observe(this.find(".chart"));
  }

  async receive(data) {
    const mark = JSON.stringify([data.key, data.offsets.length]);
    if (mark === this.mark) return;
    this.mark = mark;
    const tracks = data.tracks.map((track) => new Track(track, data));
    await Promise.all(tracks.map((track) => track.load()));
    if (mark !== this.mark) return; // a newer journey arrived while the pictures were read
    const kept = this.data?.offsets.length === data.offsets.length ? this.index : data.start;
    this.data = data;
    this.tracks = tracks;
    this.find(".tracks").replaceChildren(...tracks.map((track) => track.node));
    this.slider.min = 0;
    this.slider.max = data.offsets.length - 1;
    this.slider.step = 1;
    this.chart.draw(data);
    this.show(kept);
  }

  redraw() {
    if (!this.data) return;
    this.chart.draw(this.data);
    this.chart.show(this.data, this.index);
  }

  show(index) {
    if (!this.data) return;
    this.index = index;
    this.slider.value = index;
    const offset = this.data.offsets[index];
    const text = `${offset > 0 ? "+" : offset < 0 ? "−" : ""}${Math.abs(offset).toFixed(2)} latent units`;
    this.find(".offset").textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    for (const track of this.tracks) track.show(index, this.find(".change").checked);
    this.chart.show(this.data, index);
  }

  play() {
    this.playing = true;
    this.mirror(true);
    const last = this.data.offsets.length - 1;
    let direction = this.index >= last ? -1 : 1;
    let shown = performance.now();
    const step = (now) => {
      if (!this.playing || !this.node.isConnected) return;
      if (now - shown >= 1000 / FRAMES_PER_SECOND) {
        shown = now;
        if (this.index + direction > last || this.index + direction < 0) direction = -direction;
        this.show(this.index + direction);
      }
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  stop() {
    this.playing = false;
    this.mirror(false);
  }

  mirror(playing) {
    const button = this.find(".play");
    button.setAttribute("aria-pressed", playing);
    button.setAttribute("aria-label", playing ? "Pause" : "Play");
    button.querySelector(".icon").setAttribute("d", playing ? PAUSE : PLAY);
  }

  dispose() {
    this.playing = false;
    this.resize.disconnect();
  }
}

const travels = new WeakMap(); // one per mounted component, across Streamlit's reruns

export default function (component) {
  const root = component.parentElement;
  let travel = travels.get(root);
  if (!travel || !travel.node.isConnected) {
    travel?.dispose();
    travel = new Travel(root);
    travels.set(root, travel);
  }
  travel.receive(component.data);
  return () =>
    setTimeout(() => {
      if (!travel.node.isConnected) travel.dispose();
    });
}
