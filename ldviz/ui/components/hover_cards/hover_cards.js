// Hover cards: Plotly cannot show pictures on hover, so this listens to the chart in the
// container that Python names and shows the pointed-at image beside the pointer.

const watched = new WeakMap();
const CARD_WIDTH = 132;

class HoverCards {
  constructor() {
    this.card = document.createElement("div");
    this.card.className = "ldviz-hover-card";
    this.card.setAttribute("role", "status");
    Object.assign(this.card.style, {
      position: "fixed",
      zIndex: 1000,
      width: `${CARD_WIDTH}px`,
      padding: "8px",
      borderRadius: "8px",
      boxSizing: "border-box",
      fontSize: "13px",
      lineHeight: "1.4",
      pointerEvents: "none",
      boxShadow: "0 4px 18px rgba(0, 0, 0, 0.28)",
      fontVariantNumeric: "tabular-nums",
      display: "none",
    });
    this.picture = document.createElement("div");
    Object.assign(this.picture.style, {
      height: `${CARD_WIDTH - 16}px`,
      marginBottom: "6px",
      borderRadius: "4px",
      imageRendering: "pixelated",
      backgroundRepeat: "no-repeat",
    });
    this.text = document.createElement("div");
    this.card.append(this.picture, this.text);
    document.body.append(this.card);
    this.listen = () => this.attach();
    this.leave = () => this.hide();
  }

  show(data, host) {
    this.data = data;
    this.rows = new Map(data.ids.map((id, row) => [id, row]));
    const theme = getComputedStyle(host);
    const read = (name, fallback) => theme.getPropertyValue(name).trim() || fallback;
    this.card.style.background = read("--st-background-color", "#fff");
    this.card.style.color = read("--st-text-color", "#222");
    this.card.style.border = `1px solid color-mix(in srgb, ${read("--st-text-color", "#222")} 22%, transparent)`;
    this.card.style.fontFamily = read("--st-font", "sans-serif");
    const container = document.querySelector(`.st-key-${data.container}`);
    if (container !== this.container) {
      this.release();
      this.container = container;
      container?.addEventListener("pointermove", this.listen, { passive: true });
      container?.addEventListener("pointerdown", this.listen, { passive: true });
      container?.addEventListener("pointerleave", this.leave);
    }
    this.hide();
    this.attach();
  }

  // Plotly forgets its listeners when a figure is drawn anew; its emitter then is another one.
  attach() {
    const graph = this.container?.querySelector(".js-plotly-plot");
    if (!graph?.on || graph._ev === this.emitter) return;
    this.emitter = graph._ev;
    graph.on("plotly_hover", (event) => this.point(event));
    graph.on("plotly_unhover", this.leave);
    graph.on("plotly_selecting", this.leave);
    graph.on("plotly_relayouting", this.leave);
  }

  point(event) {
    const row = this.rows.get(Number(event.points[0].customdata?.[0]));
    if (row === undefined) return this.hide();
    const { sprite, lines } = this.data;
    if (sprite) {
      const side = CARD_WIDTH - 16;
      const scale = side / sprite.side;
      this.picture.style.display = "block";
      this.picture.style.backgroundImage = `url(${sprite.uri})`;
      this.picture.style.backgroundSize = `${sprite.columns * side}px auto`;
      const column = row % sprite.columns;
      const line = Math.floor(row / sprite.columns);
      this.picture.style.backgroundPosition = `${-column * sprite.side * scale}px ${-line * sprite.side * scale}px`;
    } else {
      this.picture.style.display = "none";
    }
    this.text.replaceChildren(
      ...lines.map(({ title, values, names }) => {
        const node = document.createElement("div");
        const value = names ? names[values[row]] : values[row];
        node.textContent = `${title} ${String(value).replace("-", "−")}`.trim();
        return node;
      })
    );
    this.text.firstChild.style.fontWeight = "600";
    this.card.style.display = "block";
    const box = this.card.getBoundingClientRect();
    const { clientX, clientY } = event.event;
    const left = clientX + 18 + box.width > window.innerWidth ? clientX - 18 - box.width : clientX + 18;
    const top = Math.min(Math.max(clientY - box.height / 2, 8), window.innerHeight - box.height - 8);
    this.card.style.left = `${Math.max(left, 8)}px`;
    this.card.style.top = `${top}px`;
  }

  hide() {
    this.card.style.display = "none";
  }

  release() {
    this.container?.removeEventListener("pointermove", this.listen);
    this.container?.removeEventListener("pointerdown", this.listen);
    this.container?.removeEventListener("pointerleave", this.leave);
  }

  remove() {
    this.release();
    this.card.remove();
    this.removed = true;
  }
}

export default function ({ data, parentElement }) {
  let cards = watched.get(parentElement);
  if (!cards || cards.removed) {
    cards = new HoverCards();
    watched.set(parentElement, cards);
  }
  cards.show(data[0], parentElement.host ?? parentElement);
  return () => cards.remove();
}
