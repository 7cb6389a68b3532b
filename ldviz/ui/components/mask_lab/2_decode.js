// From Python's payload to typed arrays.  Counts travel as zlib-compressed differences along the
// false-positive axis, because a staircase mostly repeats itself.

async function inflate(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

const ARRAY_TYPES = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };

/** A packed array {dtype, shape, data}. */
async function unpack(packed) {
  const values = new ARRAY_TYPES[packed.dtype](await inflate(packed.data));
  return { values, rows: packed.shape[0], columns: packed.shape[1] ?? 1 };
}

/** A packed staircase: differences along each row, summed back to counts. */
async function unpackStaircase(packed) {
  const { values, rows, columns } = await unpack(packed);
  const counts = new Float64Array(values.length);
  for (let row = 0; row < rows; row += 1) {
    let total = 0;
    for (let at = row * columns; at < (row + 1) * columns; at += 1) {
      total += values[at];
      counts[at] = total;
    }
  }
  return { values: counts, rows, columns };
}

async function decodeKind(kind) {
  const decoded = { ...kind, counts: await unpackStaircase(kind.counts) };
  if (kind.band) decoded.band = { at: kind.band.at, sd: await unpack(kind.band.sd) };
  return decoded;
}

/** Decode one sweep: `curves` of the payload, kinds in the payload's order. */
async function decodeSweep(curves) {
  const names = Object.keys(curves.kinds);
  const kinds = await Promise.all(names.map((name) => decodeKind(curves.kinds[name])));
  return {
    ...curves,
    kinds: Object.fromEntries(names.map((name, index) => [name, kinds[index]])),
    kept: curves.kept ? await unpack(curves.kept) : null,
  };
}

/** The drop orders of the payload's image, by kind; none without an image. */
async function decodeOrders(image) {
  const entries = Object.entries(image?.orders ?? {});
  const arrays = await Promise.all(entries.map(([, order]) => unpack(order)));
  return Object.fromEntries(entries.map(([kind], index) => [kind, arrays[index].values]));
}

/** The sweep's row for a drop fraction, or -1 when the sweep does not hold it. */
function rowOf(sweep, dropFraction) {
  const index = sweep.fractions.findIndex((value) => Math.abs(value - dropFraction) < 1e-9);
  return index < 0 ? -1 : sweep.row[index];
}

/** One curve at one row: counts (a view), what they are divided by, and its three numbers. */
function curveAt(kind, row) {
  const at = Math.min(row, kind.counts.rows - 1);
  const { values, columns } = kind.counts;
  const band = kind.band && {
    at: kind.band.at,
    sd: kind.band.sd.values.subarray(at * kind.band.sd.columns, (at + 1) * kind.band.sd.columns),
  };
  return {
    counts: values.subarray(at * columns, (at + 1) * columns),
    draws: kind.draws,
    band,
    metrics: { auc: kind.auc[at], asr: kind.asr[at], tpr: kind.tpr[at] },
  };
}
