// What leaves the page: the ROC figure as SVG and PNG with its styles inlined, its curves as CSV.

const INLINED = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
  "stroke-linejoin", "font-family", "font-size", "font-weight", "opacity", "paint-order",
];

/** The drawn SVG as stand-alone text: computed styles inlined, hidden parts left out. */
function standaloneSvg(svg) {
  const copy = svg.cloneNode(true);
  const originals = [svg, ...svg.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((element, index) => {
    const style = getComputedStyle(originals[index]);
    for (const name of INLINED) element.style.setProperty(name, style.getPropertyValue(name));
  });
  copy.querySelectorAll("[hidden], [visibility=hidden]").forEach((element) => element.remove());
  const { width, height } = svg.viewBox.baseVal;
  const background = getComputedStyle(svg).getPropertyValue("--st-background-color").trim() || "#ffffff";
  copy.prepend(svgElement("rect", { width, height, fill: background }));
  copy.setAttribute("xmlns", SVG_NS);
  return new XMLSerializer().serializeToString(copy);
}

async function svgToPng(text, width, height, scale = 3) {
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = build("canvas", { width: width * scale, height: height * scale });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** One line per curve and false-positive count; counts of the random mask are means over draws. */
function curvesCsv(shown, counts, positive, dropFraction) {
  const lines = ["curve,drop_fraction,positive,false_positives,fpr,true_positives,tpr"];
  for (const [kind, curve] of shown) {
    counts.forEach((falsePositives, at) => {
      const truePositives = curve.counts[at] / curve.draws;
      lines.push(
        [
          kind, { none: 0, band: "" }[kind] ?? dropFraction, positive.name, falsePositives,
          falsePositives / positive.num_negative, truePositives, truePositives / positive.num_positive,
        ].join(","),
      );
    });
  }
  return `${lines.join("\n")}\n`;
}

function download(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = build("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
