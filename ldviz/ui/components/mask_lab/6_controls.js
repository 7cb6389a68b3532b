// What the slider does not say: whose influence ranks, and a band of ranks.

const FIRST_BAND = [0.2, 0.5];

class MaskControls {
  constructor(container, onChange, say) {
    this.onChange = onChange; // (part of a state) => void
    this.say = say;
    this.rankings = [...container.querySelectorAll("[data-ranking]")];
    this.toggle = container.querySelector(".band-on");
    this.ends = container.querySelector(".band-ends");
    this.low = container.querySelector(".band-low");
    this.high = container.querySelector(".band-high");
    for (const button of this.rankings) {
      button.addEventListener("click", () => onChange({ ranking: button.dataset.ranking }));
    }
    this.toggle.addEventListener("change", () => {
      onChange({ band: this.toggle.checked ? FIRST_BAND : null });
    });
    for (const input of [this.low, this.high]) {
      input.addEventListener("change", () => this.readBand());
    }
  }

  readBand() {
    const band = [this.low, this.high].map((input) => Math.round(Number(input.value)) / 100);
    const [low, high] = band;
    if (!(low >= 0 && low < high && high <= 1) || high - low === 1) {
      this.say("A band runs from a lower to a higher share of the ranks, and keeps some of them.");
      this.draw(this.state);
      return;
    }
    this.onChange({ band });
  }

  draw(state) {
    this.state = state;
    for (const button of this.rankings) {
      button.setAttribute("aria-pressed", String(button.dataset.ranking === state.ranking));
    }
    this.toggle.checked = state.band !== null;
    this.ends.toggleAttribute("data-idle", state.band === null);
    const [low, high] = state.band ?? FIRST_BAND;
    for (const [input, end] of [[this.low, low], [this.high, high]]) {
      input.disabled = state.band === null;
      // A field that is being typed in keeps what is typed.
      if (input.getRootNode().activeElement !== input || !input.matches(":focus")) {
        input.value = Number((100 * end).toFixed(4));
      }
    }
  }
}
