// Numbers as text, and small DOM builders.

/** Three decimals; null is "not available", which is not zero. */
function formatMetric(value) {
  return value === null || value === undefined ? "not available" : value.toFixed(3);
}

function formatSigned(value, digits = 3) {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return `±${text}`;
  return (value < 0 ? "−" : "+") + text;
}

function formatInterval([low, high], signed = false) {
  const format = signed ? formatSigned : (value) => value.toFixed(3);
  return signed ? `${format(low)} to ${format(high)}` : `${format(low)}–${format(high)}`;
}

const formatCount = (count) => count.toLocaleString("en-US").replaceAll(",", "\u202f");

/** build("td.value", {role: "cell"}, child, "text"): an HTML element with classes and children. */
function build(selector, attributes = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Change text only where it differs, so that unchanged cells cost nothing while dragging. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** "137 of 899"; a mean over draws keeps a decimal. */
function ofAll(count, total) {
  const text = Number.isInteger(count) ? formatCount(count) : count.toFixed(1);
  return `${text} of ${formatCount(total)}`;
}

/** The crosshair's readout: the false-positive rate, then each curve's true-positive rate. */
function readingTable(rate, falsePositives, rows, positive, legend) {
  const body = build("dl");
  body.append(
    build("dt.reading-head", {}, build("span.name", {}, "False positives")),
    build("dd.reading-head", {}, `FPR ${rate.toFixed(4)}`),
    build("dd", {}, build("small", {}, ofAll(falsePositives, positive.num_negative))),
  );
  for (const { kind, rate: truePositiveRate, count } of rows) {
    const swatch = build("i.swatch", { style: `background:${legend.colors[kind]}` });
    body.append(
      build("dt", {}, swatch, build("span.name", {}, legend.names[kind])),
      build("dd", {}, `TPR ${truePositiveRate.toFixed(3)}`),
      build("dd", {}, build("small", {}, ofAll(count, positive.num_positive))),
    );
  }
  return body;
}
