// The lab: takes Python's payloads, takes the user's actions, draws at most once per frame.

const KEYBOARD_COMMIT_MS = 350; // arrow keys on the slider become one history entry
const SWEEP_IDLE_MS = 120; // ask for the whole sweep once toggling pauses
const UNANSWERED_MS = 5000; // a question may be lost with a page run that was overtaken: ask again
const INTERVALS_IDLE_MS = 500; // intervals cost most, so they wait longest
const PAPER_FRACTION = 0.4; // what Rao et al. (arXiv:2511.20592) drop everywhere
const LARGEST_FRACTION = 0.95;
const FULL_SWEEP = 2;
const WITH_INTERVALS = 3;

class Lab {
  constructor(root) {
    this.root = root;
    this.lab = root.querySelector(".lab");
    this.pending = []; // actions Python has not answered
    this.seq = 0;
    this.sweeps = new RecentMap(12);
    this.intervals = new RecentMap(100);
    this.hidden = new Set(); // curves switched off in the table
    this.dragging = null; // the slider's value while it is held, else null
    this.frame = null;
    this.timer = null;
    this.asked = null;
    this.find = (selector) => this.lab.querySelector(selector);
    this.slider = this.find("#drop-fraction");
    this.figure = new RocFigure(this.find(".roc-svg"), this.find(".plot"), this.find(".readout"));
    this.channels = new ChannelButtons(this.find(".channels"), (channel) => this.toggleChannel(channel));
    this.scope = null; // the channel that the map shows and paints; null = all
    this.map = new CellMap(this.find(".grid-svg"), (cells, off) => this.paintCells(cells, off));
    this.preview = new PreviewChoice(this.find(".preview"), () => this.invalidate());
    this.mask = new MaskControls(this.find(".more"), (part) => this.change(part), (text) => this.say(text));
    this.table = new NumbersTable(this.find(".numbers"), (kind) => this.toggleCurve(kind));
    this.listen();
  }

