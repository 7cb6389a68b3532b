// The mask's state, as pure functions: what an action does, and what is on screen while Python
// has not answered yet.
//
// Python holds the truth.  `confirmed` is what Python last sent; `pending` are the actions made
// here since, in order.  What the component shows is `confirmed` with `pending` replayed on top,
// so an answer to an earlier action can never undo a later one.

/** A state that two places agree on: sorted lists, plain numbers. */
function normalState(state) {
  const ascending = (list) => [...new Set(list)].sort((a, b) => a - b);
  return {
    drop_fraction: state.drop_fraction,
    channels_off: ascending(state.channels_off),
    cells_off: ascending(state.cells_off),
    dims_off: ascending(state.dims_off),
    ranking: state.ranking,
    band: state.band,
    axes: state.axes,
  };
}

function sameState(a, b) {
  return JSON.stringify(normalState(a)) === JSON.stringify(normalState(b));
}

/** Apply one action to {state, past, future, initial}; the same rules as Python's history. */
function applyAction(history, action) {
  const { state, past, future, initial } = history;
  if (action.type === "undo") {
    if (past.length === 0) return history;
    return { initial, state: past.at(-1), past: past.slice(0, -1), future: [...future, state] };
  }
  if (action.type === "redo") {
    if (future.length === 0) return history;
    return { initial, state: future.at(-1), past: [...past, state], future: future.slice(0, -1) };
  }
  const next = action.type === "reset" ? { ...initial, axes: state.axes } : action.state;
  if (sameState(next, state)) return history;
  return { initial, state: normalState(next), past: [...past, state], future: [] };
}

/** The history shown: Python's, with the unanswered actions on top. */
function replay(confirmed, pending) {
  return pending.reduce(applyAction, confirmed);
}

/** Key of one sweep: every number in it depends on these and on nothing else. */
function sweepKey(context, state) {
  const { channels_off, cells_off, dims_off, ranking, band } = normalState(state);
  return JSON.stringify([context, channels_off, cells_off, dims_off, ranking, band]);
}

/** Key of one set of intervals: a sweep at one drop fraction. */
function intervalsKey(context, state) {
  return `${sweepKey(context, state)}@${state.drop_fraction.toFixed(6)}`;
}

/** One byte per latent dimension: 1 where channels, cells and single dimensions leave it on. */
function dimsOn([channels, height, width], state) {
  const cells = height * width;
  const on = new Uint8Array(channels * cells).fill(1);
  for (const channel of state.channels_off) on.fill(0, channel * cells, (channel + 1) * cells);
  for (const cell of state.cells_off) {
    for (let channel = 0; channel < channels; channel += 1) on[channel * cells + cell] = 0;
  }
  for (const dim of state.dims_off) on[dim] = 0;
  return on;
}

/** How many latent dimensions are left on. */
function numOn(shape, state) {
  return dimsOn(shape, state).reduce((total, on) => total + on, 0);
}

/**
 * Switch cells on or off, in all channels (`channel` null) or in one.
 *
 * Returns the changed part of the state.  A cell that is off in every channel and comes back in
 * one stays off, dimension by dimension, in the others.
 */
function painted([channels, height, width], state, cells, channel, off) {
  const perChannel = height * width;
  const cellsOff = new Set(state.cells_off);
  const dimsOff = new Set(state.dims_off);
  const every = [...Array(channels).keys()];
  for (const cell of cells) {
    if (channel === null) {
      for (const other of every) dimsOff.delete(other * perChannel + cell);
      if (off) cellsOff.add(cell);
      else cellsOff.delete(cell);
    } else if (off) {
      if (!cellsOff.has(cell)) dimsOff.add(channel * perChannel + cell);
    } else if (cellsOff.delete(cell)) {
      for (const other of every) if (other !== channel) dimsOff.add(other * perChannel + cell);
    } else {
      dimsOff.delete(channel * perChannel + cell);
    }
  }
  return { cells_off: [...cellsOff], dims_off: [...dimsOff] };
}

/**
 * What one image's mask keeps: one byte per dimension.
 *
 * @param {ArrayLike<number>} order - dimensions in the order in which its mask drops them
 * @param {Uint8Array} on - the dimensions left on
 * @param {number} start, stop - the positions among those that are dropped
 */
function keptOfImage(order, on, start, stop) {
  const kept = Uint8Array.from(on);
  let position = 0;
  for (const dim of order) {
    if (!on[dim]) continue;
    if (position >= start && position < stop) kept[dim] = 0;
    position += 1;
  }
  return kept;
}

/** Remember at most `limit` entries, forgetting the least recently used. */
class RecentMap {
  constructor(limit) {
    this.limit = limit;
    this.entries = new Map();
  }

  get(key) {
    const value = this.entries.get(key);
    if (value !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, value);
    }
    return value;
  }

  set(key, value) {
    this.entries.delete(key);
    this.entries.set(key, value);
    if (this.entries.size > this.limit) this.entries.delete(this.entries.keys().next().value);
  }
}
