// Sliders, games and questions without a kernel: the page holds a picture for every position.
"use strict";

const make = (tag, attributes = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children);
  return node;
};

// Pictures of one size, in strips; `show(n, words)` draws number n at once if its strip is there, or as soon as it is.
class Pictures {
  constructor(about) {
    this.about = about;
    this.images = new Map();
    this.canvas = make("canvas", {width: about.size[0], height: about.size[1]});
    this.canvas.setAttribute("role", "img");
    this.canvas.style.width = `${about.width}px`;
    this.canvas.className = about.sharp ? "sharp" : "";
    new IntersectionObserver((seen, observer) => {
      if (seen.some(entry => entry.isIntersecting)) { observer.disconnect(); this.loadAll(); }
    }, {rootMargin: "1000px"}).observe(this.canvas);
  }
  load(source) {
    if (!this.images.has(source)) {
      const image = make("img");
      this.images.set(source, image);
      image.loaded = new Promise(done => { image.onload = () => done(image); });
      image.src = source;
    }
    return this.images.get(source);
  }
  async loadAll() { for (const strip of this.about.strips) await this.load(strip).loaded; }
  show(n, words) {
    this.wanted = n;
    this.canvas.setAttribute("aria-label", words);
    const {ground, strips, each} = this.about;
    const parts = [ground, strips[Math.floor(n / each)]].filter(Boolean).map(source => this.load(source));
    if (parts.every(image => image.complete)) this.draw(parts);
    else Promise.all(parts.map(image => image.loaded)).then(images => this.wanted === n && this.draw(images));
  }
  draw(images) {
    const [width, height] = this.about.size, context = this.canvas.getContext("2d");
    const strip = images.at(-1), top = (this.wanted % this.about.each) * height;
    context.clearRect(0, 0, width, height);
    if (images.length > 1) context.drawImage(images[0], 0, 0);
    context.drawImage(strip, 0, top, width, height, 0, 0, width, height);
    this.canvas.dataset.shown = this.wanted;
  }
}

// A slider for numbers, a list for words; calls `moved` whenever its position changes.
function control({name, labels, start, words}, moved) {
  const reading = make("output", {textContent: labels[start]});
  const input = words
    ? make("select", {}, ...labels.map((label, i) => make("option", {value: i, textContent: label})))
    : make("input", {type: "range", min: 0, max: labels.length - 1, step: 1});
  input.value = start;
  const say = () => {
    reading.textContent = labels[input.value];
    if (!words) input.setAttribute("aria-valuetext", labels[input.value]);
  };
  say();
  input.addEventListener("input", () => { say(); moved(); });
  const line = make("label", {className: "control"}, make("span", {textContent: name}), input);
  if (!words) line.append(reading);
  return {line, name, read: () => Number(input.value), label: () => labels[input.value], count: labels.length};
}

const place = controls => controls.reduce((sum, one) => sum * one.count + one.read(), 0);
const settings = controls => controls.map(one => `${one.name} ${one.label()}`).join(", ");

function sliders(box, about) {
  const pictures = new Pictures(about);
  const show = () => pictures.show(place(controls), `the picture for ${settings(controls)}`);
  const controls = about.controls.map(one => control(one, show));
  box.append(...controls.map(one => one.line), pictures.canvas);
  show();
}

function player(box, about) {
  const pictures = new Pictures(about);
  let here = 0, moves = [], timer = null;
  const controls = about.controls.map(one => control(one, () => { stop(); here = 0; moves = []; show(); }));
  const node = at => about.settings[place(controls)][at];
  const show = () => {
    const [picture, ways] = node(here);
    pictures.show(picture, `after ${moves.join(", ") || "no move"}; ${settings(controls)}`);
    for (const button of buttons) button.disabled = !(button.dataset.label in ways);
    film.disabled = !(about.play in ways);
    if (film.disabled) stop();
    note.textContent = about.actions.every(label => label in ways) ? ""
      : "What a grey button would do was not recorded; the notebook knows it.";
  };
  const act = label => {
    here = node(here)[1][label];
    moves = here ? [...moves, label] : [];
    show();
  };
  const stop = () => { clearInterval(timer); timer = null; film.textContent = "▶ play"; };
  const buttons = about.actions.map(label => make("button", {type: "button", textContent: label,
    onclick: () => { stop(); act(label); }}));
  buttons.forEach((button, i) => { button.dataset.label = about.actions[i]; });
  const film = make("button", {type: "button", onclick: () => {
    if (timer) return stop();
    timer = setInterval(() => act(about.play), about.interval);
    film.textContent = "❚❚ pause";
  }});
  const note = make("p", {className: "note"});
  note.setAttribute("aria-live", "polite");
  stop();
  box.append(make("div", {className: "buttons"}, ...buttons, film), ...controls.map(one => one.line),
    pictures.canvas, note);
  show();
}

function question(box, about) {
  const reply = make("p", {className: "reply"});
  reply.setAttribute("aria-live", "polite");
  const buttons = about.options.map((option, i) => make("button", {type: "button", textContent: option, onclick: () => {
    for (const other of buttons) other.setAttribute("aria-pressed", other === buttons[i]);
    reply.textContent = about.answers[i];
    for (const place of document.querySelectorAll(`[data-guess="${about.guess}"]`))
      place.textContent = `Your guess: ${option}.`;
  }}));
  box.append(make("p", {className: "question", textContent: about.question}),
    make("div", {className: "buttons"}, ...buttons), reply);
}

for (const box of document.querySelectorAll(".recording")) {
  const about = JSON.parse(box.querySelector("script").textContent);
  ({sliders, player, question})[about.kind](box, about);
}