  listen() {
    this.slider.addEventListener("input", () => this.moveSlider());
    this.slider.addEventListener("change", () => this.releaseSlider());
    this.slider.addEventListener("keydown", () => (this.keyed = true));
    this.slider.addEventListener("pointerdown", () => {
      this.held = true;
      this.keyed = false;
    });
    for (const type of ["pointerup", "pointercancel"]) {
      this.slider.addEventListener(type, () => {
        this.held = false;
        // `change` follows when the value moved; this covers a drag that ends where it began.
        setTimeout(() => this.releaseSlider());
      });
    }
    this.slider.addEventListener("blur", () => this.commitSlider());
    for (const button of this.lab.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => this.act({ type: button.dataset.action }));
    }
    for (const button of this.lab.querySelectorAll("[data-axes]")) {
      button.addEventListener("click", () => this.change({ axes: button.dataset.axes }));
    }
    for (const button of this.lab.querySelectorAll("[data-export]")) {
      button.addEventListener("click", () => this.export(button.dataset.export));
    }
    for (const button of this.lab.querySelectorAll("[data-tool]")) {
      button.addEventListener("click", () => this.chooseTool(button.dataset.tool));
    }
    this.find(".scope").addEventListener("change", (event) => {
      this.scope = event.target.value === "all" ? null : Number(event.target.value);
      this.latentStateKey = null;
      this.invalidate();
    });
    this.lab.addEventListener("keydown", (event) => this.onShortcut(event));
    this.drawTicks();
    this.resize = new ResizeObserver(() => this.invalidate());
    this.resize.observe(this.find(".plot"));
  }

  /** Marks under the slider: tenths, and the paper's 0.40. */
  drawTicks() {
    const ticks = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map((fraction) =>
      build(
        fraction === PAPER_FRACTION ? "span.tick.paper" : "span.tick",
        { style: `left:${(100 * fraction) / LARGEST_FRACTION}%` },
        fraction === PAPER_FRACTION ? "0.40 paper" : fraction.toFixed(1),
      ),
    );
    this.find(".ticks").replaceChildren(...ticks);
  }

  dispose() {
    this.resize.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    clearTimeout(this.unanswered);
    clearTimeout(this.commitTimer);
  }

  // ---- Python to here -------------------------------------------------------------------------

  async receive(component) {
    this.component = component;
    const payload = component.data;
    if (payload === this.payload) return; // a theme change, not news
    const newOrigin = payload.origin !== this.payload?.origin;
    if (!newOrigin && payload.seq < this.confirmed.seq) return; // an answer overtaken by a later one
    this.payload = payload;
    this.confirmed = {
      seq: payload.seq,
      state: normalState(payload.state),
      past: payload.past.map(normalState),
      future: payload.future.map(normalState),
      initial: normalState(payload.initial),
    };
    this.seq = Math.max(this.seq, payload.seq);
    this.pending = this.pending.filter((action) => action.seq > payload.seq);
    if (newOrigin) this.dragging = null;
    if (payload.intervals) {
      const state = { ...payload.state, drop_fraction: payload.intervals.drop_fraction };
      this.intervals.set(intervalsKey(payload.context, state), payload.intervals);
    }
    this.influence ??= {};
    if (this.influence.data !== payload.influence.data) {
      this.influence = { data: payload.influence.data, values: null };
    }
    const influence = this.influence;
    if (!influence.values) influence.values = (await unpack(payload.influence)).values;
    const orders = JSON.stringify(payload.image?.orders ?? null);
    if (orders !== this.orders?.text) this.orders = { text: orders, kinds: await decodeOrders(payload.image) };
    await this.keepSweep(payload);
    this.invalidate();
  }

  /** Decode and remember the payload's sweep, unless a fuller one of the same key is held. */
  async keepSweep({ context, state, curves }) {
    if (!curves) return;
    const key = sweepKey(context, state);
    const held = this.sweeps.get(key);
    const fuller = held && held.fractions.length >= curves.fractions.length;
    if (fuller && rowOf(held, state.drop_fraction) >= 0) return;
    this.sweeps.set(key, await decodeSweep(curves));
  }

  // ---- here to Python -------------------------------------------------------------------------

  act(action) {
    if (!this.confirmed) return;
    this.commitSlider();
    const before = this.history();
    if (applyAction(before, action) === before) return; // nothing to undo, or no change
    this.seq += 1;
    this.pending.push({ seq: this.seq, ...action });
    this.asked = null;
    this.lab.dataset.settled = "false";
    this.component.setStateValue("event", { seq: this.seq, actions: this.pending });
    this.invalidate();
  }

  change(part) {
    if (!this.confirmed) return;
    this.commitSlider();
    const state = normalState({ ...this.history().state, ...part });
    if (numOn(this.payload.shape, state) === 0) {
      this.say("At least one latent dimension has to stay on.");
      return;
    }
    this.act({ type: "set", state });
  }

  toggleChannel(channel) {
    const off = this.history().state.channels_off;
    const channels_off = off.includes(channel) ? off.filter((other) => other !== channel) : [...off, channel];
    this.change({ channels_off });
  }

  paintCells(cells, off) {
    this.change(painted(this.payload.shape, this.history().state, cells, this.scope, off));
  }

  chooseTool(tool) {
    this.map.tool = tool;
    for (const button of this.lab.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    }
  }

  moveSlider() {
    this.dragging = Number(this.slider.value);
    this.lab.dataset.settled = "false";
    this.invalidate();
  }

  releaseSlider() {
    if (this.held || this.dragging === null) return;
    clearTimeout(this.commitTimer);
    // A key press fires `change` every time; a run of them becomes one entry.
    if (this.keyed) this.commitTimer = setTimeout(() => this.commitSlider(), KEYBOARD_COMMIT_MS);
    else this.commitSlider();
  }

  commitSlider() {
    clearTimeout(this.commitTimer);
    if (this.dragging === null || this.held) return;
    const drop_fraction = this.dragging;
    this.dragging = null;
    this.change({ drop_fraction });
    this.invalidate();
  }

  toggleCurve(kind) {
    if (!this.hidden.delete(kind)) this.hidden.add(kind);
    this.invalidate();
  }

  onShortcut(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    const type = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : null;
    if (!type) return;
    event.preventDefault();
    event.stopPropagation();
    this.act({ type });
  }

  /**
   * Ask for what the present mask still lacks, after a quiet moment; never twice for one answer.
   *
   * The sweep is asked for even while the slider is held, since the drag is what needs it.
   */
  askForMore(stage) {
    const state = this.history().state;
    const { context, last_stage, progress, interval_polls, message } = this.payload;
    const question = JSON.stringify([intervalsKey(context, state), stage, progress, interval_polls]);
    const busy = this.pending.length > 0 || (stage === WITH_INTERVALS && this.dragging !== null);
    if (!stage || stage > last_stage || message || busy || question === this.asked) {
      clearTimeout(this.timer);
      this.waitingToAsk = null;
      return;
    }
    if (question === this.waitingToAsk) return;
    clearTimeout(this.timer);
    this.waitingToAsk = question;
    const wait = stage === WITH_INTERVALS ? INTERVALS_IDLE_MS : progress > 0 ? 0 : SWEEP_IDLE_MS;
    this.timer = setTimeout(() => {
      this.waitingToAsk = null;
      this.asked = question;
      this.component.setTriggerValue("need", { context, state, stage });
      clearTimeout(this.unanswered);
      this.unanswered = setTimeout(() => {
        if (this.asked === question) this.asked = null;
        this.invalidate();
      }, UNANSWERED_MS);
    }, wait);
  }

  // ---- drawing --------------------------------------------------------------------------------

  history() {
    return replay(this.confirmed, this.pending);
  }

  /** The state on screen: confirmed, pending actions, and the slider's position while held. */
  state() {
    const { state } = this.history();
    return this.dragging === null ? state : { ...state, drop_fraction: this.dragging };
  }

  invalidate() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (this.confirmed && this.influence.values) this.draw();
    });
  }

  draw() {
    const { payload } = this;
    const state = this.state();
    const sweep = this.sweeps.get(sweepKey(payload.context, state));
    const row = sweep ? rowOf(sweep, state.drop_fraction) : -1;
    this.layout(state, sweep);
    this.drawControls(state, sweep, row);
    this.drawLatent(state, sweep, row);
    if (row >= 0) {
      this.curves = new Map(Object.entries(sweep.kinds).map(([kind, curve]) => [kind, curveAt(curve, row)]));
    }
    const intervals = this.intervals.get(intervalsKey(payload.context, state)) ?? null;
    const complete = sweep?.whole;
    if (this.curves && !payload.message) this.drawNumbers(state, row, intervals);
    setText(this.find(".roc-heading"), payload.title);
    this.drawFoot();
    this.drawMessage(payload.message);

    const settled = row >= 0 && this.pending.length === 0 && this.dragging === null;
    Object.assign(this.lab.dataset, { settled, whole: Boolean(complete), seq: this.seq, waiting: row < 0 });
    this.lab.setAttribute("aria-busy", String(!settled));
    this.askForMore(complete ? (intervals ? 0 : WITH_INTERVALS) : FULL_SWEEP);
    if (settled) this.announce(state);
  }

  /** Rebuild axes, table and buttons, only when something other than the mask has changed. */
  layout(state, sweep) {
    const { payload } = this;
    this.kept = Boolean(sweep?.kept ?? payload.image ?? this.kept);
    const latentKey = JSON.stringify([payload.shape, payload.influence.data, this.kept]);
    if (latentKey !== this.latentKey) {
      this.latentKey = latentKey;
      this.layoutLatent();
    }
    this.kinds = sweep ? Object.keys(sweep.kinds) : this.kinds;
    this.counts = sweep?.false_positives ?? this.counts;
    if (!this.kinds) return;
    const width = this.find(".plot").clientWidth;
    const { names, details, colors, positive } = payload;
    const legend = { kinds: this.kinds, names, details, colors };
    const figureKey = JSON.stringify([width, state.axes, legend, positive, this.counts]);
    if (figureKey !== this.figureKey) {
      this.figureKey = figureKey;
      this.figure.layout({ width, axes: state.axes, positive, counts: this.counts, ...legend });
      this.table.layout(legend);
    }
  }

  layoutLatent() {
    const { shape } = this.payload;
    const values = this.influence.values;
    this.channels.layout({ shape, influence: values, range: rangeOf(values), hasKept: this.kept });
    this.map.layout(shape);
    this.find(".scale-bar").style.background = `linear-gradient(to top, ${VIRIDIS_GRADIENT})`;
    if (this.scope !== null && this.scope >= shape[0]) this.scope = null;
    const scopes = [["all", "all channels"], ...[...Array(shape[0]).keys()].map((c) => [c, `channel ${c}`])];
    const select = this.find(".scope");
    select.replaceChildren(...scopes.map(([value, text]) => build("option", { value }, text)));
    select.value = this.scope ?? "all";
    this.latentStateKey = null;
  }

  drawControls(state, sweep, row) {
    const history = this.history();
    if (this.dragging === null) this.slider.value = state.drop_fraction;
    const on = sweep?.num_on ?? numOn(this.payload.shape, state);
    const dropped = row >= 0 ? sweep.num_dropped[row] : Math.floor(state.drop_fraction * on + 1e-9);
    const fraction = Number(state.drop_fraction.toFixed(4)).toString();
    setText(this.find(".drop-value"), fraction.length < 4 ? state.drop_fraction.toFixed(2) : fraction);
    const text = `${dropped} of ${on} latent dimensions dropped per image`;
    setText(this.find(".drop-count"), text);
    this.slider.setAttribute("aria-valuetext", `${state.drop_fraction.toFixed(2)}: ${text}`);
    this.slider.style.setProperty("--share", state.drop_fraction / LARGEST_FRACTION);
    // aria-disabled, not disabled: a button that disabled itself would lose the keyboard's focus.
    const atStart = sameState(state, { ...history.initial, axes: state.axes });
    const useless = { undo: !history.past.length, redo: !history.future.length, reset: atStart };
    for (const [action, isUseless] of Object.entries(useless)) {
      this.find(`[data-action=${action}]`).setAttribute("aria-disabled", String(isUseless));
    }
    for (const button of this.lab.querySelectorAll("[data-axes]")) {
      button.setAttribute("aria-pressed", String(button.dataset.axes === state.axes));
    }
    this.mask.draw(state);
  }

  drawLatent(state, sweep, row) {
    const { shape, image, names } = this.payload;
    const stateKey = JSON.stringify([state.channels_off, state.cells_off, state.dims_off]);
    if (stateKey !== this.latentStateKey) {
      this.latentStateKey = stateKey;
      this.on = dimsOn(shape, state);
      this.channels.drawState(state.channels_off);
      const means = cellMeans(this.influence.values, shape, state.channels_off, this.scope);
      const range = rangeOf(means);
      this.map.draw(means, range, ...this.cellsOff(shape));
      setText(this.find(".scale-max"), formatSigned(range.high, 2));
      setText(this.find(".scale-min"), formatSigned(range.low, 2));
      setText(this.find(".on-count"), `${numOn(shape, state)} of ${shape[0] * shape[1] * shape[2]} on`);
      setText(
        this.find(".legend-of"),
        this.scope === null ? "Mean over the channels on" : `Channel ${this.scope}`,
      );
    }
    const hasBand = state.band !== null;
    const previewKey = JSON.stringify([this.payload.context, image?.title, names, this.kept, hasBand]);
    if (previewKey !== this.previewKey) {
      this.previewKey = previewKey;
      this.preview.layout({ image, names, hasShares: this.kept, hasBand });
    }
    if (row >= 0 && this.kept) this.drawPreview(state, sweep, row);
  }

  /** Cells with none, and with only some, of their dimensions on, in the channels that the map shows. */
  cellsOff([channels, height, width]) {
    const cells = height * width;
    const { channels_off } = this.history().state;
    const every = [...Array(channels).keys()].filter((channel) => !channels_off.includes(channel));
    const counted = this.scope === null ? every : [this.scope];
    const off = new Set();
    const partly = new Set();
    for (let cell = 0; cell < cells; cell += 1) {
      const on = counted.reduce((total, channel) => total + this.on[channel * cells + cell], 0);
      if (on === 0) off.add(cell);
      else if (on < counted.length) partly.add(cell);
    }
    return [off, partly];
  }

  drawPreview(state, sweep, row) {
    const kind = this.preview.select.value;
    if (kind === "all" && sweep.kept) {
      const { values, columns } = sweep.kept;
      return this.channels.drawKept((dim) => values[row * columns + dim] / 255);
    }
    const order = this.orders.kinds[kind === "band" ? "influence" : kind];
    if (!order) return;
    const dropped = sweep.num_dropped[row];
    const [start, stop] =
      kind === "band"
        ? state.band.map((end) => Math.floor(end * sweep.num_on + 1e-9))
        : [0, dropped];
    const kept = keptOfImage(order, this.on, start, stop);
    this.channels.drawKept((dim) => kept[dim]);
  }

  drawNumbers(state, row, intervals) {
    const visible = new Map([...this.curves].filter(([kind]) => !this.hidden.has(kind)));
    if (row >= 0) this.figure.draw(visible, state.drop_fraction);
    else this.figure.draw(visible, Number(this.lab.dataset.drawnFraction));
    if (row >= 0) this.lab.dataset.drawnFraction = state.drop_fraction;
    this.table.draw(this.curves, row >= 0 ? intervals : null, this.hidden);
    const offered = this.payload.last_stage >= WITH_INTERVALS;
    const about = intervals
      ? "Grey: 95 % intervals. Bold Δ: its paired interval excludes zero."
      : offered
        ? "95 % interval updating…"
        : "";
    setText(this.find(".interval-note"), about);
  }

  drawMessage(message) {
    const element = this.find(".message");
    element.hidden = !message;
    setText(element, message ?? "");
    this.lab.toggleAttribute("data-undefined", Boolean(message));
  }

  drawFoot() {
    const { sample, positive } = this.payload;
    const parts = [
      `${formatCount(sample.num_member)} members, ${formatCount(sample.num_held_out)} held-out`,
      `seed ${sample.seed}`,
    ];
    if (sample.num_resamples) parts.push(`${formatCount(sample.num_resamples)} bootstrap resamples`);
    if (positive.note) parts.push(positive.note);
    parts.push("Δ: change against no mask");
    setText(this.find(".foot"), parts.join(" · "));
  }

  say(text) {
    setText(this.find(".status"), text);
    clearTimeout(this.sayTimer);
    this.sayTimer = setTimeout(() => setText(this.find(".status"), ""), 4000);
  }

  /** Tell a screen reader the result once it stands, at most once per result. */
  announce(state) {
    const auc = this.curves?.get("influence")?.metrics.auc;
    const text = `Drop fraction ${state.drop_fraction.toFixed(2)}: AUC with the influence mask ${formatMetric(auc)}.`;
    if (text === this.announced) return;
    this.announced = text;
    setText(this.find(".announcement"), text);
  }

  async export(format) {
    if (!this.curves) return;
    const state = this.state();
    const name = `${this.payload.file_stem}-roc-drop-${state.drop_fraction.toFixed(2)}`;
    if (format === "csv") {
      const text = curvesCsv(this.figure.shown, this.figure.fp, this.payload.positive, state.drop_fraction);
      return download(new Blob([text], { type: "text/csv" }), `${name}.csv`);
    }
    const svg = this.find(".roc-svg");
    const text = standaloneSvg(svg);
    if (format === "svg") return download(new Blob([text], { type: "image/svg+xml" }), `${name}.svg`);
    const { width, height } = svg.viewBox.baseVal;
    return download(await svgToPng(text, width, height), `${name}.png`);
  }
}

const labs = new WeakMap(); // one lab per mounted component, across Streamlit's reruns

export default function (component) {
  const root = component.parentElement;
  let lab = labs.get(root);
  if (!lab || !lab.lab.isConnected) {
    lab?.dispose();
    lab = new Lab(root);
    labs.set(root, lab);
  }
  lab.receive(component);
  // Streamlit may call this for an overtaken render while the element stays: look before leaving.
  return () =>
    setTimeout(() => {
      if (!lab.lab.isConnected) lab.dispose();
    });
}
