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
  const { channels_off, cells_off } = normalState(state);
  return JSON.stringify([context, channels_off, cells_off]);
}

/** Key of one set of intervals: a sweep at one drop fraction. */
function intervalsKey(context, state) {
  return `${sweepKey(context, state)}@${state.drop_fraction.toFixed(6)}`;
}

/** How many latent dimensions the channels and cells leave on. */
function numOn(shape, state) {
  const [channels, height, width] = shape;
  return (channels - state.channels_off.length) * (height * width - state.cells_off.length);
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
