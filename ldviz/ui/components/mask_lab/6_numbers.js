// The table of AUC, ASR and TPR@1%FPR: a row per curve, with the change against no mask.

const METRICS = [
  { key: "auc", label: "AUC", title: "Area under the ROC curve; 0.5 is chance" },
  { key: "asr", label: "ASR", title: "Attack success rate: the best balanced accuracy over thresholds" },
  { key: "tpr", label: "TPR @ 1 % FPR", title: "True-positive rate while at most 1 % is falsely accused" },
];

class NumbersTable {
  constructor(table, onToggle) {
    this.head = table.querySelector("thead");
    this.body = table.querySelector("tbody");
    this.onToggle = onToggle; // (kind) => void: show or hide its curve
  }

  layout({ kinds, names, details, colors }) {
    this.head.replaceChildren(
      build(
        "tr",
        { role: "row" },
        build("th", { role: "columnheader", scope: "col" }, "Mask"),
        ...METRICS.map(({ label, title }) =>
          build(
            "th",
            { role: "columnheader", scope: "col", title },
            label,
            build("small", {}, "Δ against no mask"),
          ),
        ),
      ),
    );
    this.rows = new Map();
    this.body.replaceChildren(
      ...kinds.map((kind) => {
        const toggle = build(
          "button.curve-toggle",
          { type: "button", "data-kind": kind, "aria-pressed": "true", title: "Show or hide this curve" },
          build("i.swatch", { style: `--curve:${colors[kind]}` }),
          build("span", {}, names[kind], build("small", {}, details[kind] ?? "")),
        );
        toggle.addEventListener("click", () => this.onToggle(kind));
        const cells = METRICS.map(({ key, label }) => {
          const parts = {
            value: build("span.value"), ci: build("span.ci"),
            change: build("span.change"), changeCi: build("span.ci"),
          };
          const cell = build(
            "td", { role: "cell", "data-metric": key, "data-label": label },
            build("div.pair", {}, parts.value, parts.ci),
            build("div.pair", {}, parts.change, parts.changeCi),
          );
          return { key, cell, parts };
        });
        this.rows.set(kind, { toggle, cells });
        return build(
          "tr", { role: "row", "data-row": kind },
          build("th", { role: "rowheader", scope: "row" }, toggle),
          ...cells.map(({ cell }) => cell),
        );
      }),
    );
  }

  /**
   * @param {Map} shown - kind to curveAt(...) at the present fraction
   * @param intervals - payload intervals of exactly this mask, or null
   */
  draw(shown, intervals, hidden) {
    for (const [kind, { toggle, cells }] of this.rows) {
      toggle.setAttribute("aria-pressed", String(!hidden.has(kind)));
      const metrics = shown.get(kind)?.metrics;
      if (!metrics) continue;
      const reference = shown.get("none")?.metrics;
      for (const { key, parts } of cells) {
        const value = metrics[key];
        const measured = intervals?.metrics[kind]?.[key];
        setText(parts.value, formatMetric(value));
        setText(parts.ci, measured?.ci95 ? formatInterval(measured.ci95) : "");
        const change = kind === "none" || value === null ? null : value - reference[key];
        const difference = intervals?.differences[kind]?.[key];
        setText(parts.change, change === null ? "" : `Δ ${formatSigned(change)}`);
        setText(parts.changeCi, difference?.ci95 && change !== null ? formatInterval(difference.ci95, true) : "");
        const [low, high] = difference?.ci95 ?? [-1, 1];
        parts.change.classList.toggle("clear", change !== null && (low > 0 || high < 0));
      }
    }
  }
}
