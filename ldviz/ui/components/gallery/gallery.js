// The gallery: groups of images to choose from.  One button is in the tab order at a time;
// arrow keys, Home and End move between images, Enter or a click chooses.

const galleries = new WeakMap();

class Gallery {
  constructor(root) {
    this.root = root.querySelector(".gallery");
    this.root.addEventListener("click", (event) => {
      const item = event.target.closest(".item");
      if (item) this.choose(Number(item.dataset.id));
    });
    this.root.addEventListener("keydown", (event) => this.move(event));
  }

  show(data, send) {
    this.send = send;
    this.current = data.current;
    const drawn = JSON.stringify(data.groups);
    if (drawn !== this.drawn) {
      this.drawn = drawn;
      const held = this.root.getRootNode().activeElement?.dataset?.id;
      this.root.replaceChildren(...data.groups.map((group) => section(group)));
      if (held !== undefined) this.items().find((item) => item.dataset.id === held)?.focus();
    }
    this.mark();
  }

  items() {
    return [...this.root.querySelectorAll(".item")];
  }

  mark(focused = null) {
    const items = this.items();
    const active = focused ?? items.find((item) => Number(item.dataset.id) === this.current) ?? items[0];
    for (const item of items) {
      item.setAttribute("aria-pressed", String(Number(item.dataset.id) === this.current));
      item.tabIndex = item === active ? 0 : -1;
    }
  }

  choose(id) {
    this.current = id;
    this.mark();
    this.send("chosen", id);
  }

  move(event) {
    const items = this.items();
    const at = items.indexOf(event.target.closest(".item"));
    if (at < 0) return;
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: vertical(items, at, 1),
      ArrowUp: vertical(items, at, -1),
      Home: 0,
      End: items.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const item = items[Math.min(Math.max(to, 0), items.length - 1)];
    this.mark(item);
    item.focus();
  }
}

// The nearest item in the next line above or below.
function vertical(items, at, direction) {
  const from = items[at].getBoundingClientRect();
  const boxes = items.map((item) => item.getBoundingClientRect());
  const beyond = boxes.filter((box) => direction * (box.top - from.top) > 1);
  if (!beyond.length) return at;
  const top = beyond.reduce((best, box) => (direction * (box.top - best) < 0 ? box.top : best), beyond[0].top);
  let best = at;
  for (let index = 0; index < boxes.length; index += 1) {
    if (Math.abs(boxes[index].top - top) > 1) continue;
    const nearer = Math.abs(boxes[index].left - from.left) < Math.abs(boxes[best].left - from.left);
    if (best === at || nearer) best = index;
  }
  return best;
}

function section(group) {
  const node = document.createElement("section");
  if (group.title) {
    const title = document.createElement("h3");
    title.textContent = group.title;
    const detail = document.createElement("small");
    detail.textContent = group.detail;
    title.append(detail);
    node.append(title);
  }
  if (!group.items.length) {
    const empty = document.createElement("p");
    empty.textContent = group.empty;
    node.append(empty);
    return node;
  }
  const items = document.createElement("div");
  items.className = "items";
  items.setAttribute("role", "group");
  items.setAttribute("aria-label", group.title || group.detail);
  items.append(...group.items.map((item) => button(item)));
  node.append(items);
  return node;
}

function button(item) {
  const node = document.createElement("button");
  node.type = "button";
  node.className = "item";
  node.dataset.id = item.id;
  node.title = item.title;
  const image = document.createElement("img");
  image.src = item.src;
  image.alt = item.alt;
  const value = document.createElement("strong");
  value.textContent = item.value;
  const kind = document.createElement("span");
  kind.className = item.filled ? "class filled" : "class";
  kind.style.setProperty("--colour", item.colour);
  kind.textContent = item.kind;
  node.append(image, value, kind);
  for (const line of item.lines) {
    const text = document.createElement("span");
    text.textContent = line;
    node.append(text);
  }
  return node;
}

export default function ({ data, parentElement, setTriggerValue }) {
  let gallery = galleries.get(parentElement);
  if (!gallery) {
    gallery = new Gallery(parentElement);
    galleries.set(parentElement, gallery);
  }
  gallery.show(data[0], setTriggerValue);
}
