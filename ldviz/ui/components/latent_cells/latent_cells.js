// Influence over channels and cells, and where in the picture the cell under the pointer acts.
// All maps came as one sheet, so that following the pointer needs no answer from the server.

const GLOW = [255, 176, 59]; // over a grey picture, on light and dark pages alike

const element = (name, className, text) => {
  const node = document.createElement(name);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

const pixelsOf = async (uri) => {
  const picture = new Image();
  picture.src = uri;
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  return { data: context.getImageData(0, 0, canvas.width, canvas.height).data, width: canvas.width };
};

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

class Cells {
  constructor(root) {
    this.node = root.querySelector(".cells");
    this.find = (selector) => this.node.querySelector(selector);
    this.canvas = this.find(".picture");
    this.find(".common").addEventListener("change", () => this.show(this.hovered ?? this.chosen));
  }

  async receive(data) {
    if (data.key === this.key) return;
    this.key = data.key;
    const [image, tiles] = await Promise.all([pixelsOf(data.image), pixelsOf(data.tiles)]);
    if (data.key !== this.key) return; // a newer image arrived meanwhile
    const kept = this.data && String(this.data.shape) === String(data.shape);
    if (!kept) this.chosen = data.rank.indexOf(1);
    Object.assign(this, { data, image, tiles, hovered: null });
    this.buildMaps();
    this.drawScale();
    this.show(this.chosen);
  }

  buildMaps() {
    const [channels, rows, columns] = this.data.shape;
    this.maps = [...Array(channels).keys()].map((channel) => {
      const figure = element("figure", "channel");
      const map = element("div", "map");
      map.style.aspectRatio = `${columns} / ${rows}`;
      map.tabIndex = 0;
      map.setAttribute("aria-label", `Channel ${channel}: arrow keys move over its cells`);
      const picture = element("img", "");
      picture.src = this.data.image;
      picture.alt = "";
      const canvas = element("canvas", "");
      canvas.width = columns;
      canvas.height = rows;
      this.paintMap(canvas, channel * rows * columns);
      const mark = element("div", "mark");
      mark.style.width = `${100 / columns}%`;
      mark.style.height = `${100 / rows}%`;
      map.append(picture, canvas, mark);
      this.listen(map, channel);
      figure.append(element("figcaption", "", `channel ${channel}`), map);
      return { figure, mark };
    });
    this.find(".maps").replaceChildren(...this.maps.map((map) => map.figure));
  }

  paintMap(canvas, start) {
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(canvas.width, canvas.height);
    for (let cell = 0; cell < canvas.width * canvas.height; cell++) {
      pixels.data.set([...this.data.colours[start + cell], 255], 4 * cell);
    }
    context.putImageData(pixels, 0, 0);
  }

  listen(map, channel) {
    const [, rows, columns] = this.data.shape;
    const under = (event) => {
      const box = map.getBoundingClientRect();
      const limit = (share, count) => Math.min(count - 1, Math.max(0, Math.floor(share * count)));
      const row = limit((event.clientY - box.top) / box.height, rows);
      const column = limit((event.clientX - box.left) / box.width, columns);
      return (channel * rows + row) * columns + column;
    };
    map.addEventListener("pointermove", (event) => {
      const cell = under(event);
      if (cell !== this.hovered) this.show((this.hovered = cell));
    });
    map.addEventListener("pointerleave", () => this.show(this.chosen, (this.hovered = null)));
    map.addEventListener("click", (event) => this.show((this.chosen = under(event))));
    map.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      const here = this.chosen - channel * rows * columns;
      const inside = here >= 0 && here < rows * columns ? here : 0;
      const row = Math.min(rows - 1, Math.max(0, Math.floor(inside / columns) + step[0]));
      const column = Math.min(columns - 1, Math.max(0, (inside % columns) + step[1]));
      this.show((this.chosen = (channel * rows + row) * columns + column));
    });
  }

  show(dimension) {
    if (!this.data) return;
    const [, rows, columns] = this.data.shape;
    const channel = Math.floor(dimension / (rows * columns));
    const row = Math.floor(dimension / columns) % rows;
    const column = dimension % columns;
    for (const [index, { mark }] of this.maps.entries()) {
      mark.hidden = index !== channel;
      mark.style.left = `${(100 * column) / columns}%`;
      mark.style.top = `${(100 * row) / rows}%`;
    }
    this.paintPicture(dimension);
    this.describe(dimension, channel, row, column);
  }

  paintPicture(dimension) {
    const { width, height, tile_columns: across, peaks } = this.data;
    const left = (dimension % across) * width;
    const top = Math.floor(dimension / across) * height;
    const largest = Math.max(...peaks);
    const gain = this.find(".common").checked && largest > 0 ? peaks[dimension] / largest : 1;
    Object.assign(this.canvas, { width: this.image.width, height: this.image.data.length / 4 / this.image.width });
    const context = this.canvas.getContext("2d");
    const out = context.createImageData(this.canvas.width, this.canvas.height);
    for (let y = 0; y < this.canvas.height; y++) {
      for (let x = 0; x < this.canvas.width; x++) {
        const at = 4 * (y * this.canvas.width + x);
        const tileX = left + Math.floor((x * width) / this.canvas.width);
        const tileY = top + Math.floor((y * height) / this.canvas.height);
        const share = (gain * this.tiles.data[4 * (tileY * this.tiles.width + tileX)]) / 255;
        for (let part = 0; part < 3; part++) {
          out.data[at + part] = (1 - share) * 0.75 * this.image.data[at + part] + share * GLOW[part];
        }
        out.data[at + 3] = 255;
      }
    }
    context.putImageData(out, 0, 0);
  }

  describe(dimension, channel, row, column) {
    const { influence, rank } = this.data;
    const name = `channel ${channel}, cell ${row},${column}`;
    const speed = Math.exp(influence[dimension]);
    const lines = [
      element("b", "", name),
      ` (dimension ${dimension}): influence ${signed(influence[dimension])} nats, `,
      `rank ${rank[dimension]} of ${rank.length}. One latent unit along it moves the image by a `,
      `pixel distance of about ${speed.toPrecision(3)}; bright is where.`,
    ];
    this.find(".readout").replaceChildren(...lines);
    this.canvas.setAttribute("aria-label", `Where ${name} acts in the picture`);
  }

  drawScale() {
    const context = this.find(".bar").getContext("2d");
    const pixels = context.createImageData(64, 1);
    this.data.scale.forEach((colour, index) => pixels.data.set([...colour, 255], 4 * index));
    context.putImageData(pixels, 0, 0);
    this.find(".low").textContent = signed(Math.min(...this.data.influence));
    this.find(".high").textContent = signed(Math.max(...this.data.influence));
  }
}

const mounted = new WeakMap(); // one per mounted component, across Streamlit's reruns

export default function (component) {
  const root = component.parentElement;
  let cells = mounted.get(root);
  if (!cells || !cells.node.isConnected) {
    cells = new Cells(root);
    mounted.set(root, cells);
  }
  cells.receive(component.data);
}
