// The latent side: channel buttons with their small maps, and what the lower ones preview.

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

/** Mean influence of each cell over the channels left on, or that of one channel. */
function cellMeans(influence, [channels, height, width], channelsOff, only) {
  const cells = height * width;
  const every = [...Array(channels).keys()];
  const on = only === null ? every.filter((channel) => !channelsOff.includes(channel)) : [only];
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
        scaleLine("Lower maps: kept, of all images or of one", "0", greys, "100 %"),
      );
    }
  }

  drawState(channelsOff) {
    this.buttons.forEach(({ button }, channel) => {
      button.setAttribute("aria-pressed", String(!channelsOff.includes(channel)));
    });
  }

  /** Redraw the lower maps; `shareOf(dimension)` is the share of images that keep it. */
  drawKept(shareOf) {
    const [channels, height, width] = this.shape;
    const cells = height * width;
    for (let channel = 0; channel < channels && this.kept[channel]; channel += 1) {
      let total = 0;
      paintCells(this.kept[channel], height, width, (cell) => {
        const share = shareOf(channel * cells + cell);
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

/** What the lower maps show: a mask over all images, or the current image's own. */
class PreviewChoice {
  constructor(container, onChoose) {
    this.container = container;
    this.picture = container.querySelector("img");
    this.select = container.querySelector("select");
    this.select.addEventListener("change", () => onChoose());
  }

  layout({ image, names, hasShares, hasBand }) {
    const before = this.select.value;
    const options = hasShares ? [["all", `${names.influence}: share of all images`]] : [];
    if (image) {
      const kinds = ["influence", "random", "highest", ...(hasBand ? ["band"] : [])];
      for (const kind of kinds) {
        const draw = kind === "random" ? ", first draw" : "";
        options.push([kind, `${names[kind]}${draw}: ${image.title}`]);
      }
      this.picture.src = image.uri;
      this.picture.alt = image.title;
    }
    this.picture.hidden = !image;
    this.container.hidden = options.length < 2;
    this.select.replaceChildren(
      ...options.map(([value, text]) => build("option", { value }, text)),
    );
    const values = options.map(([value]) => value);
    this.select.value = values.includes(before) ? before : (values[0] ?? "");
  }
}
