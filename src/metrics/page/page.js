"use strict";
// Shows what /events tells: one row a stream. Whatever elements, models and people are called only ever becomes text.
{
  /** Seconds that are kept of each stream, one sample a second. */
  const KEPT = 600;
  /** Swaps that are kept of each stream. */
  const SWAPS = 200;
  /** Streams that are gone are shown for so long, in seconds, and so many of them. */
  const GONE_FOR = 120, MOST_GONE = 20;
  /** Seconds without a word after which the way to the program counts as broken. */
  const SILENCE = 6;
  /** Candidates whose quality is drawn. */
  const MOST_LINES = 16;
  const DECADES = [.01, .1, 1, 10, 100, 1000, 10000];
  const SPANS = [["2 min", 120], ["10 min", KEPT]];

  const $ = (id) => document.getElementById(id);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const set = (node, text) => { if (node.textContent !== text) node.textContent = text; };
  const make = (tag, className, ...content) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...content);
    return node;
  };
  const two = (n) => String(n).padStart(2, "0");
  const clock = (seconds) => {
    const date = new Date(1000 * seconds);
    return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  };
  const time = (ms) => ms == null ? "–" : !ms ? "0" : ms < .1 ? `${+(1000 * ms).toPrecision(2)} µs` : ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1e4 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
  const share = (part) => `${part < .0995 ? (100 * part).toFixed(1) : Math.round(100 * part)} %`;

  const streams = new Map();
  let program = null, control = false, span = SPANS[0][1], newest = 0, began = 0, heard = 0, lostSince = null, trouble = "";

  // Colors and shapes of candidates, as in the report.
  const palette = { names: ["paper", "ink", "soft", "line", "alarm", "stand-in", "c0", "c1", "c2", "c3", "c4", "c5", "c6"] };
  function readPalette() { for (const name of palette.names) palette[name] = css(`--${name}`); }
  readPalette();
  const font = (size) => `${size}px ${getComputedStyle(document.body).fontFamily}`;
  const axisFont = font(12);
  const color = (n) => n < 0 ? palette["stand-in"] : palette[`c${n % 7}`];

  function shape(ctx, n, x, y, r) {
    ctx.beginPath();
    switch (n < 0 ? 0 : n % 4) {
      case 0: ctx.arc(x, y, r, 0, 2 * Math.PI); break;
      case 1: ctx.rect(x - r * .88, y - r * .88, r * 1.76, r * 1.76); break;
      case 2: ctx.moveTo(x, y - r * 1.2); ctx.lineTo(x + r * 1.1, y + r * .8); ctx.lineTo(x - r * 1.1, y + r * .8); ctx.closePath(); break;
      default: ctx.moveTo(x, y - r * 1.25); ctx.lineTo(x + r * 1.25, y); ctx.lineTo(x, y + r * 1.25); ctx.lineTo(x - r * 1.25, y); ctx.closePath();
    }
    ctx.fillStyle = color(n);
    ctx.fill();
  }

  /** A canvas with the mark of a candidate. */
  function mark() {
    const canvas = make("canvas", "mark");
    canvas.setAttribute("aria-hidden", "true");
    canvas.number = null;
    return canvas;
  }
  function paint(canvas, n) {
    const dpr = devicePixelRatio, look = `${n} ${dpr} ${palette.paper}`;
    if (canvas.look === look) return;
    canvas.look = look;
    canvas.width = canvas.height = 16 * dpr;
    const ctx = canvas.getContext("2d");
    shape(ctx, n, 8 * dpr, 8 * dpr, 5 * dpr);
  }

  // One tip for all charts.
  const tip = $("tip");
  function showTip(u, lines) {
    tip.hidden = !lines.length;
    if (tip.hidden) return;
    tip.replaceChildren(...lines.map((line) => make("div", "", line)));
    const box = u.over.getBoundingClientRect(), x = box.left + u.cursor.left;
    const fits = x + tip.offsetWidth + 24 < document.documentElement.clientWidth;
    tip.style.left = `${Math.max(4, scrollX + (fits ? x + 14 : x - tip.offsetWidth - 14))}px`;
    tip.style.top = `${scrollY + box.top + 4}px`;
  }

  /** Where the charts begin: they grow until they are as long as was chosen. */
  const from = () => Math.min(Math.max(began, newest - span), newest - 30);

  const AXIS = 64;
  const sync = uPlot.sync("time");

  /** A chart of a stream; `tell` says what is at a place in its data. */
  function chart(target, height, options, data, tell) {
    const soft = () => palette.soft, grid = { stroke: () => palette.line, width: 1 };
    const u = new uPlot({
      width: target.clientWidth, height,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: sync.key, setSeries: false }, y: false, points: { show: false }, drag: { x: false, y: false } },
      ...options,
      scales: { x: { time: false, range: () => [from(), newest] }, ...options.scales },
      axes: [
        { stroke: soft, grid, ticks: grid, font: axisFont, space: 74, size: 24, incrs: [5, 10, 15, 30, 60, 120, 300], values: (_, all) => all.map((it) => span < 300 ? clock(it) : clock(it).slice(0, 5)), ...options.xAxis },
        { stroke: soft, grid, ticks: grid, font: axisFont, size: AXIS, space: 26, ...options.yAxis },
      ],
      hooks: {
        drawClear: options.under ?? [],
        draw: options.draw,
        setCursor: [(self) => { if (self.over.matches(":hover")) showTip(self, self.cursor.idx == null ? [] : tell(self.cursor.idx)); }],
      },
    }, data, target);
    u.over.addEventListener("mouseleave", () => { tip.hidden = true; });
    return u;
  }

  class Stream {
    constructor(facts) {
      this.id = facts.id;
      this.number = new Map(); // Of candidates, by name: their color and shape.
      this.t = []; this.p50 = []; this.p99 = []; this.budget = []; this.missed = []; this.passed = []; this.active = [];
      this.quality = new Map();
      this.swaps = [];
      this.goneAt = null;
      this.still = 0;
      this.isSeen = false;
      this.charts = [];
      this.build(facts);
      this.take(facts, newest);
    }

    // What is kept.

    take(facts, now) {
      const before = this.facts;
      this.facts = facts;
      this.goneAt = null;
      const grown = (key) => {
        const value = facts[key] ?? 0, old = before?.[key] ?? value;
        return value < old ? value : value - old;
      };
      const passed = grown("frames"), isNext = before != null;
      this.still = isNext && passed === 0 ? this.still + 1 : 0;
      for (const it of facts.candidates ?? []) if (!this.number.has(it.name)) this.number.set(it.name, this.number.size);
      const push = (list, value) => { list.push(value); if (KEPT < list.length) list.shift(); };
      push(this.t, now);
      push(this.p50, this.still < 2 ? facts.latency?.[0] ?? null : null);
      push(this.p99, this.still < 2 ? facts.latency?.[2] ?? null : null);
      push(this.budget, facts.budget ?? null);
      push(this.missed, grown("misses"));
      push(this.passed, passed);
      push(this.active, facts.active ?? "");
      const values = new Map((facts.candidates ?? []).map((it) => [it.name, it.quality ?? null]));
      if (facts.figure) values.set(facts.figure.name, facts.figure.value);
      for (const name of values.keys()) {
        if (!this.quality.has(name)) this.quality.set(name, new Array(this.t.length - 1).fill(null));
      }
      for (const [name, list] of this.quality) {
        push(list, values.get(name) ?? null);
        // Who has been gone for as long as is kept leaves nothing to draw.
        if (!values.has(name) && list.every((it) => it == null)) this.quality.delete(name);
      }
      this.write();
    }

    /** Sum over the last minute. */
    minute(list) { return list.slice(-60).reduce((sum, it) => sum + it, 0); }

    swap(told) {
      this.swaps.unshift(told);
      this.swaps.length = Math.min(this.swaps.length, SWAPS);
      this.writeSwaps();
      if (this.isOpen) this.explain();
    }

    // What is shown.

    build(facts) {
      const id = this.id;
      this.name = make("span", "name");
      this.name.id = `name-${id}`;
      this.mark = mark();
      this.who = make("b");
      this.tag = make("span", "tag");
      const active = make("span", "active", this.mark, this.who, this.tag);
      active.id = `active-${id}`;
      this.figures = make("span", "figures");
      this.figures.id = `figures-${id}`;
      this.row = make("button", "row", this.name, active, this.figures);
      this.row.type = "button";
      this.row.setAttribute("aria-expanded", "false");
      this.row.setAttribute("aria-controls", `details-${id}`);
      this.row.setAttribute("aria-labelledby", `name-${id} active-${id}`);
      this.row.setAttribute("aria-describedby", `figures-${id}`);
      this.row.addEventListener("click", () => this.toggle());
      const figure = (title, hint, ...parts) => {
        const caption = make("figcaption", "", make("b", "", title), make("span", "", hint));
        const node = make("figure", "", caption, ...parts);
        node.caption = caption;
        return node;
      };
      this.latencyChart = make("div", "chart");
      this.bandChart = make("div", "band");
      this.qualityChart = make("div", "chart");
      this.latencyFigure = figure("Latency", "", this.latencyChart, this.bandChart);
      this.qualityFigure = figure("Quality", "", this.qualityChart);
      for (const it of [this.latencyChart, this.bandChart, this.qualityChart]) it.setAttribute("role", "img");
      this.chartsNode = make("div", "charts", this.latencyFigure, this.qualityFigure);
      this.chartsNode.addEventListener("click", () => this.toggle());
      this.keys = make("div", "keys");
      this.details = make("div", "details");
      this.details.id = `details-${id}`;
      this.details.hidden = true;
      this.words = make("div", "words");
      this.table = make("table");
      this.swapList = make("ol", "swaps");
      this.swapTitle = make("h3", "", "Swaps since the page was opened");
      this.told = make("p", "note");
      this.told.setAttribute("role", "status");
      this.candidatesTitle = make("h3", "", "Candidates");
      const scroll = make("div", "scroll", this.table);
      scroll.tabIndex = -1;
      this.details.append(make("h3", "", facts.kind === "infer" ? "What its model is taken for" : facts.kind === "switch" ? "Why it is this one" : "What it does"), this.words, this.candidatesTitle, scroll, this.weighing(), this.told, this.swapTitle, this.swapList);
      this.node = make("article", "stream", make("h2", "", this.row), this.chartsNode, this.keys, this.details);
      this.node.stream = this;
      seen.observe(this.node);
    }

    get isOpen() { return !this.details.hidden; }

    toggle(open = this.details.hidden) {
      this.details.hidden = !open;
      this.row.setAttribute("aria-expanded", String(open));
      if (open) { this.writeTable(); this.writeSwaps(); this.explain(); }
    }

    write() {
      const { facts } = this, isSwitch = facts.kind === "switch";
      set(this.name, facts.pipeline ? `${facts.pipeline} / ${facts.element}` : facts.element);
      const none = { switch: "nobody answers yet", infer: facts.loading ? "a model is loading" : "no model", probe: "measures", fuse: "fuses picture and sound" }[facts.kind];
      set(this.who, facts.active || none || facts.kind);
      this.mark.hidden = !isSwitch;
      if (isSwitch) paint(this.mark, this.number.get(facts.active) ?? -1);
      const tags = [];
      if (this.goneAt) tags.push(`gone since ${clock(this.goneAt)}`);
      else if (this.isSilent) tags.push("does not answer");
      else if (2 < this.still) tags.push(`no frame for ${this.still} s`);
      if (isSwitch && !facts.chooses) tags.push("held by hand");
      set(this.tag, tags.join(" · "));
      this.tag.hidden = !tags.length;
      this.tag.classList.toggle("alarm", !this.goneAt && 2 < this.still);
      this.node.classList.toggle("gone", this.goneAt != null);
      this.writeFigures();
      this.writeKeys();
      const figure = facts.figure;
      this.latencyFigure.hidden = facts.kind === "fuse";
      this.bandChart.hidden = !isSwitch;
      this.qualityFigure.hidden = !isSwitch && !figure;
      set(this.latencyFigure.caption.lastChild, facts.budget == null ? "━ median ┅ p99" : "━ median ┅ p99 ▲ missed");
      set(this.qualityFigure.caption.firstChild, figure?.name ?? "Quality");
      set(this.qualityFigure.caption.lastChild, figure ? "against the reference" : "how likely an answer is right");
      if (this.isOpen) this.writeTable();
    }

    get missShare() { return this.minute(this.missed) / Math.max(1, this.minute(this.passed)); }
    get missesTooMany() { return 1 < this.minute(this.missed) && this.facts["miss-rate"] < this.missShare; }

    writeFigures() {
      const { facts } = this, parts = [];
      const put = (value, unit, alarm = false, before = "") => parts.push([value, unit, alarm, before]);
      const p99 = facts.latency?.[2];
      if (p99 != null) put(time(p99), facts.budget == null ? "" : ` of ${time(facts.budget)}`, facts.budget < p99, "p99 ");
      if (facts.misses != null) put(share(this.missShare), " missed in a minute", this.missesTooMany);
      const first = Math.max(0, this.t.length - 6), recent = this.passed.slice(first + 1).reduce((sum, it) => sum + it, 0);
      if (1 < this.t.length) put((recent / Math.max(.5, this.t.at(-1) - this.t[first])).toFixed(0), facts.kind === "infer" && facts.task === "audio" ? " buffers a second" : " frames a second");
      const active = facts.candidates?.find((it) => it.name === facts.active);
      if (active?.quality != null) put(active.quality.toFixed(3), " quality");
      if (facts.figure) put(String(facts.figure.value), ` ${facts.figure.name}`);
      if (1.05 < facts.slowdown) put(`${facts.slowdown.toFixed(1)} ×`, " slower than calm");
      if (1 < facts.streams && facts.share != null) put(time(facts.share), ` of a processor a run, in a group of ${facts.streams}`);
      if (facts.weight != null && facts.weight !== 1) put(String(facts.weight), " weight");
      if (facts.backend) put(facts.task, ` by ${facts.backend}`);
      if (facts.kind === "fuse") { put(String(facts.both), " by both"); put(String(facts.picture), " by the picture alone"); put(String(facts.sound), " by the sound alone"); }
      while (this.figures.children.length < parts.length) this.figures.append(make("span", "", "", make("b"), ""));
      while (parts.length < this.figures.children.length) this.figures.lastChild.remove();
      parts.forEach(([value, unit, alarm, before], i) => {
        const node = this.figures.children[i], [first, middle, last] = node.childNodes;
        if (first.data !== before) first.data = before;
        set(middle, value);
        if (last.data !== unit) last.data = unit;
        node.classList.toggle("alarm", alarm);
      });
    }

    writeKeys() {
      const candidates = this.facts.candidates ?? [];
      this.keys.hidden = !candidates.length;
      while (this.keys.children.length < candidates.length) this.keys.append(make("span", "key", mark(), make("span"), make("span", "bad")));
      while (candidates.length < this.keys.children.length) this.keys.lastChild.remove();
      candidates.forEach((it, i) => {
        const node = this.keys.children[i], [canvas, text, bad] = node.children;
        paint(canvas, this.number.get(it.name));
        set(text, it.ms == null ? it.name : `${it.name} ${time(it.ms)}`);
        set(bad, this.facts.forbidden.includes(it.name) ? "forbidden" : it.state === "ready" ? "" : it.state);
        node.classList.toggle("is-active", it.name === this.facts.active);
      });
    }

    writeTable() {
      const candidates = this.facts.candidates ?? [], mayAct = control && token() != null;
      this.candidatesTitle.hidden = this.table.hidden = !candidates.length;
      this.weigh.hidden = !mayAct || this.facts.group == null;
      this.weigh.querySelector("input").placeholder = this.facts.weight ?? "";
      if (!candidates.length) return;
      const heads = ["candidate", "state", "takes", "would miss", "quality", "answered", ...(mayAct ? [""] : [])];
      if (this.table.dataset.heads !== String(heads)) {
        this.table.dataset.heads = String(heads);
        const row = make("tr", "", ...heads.map((it) => make("th", it === "state" ? "text" : "", it)));
        this.table.replaceChildren(make("thead", "", row), make("tbody"));
      }
      const body = this.table.tBodies[0], all = candidates.reduce((sum, it) => sum + it.answers, 0);
      while (body.rows.length < candidates.length) body.append(this.tableRow(mayAct));
      while (candidates.length < body.rows.length) body.lastChild.remove();
      candidates.forEach((it, i) => {
        const { cells, parts } = body.rows[i];
        parts.candidate = it.name;
        paint(parts.mark, this.number.get(it.name));
        set(parts.name, it.name);
        set(cells[1], it.cause ? `${it.state}: ${it.cause}` : it.state);
        cells[1].classList.toggle("alarm", it.state === "failed" || it.state === "hung");
        set(cells[2], time(it.ms));
        set(cells[3], it.miss == null ? "–" : share(it.miss));
        set(cells[4], it.quality == null ? "–" : `${it.quality.toFixed(3)} ± ${(it.doubt ?? 0).toFixed(3)}`);
        set(cells[5], all ? share(it.answers / all) : "–");
        if (!parts.pin) return;
        const isPinned = !this.facts.chooses && this.facts.active === it.name, isForbidden = this.facts.forbidden.includes(it.name);
        parts.pin.setAttribute("aria-pressed", String(isPinned));
        set(parts.pin, isPinned ? "Unpin" : "Pin");
        parts.forbid.setAttribute("aria-pressed", String(isForbidden));
        set(parts.forbid, isForbidden ? "Allow" : "Forbid");
        parts.pin.setAttribute("aria-label", `${parts.pin.textContent} ${it.name}`);
        parts.forbid.setAttribute("aria-label", `${parts.forbid.textContent} ${it.name}`);
      });
    }

    tableRow(mayAct) {
      const row = make("tr"), parts = row.parts = { mark: mark(), name: make("span") };
      row.append(make("td", "", make("span", "who", parts.mark, parts.name)), make("td", "text"), ...[0, 1, 2, 3].map(() => make("td")));
      if (!mayAct) return row;
      const button = (act) => {
        const node = make("button", "act");
        node.type = "button";
        node.addEventListener("click", () => act(node.getAttribute("aria-pressed") === "true"));
        return node;
      };
      parts.pin = button((isPinned) => this.act({ "active-candidate": isPinned ? "" : parts.candidate }));
      parts.forbid = button((isForbidden) => {
        const others = this.facts.forbidden.filter((it) => it !== parts.candidate);
        this.act({ forbidden: isForbidden ? others : [...others, parts.candidate] });
      });
      row.append(make("td", "", parts.pin, " ", parts.forbid));
      return row;
    }

    weighing() {
      const input = make("input"), label = make("label", "", "Weight in its group"), button = make("button", "", "Set");
      input.type = "number"; input.min = "0.001"; input.max = "1000"; input.step = "any"; input.required = true;
      input.id = `weight-${this.id}`;
      label.htmlFor = input.id;
      this.weigh = make("form", "weigh", label, input, button);
      this.weigh.hidden = true;
      this.weigh.addEventListener("submit", (event) => {
        event.preventDefault();
        this.act({ weight: input.valueAsNumber });
      });
      return this.weigh;
    }

    writeSwaps() {
      this.swapTitle.hidden = !this.swaps.length;
      if (!this.isOpen) return;
      this.swapList.replaceChildren(...this.swaps.slice(0, 20).map((it) => make("li", "", make("time", "", clock(it.time / 1000)), make("span", "", it.words))));
    }

    async explain() {
      const { kind } = this.facts;
      if (kind === "probe" || kind === "fuse") {
        this.words.replaceChildren(make("p", "", kind === "probe" ? "A probe measures what passes, and chooses nothing." : "A fuse puts what picture and sound say together, and chooses nothing."));
        return;
      }
      const lines = [];
      try {
        const answer = await fetch(`explain?id=${this.id}`), told = await answer.json();
        if (!answer.ok) lines.push(told.error);
        if (told.active && told["reason-text"]) lines.push(`${told.active} answers since frame ${told["since-frame"]}: ${told["reason-text"]}.`);
        if (told.text) lines.push(...told.text.split(/(?<=[.!?]) (?=\p{Lu})/u));
        lines.push(...told.statements ?? []);
      } catch {
        lines.push("No answer from the program.");
      }
      if (lines.join() === [...this.words.children].map((it) => it.textContent).join()) return;
      this.words.replaceChildren(...lines.map((it) => make("p", "", it)));
    }

    async act(change) {
      set(this.told, "…");
      try {
        const answer = await fetch("control", {
          method: "POST",
          headers: { "Content-Type": "application/json", Authorization: `Bearer ${token()}` },
          body: JSON.stringify({ id: this.id, ...change }),
        });
        const told = await answer.json();
        if (answer.status === 401) forgetToken(told.error);
        set(this.told, told.done ? `Done: ${told.done}.` : `Not done: ${told.error}.`);
      } catch {
        set(this.told, "Not done: no answer from the program.");
      }
    }

    // Charts.

    draw() {
      if (!this.isSeen || document.hidden) return;
      const width = this.latencyFigure.clientWidth || this.qualityFigure.clientWidth;
      const names = [...this.quality.keys()].slice(0, MOST_LINES), look = `${width} ${names.join("\n")} ${this.bandChart.hidden}${this.qualityFigure.hidden}${this.isLog}`;
      if (look !== this.look || !this.charts.length) {
        this.look = look;
        this.destroy();
        this.make(names);
      }
      newest = Math.max(newest, this.t.at(-1));
      const latency = [this.t, this.p50, this.p99, this.budget], quality = [this.t, ...names.map((it) => this.quality.get(it))];
      for (const u of this.charts) u.setData(u.isQuality ? quality : latency);
    }

    destroy() { this.charts.splice(0).forEach((u) => u.destroy()); }

    make(names) {
      const line = (stroke, width, dash) => ({ stroke, width, dash, points: { show: (u, i) => this.t.length < 3 }, spanGaps: false });
      if (!this.latencyFigure.hidden) {
        const ticks = (_, all) => all.map((it) => it == null ? "" : time(it).replace(".0 ", " "));
        this.charts.push(chart(this.latencyChart, 128, {
          series: [{}, line(() => palette.c3, 2), line(() => palette.c3, 1.5, [5, 4]), { show: false }],
          scales: { y: { ...(this.isLog ? { distr: 3, log: 10 } : {}), range: () => this.range() } },
          yAxis: { values: ticks, ...(this.isLog ? { splits: (_, __, low, high) => DECADES.filter((it) => low <= it && it <= high), filter: (_, all) => all } : {}) },
          under: [(u) => this.drawSwaps(u)],
          draw: [(u) => { this.drawBudget(u); this.drawMisses(u); }],
        }, [this.t, this.p50, this.p99, this.budget], (i) => this.tell(i)));
        this.latencyChart.setAttribute("aria-label", "Latency over time; the figures stand in the row");
      }
      if (!this.bandChart.hidden) {
        this.charts.push(chart(this.bandChart, 20, {
          padding: [2, 8, 0, 0],
          series: [{}, { paths: () => null, points: { show: false } }, { show: false }, { show: false }],
          scales: { y: { range: [0, 1] } },
          xAxis: { show: false },
          yAxis: { values: () => [], ticks: { show: false }, grid: { show: false } },
          draw: [(u) => this.drawBand(u)],
        }, [this.t, this.p50, this.p99, this.budget], (i) => this.tell(i)));
        this.bandChart.setAttribute("aria-label", "Who answered over time");
      }
      if (!this.qualityFigure.hidden) {
        const u = chart(this.qualityChart, 128, {
          series: [{}, ...names.map((it, i) => line(() => color(this.number.get(it) ?? i), 1.75))],
          scales: { y: { range: (_, low, high) => low == null ? [0, 1] : [low - Math.max(.1 * (high - low), .005), high + Math.max(.1 * (high - low), .005)] } },
          yAxis: { values: (_, all) => all.map((it) => +it.toFixed(3)) },
          under: [(u) => this.drawSwaps(u)],
          draw: [(u) => this.drawEnds(u, names)],
        }, [this.t, ...names.map((it) => this.quality.get(it))], (i) => [clock(this.t[i]), ...names.map((it) => `${it}: ${this.quality.get(it)[i] ?? "–"}`)]);
        u.isQuality = true;
        this.charts.push(u);
        this.qualityChart.setAttribute("aria-label", "Quality of the candidates over time; the figures stand in the table");
      }
    }

    /** The latencies that the chart shows. */
    get shown() {
      const first = this.t.findIndex((t) => from() <= t);
      return [...this.p50.slice(first), ...this.p99.slice(first)].filter((it) => 0 < it);
    }

    /** A scale from zero shows the slack under the budget; where a stall would flatten all else, ratios matter. */
    get isLog() { return 0 < this.facts.budget && 4 * this.facts.budget < Math.max(...this.shown); }

    range() {
      const all = this.shown, budget = this.facts.budget ?? 0, high = Math.max(budget, ...all);
      return this.isLog ? [Math.min(budget, ...all) * .7, high * 1.5] : [0, Math.max(high * 1.2, budget * 1.3, .01)];
    }

    tell(i) {
      const lines = [`${clock(this.t[i])}  ${this.active[i]}`, `median ${time(this.p50[i])}, 99th percentile ${time(this.p99[i])}`];
      if (this.budget[i] != null) lines.push(`budget ${time(this.budget[i])}, ${this.missed[i]} of ${this.passed[i]} missed`);
      for (const it of this.swaps) if (Math.abs(it.time / 1000 - this.t[i]) < 1) lines.push(it.words);
      return lines.slice(0, 6);
    }

    inside(u, draw) {
      const { ctx, bbox } = u;
      ctx.save();
      ctx.beginPath(); ctx.rect(bbox.left, bbox.top - 2, bbox.width, bbox.height + 4); ctx.clip();
      ctx.setLineDash([]);
      draw(ctx, bbox, devicePixelRatio);
      ctx.restore();
    }

    drawSwaps(u) {
      this.inside(u, (ctx, bbox, dpr) => {
        ctx.strokeStyle = palette.soft; ctx.lineWidth = dpr; ctx.setLineDash([2 * dpr, 3 * dpr]);
        // Many lines would hide what is drawn over them.
        ctx.globalAlpha = this.swaps.filter((it) => from() < it.time / 1000).length < 12 ? .7 : .3;
        for (const it of this.swaps) {
          const x = Math.round(u.valToPos(it.time / 1000, "x", true));
          if (!it.to || x < bbox.left) continue;
          ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
        }
      });
    }

    drawBudget(u) {
      const last = this.budget.at(-1);
      if (last == null) return;
      this.inside(u, (ctx, bbox, dpr) => {
        ctx.strokeStyle = palette.alarm; ctx.lineWidth = 1.75 * dpr;
        ctx.beginPath();
        let y = null;
        this.t.forEach((t, i) => {
          if (this.budget[i] == null) return;
          const x = u.valToPos(t, "x", true), next = u.valToPos(this.budget[i], "y", true);
          if (y == null) ctx.moveTo(bbox.left, next); else { ctx.lineTo(x, y); ctx.lineTo(x, next); }
          y = next;
        });
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
        const text = `budget ${time(last)}`;
        ctx.font = font(11.5 * dpr); ctx.textAlign = "left"; ctx.textBaseline = "bottom";
        ctx.fillStyle = palette.paper; ctx.globalAlpha = .8;
        ctx.fillRect(bbox.left + 2 * dpr, y - 17 * dpr, ctx.measureText(text).width + 8 * dpr, 15 * dpr);
        ctx.globalAlpha = 1; ctx.fillStyle = palette.alarm;
        ctx.fillText(text, bbox.left + 6 * dpr, y - 3 * dpr);
      });
    }

    /** A second with misses has a mark on the time axis, the higher the more it missed. */
    drawMisses(u) {
      this.inside(u, (ctx, bbox, dpr) => {
        ctx.fillStyle = palette.alarm;
        const bottom = bbox.top + bbox.height;
        this.t.forEach((t, i) => {
          if (!this.missed[i]) return;
          const x = u.valToPos(t, "x", true), h = (6 + 14 * Math.min(1, this.missed[i] / Math.max(1, this.passed[i]))) * dpr;
          ctx.beginPath(); ctx.moveTo(x, bottom - h); ctx.lineTo(x + 3 * dpr, bottom); ctx.lineTo(x - 3 * dpr, bottom); ctx.closePath(); ctx.fill();
        });
      });
    }

    /** Who answered from when on: as it was each second, and as the swaps tell between. */
    get course() {
      const seconds = this.t.map((t, i) => [t, this.active[i]]);
      const swaps = this.swaps.filter((it) => it.to && this.t[0] <= it.time / 1000).map((it) => [it.time / 1000, it.to]);
      return [...seconds, ...swaps].sort((one, other) => one[0] - other[0]);
    }

    drawBand(u) {
      const course = this.course;
      this.inside(u, (ctx, bbox, dpr) => {
        ctx.font = font(11.5 * dpr); ctx.textAlign = "center"; ctx.textBaseline = "middle";
        for (let i = 0, j; i < course.length; i = j) {
          const who = course[i][1];
          for (j = i + 1; j < course.length && course[j][1] === who;) j++;
          const start = Math.max(u.valToPos(course[i][0], "x", true), bbox.left), end = u.valToPos((course[j] ?? course.at(-1))[0], "x", true);
          if (end < bbox.left || !who) continue;
          ctx.fillStyle = color(this.number.get(who) ?? -1);
          ctx.fillRect(start, bbox.top, Math.max(end - start, dpr), bbox.height);
          if (ctx.measureText(who).width < end - start - 10 * dpr) {
            ctx.fillStyle = palette.paper;
            ctx.fillText(who, (start + end) / 2, bbox.top + bbox.height / 2 + dpr);
          }
        }
      });
    }

    /** Each line ends in the mark of its candidate, so that color is not the only difference. */
    drawEnds(u, names) {
      const { ctx } = u, dpr = devicePixelRatio, x = u.valToPos(this.t.at(-1), "x", true);
      names.forEach((it) => {
        const value = this.quality.get(it).at(-1);
        if (value != null && this.number.has(it)) shape(ctx, this.number.get(it), x, u.valToPos(value, "y", true), (it === this.facts.active ? 4.5 : 3) * dpr);
      });
    }

    remove() {
      seen.unobserve(this.node);
      this.destroy();
      this.node.remove();
    }
  }

  // Only rows that can be seen are drawn.
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      target.stream.isSeen = isIntersecting;
      if (isIntersecting) target.stream.draw();
    }
  }, { rootMargin: "200px" });

  let isDrawing = false;
  function drawAll() {
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(() => {
      isDrawing = false;
      for (const it of streams.values()) it.draw();
    });
  }

  // What is told.

  function takeAll(told) {
    if (program !== told.program) {
      program = told.program;
      for (const it of streams.values()) it.remove();
      streams.clear();
      say("");
      began = told.time / 1000;
    }
    newest = told.time / 1000;
    control = told.control;
    const here = new Set();
    for (const facts of told.streams) {
      here.add(facts.id);
      const it = streams.get(facts.id);
      if (it) it.take(facts, newest);
      else {
        const stream = new Stream(facts);
        streams.set(facts.id, stream);
        $("streams").append(stream.node);
      }
    }
    const gone = [];
    for (const it of streams.values()) {
      it.isSilent = told.silent.includes(it.id);
      if (here.has(it.id) || it.isSilent) { if (it.isSilent) it.write(); continue; }
      if (it.goneAt == null) { it.goneAt = newest; it.write(); }
      gone.push(it);
    }
    gone.sort((one, other) => other.goneAt - one.goneAt).forEach((it, i) => {
      if (i < MOST_GONE && newest - it.goneAt < GONE_FOR) return;
      it.remove();
      streams.delete(it.id);
    });
    overview(told);
    drawAll();
  }

  function overview(told) {
    const all = [...streams.values()].filter((it) => it.goneAt == null), text = [];
    const names = (list) => list.slice(0, 3).map((it) => it.facts.element).join(", ") + (3 < list.length ? " and others" : "");
    const missing = all.filter((it) => it.missesTooMany), still = all.filter((it) => 2 < it.still);
    const machine = all.find((it) => it.facts.pressure != null)?.facts;
    if (!missing.length && all.some((it) => it.facts.kind === "switch")) text.push("None misses more than it may.");
    if (.05 < machine?.pressure) text.push(`Something waits for a processor ${share(machine.pressure)} of the time.`);
    if (.02 < machine?.throttled) text.push(`A quota stops the process ${share(machine.throttled)} of the time.`);
    if (still.length) text.push(`No frames come to ${names(still)}.`);
    if (told["left-out"]) text.push(`${told["left-out"]} more are not shown.`);
    if (told.silent.length) text.push(told.silent.length === 1 ? "One element does not answer." : `${told.silent.length} elements do not answer.`);
    set($("count"), !all.length ? "No stream of avrec runs in this program." : all.length === 1 ? "One stream." : `${all.length} streams.`);
    set($("missing"), !missing.length ? "" : `${missing.length === 1 ? "One misses" : `${missing.length} miss`} more than allowed: ${names(missing)}.`);
    set($("rest"), text.join(" "));
    showAccess();
  }

  function takeSwap(told) {
    const it = streams.get(told.id);
    if (!it) return;
    told.words = told.candidate != null ? `${told.candidate} failed: ${told.because}` : told.from ? `${told.from} → ${told.to}: ${told.because}` : `${told.to} begins: ${told.because}`;
    it.swap({ time: told.time, to: told.to, words: told.words });
    say(`${clock(told.time / 1000)} ${it.facts.element}: ${told.words}`);
  }

  // What is read aloud comes at most once in two seconds, the newest.
  let said = 0, toSay = null;
  function say(text) {
    toSay = text;
    const wait = said + 2000 - Date.now();
    if (wait <= 0) { said = Date.now(); set($("news"), text); toSay = null; }
    else setTimeout(() => { if (toSay != null && said + 1900 < Date.now()) say(toSay); }, wait);
  }

  // The way to the program.

  function state(text, className) {
    set($("state"), text);
    $("state").className = className;
    for (const it of streams.values()) it.node.classList.toggle("gone", className === "lost" || it.goneAt != null);
  }
  const live = () => { heard = Date.now(); lostSince = null; trouble = ""; state("Live, once a second", "live"); };
  function lost() {
    lostSince ??= heard || Date.now();
    const since = heard ? ` since ${clock(lostSince / 1000)}` : "";
    state(trouble || `No answer${since}: the program has ended, or the way to it is broken. Trying again …`, "lost");
  }

  let source = null;
  function connect() {
    source?.close();
    const mine = source = new EventSource("events");
    const on = (name, take) => mine.addEventListener(name, (event) => { if (mine === source) { live(); take(JSON.parse(event.data)); } });
    on("streams", takeAll);
    on("swap", takeSwap);
    on("failure", takeSwap);
    mine.addEventListener("error", async () => {
      if (mine !== source) return;
      lost();
      if (mine.readyState !== EventSource.CLOSED) return;
      // It was refused, and a browser does not say why.
      try {
        trouble = (await fetch("streams")).ok ? "Too many pages of this program are open. Trying again …" : "The program does not answer: its elements hang. Trying again …";
      } catch { trouble = ""; }
      lost();
      setTimeout(() => { if (mine === source) connect(); }, 2000);
    });
  }
  setInterval(() => {
    if (heard && heard + 1000 * SILENCE < Date.now()) {
      lost();
      // Its own retries go on while it says that it connects.
      if (source.readyState === EventSource.OPEN) connect();
    }
  }, 1000);
  // An explanation that is read is kept true.
  setInterval(() => {
    if (document.hidden || lostSince != null) return;
    for (const it of streams.values()) if (it.isOpen && it.isSeen && it.goneAt == null) it.explain();
  }, 5000);

  // The token stays in this tab, and not in its address.

  function token() { return sessionStorage.getItem("token"); }
  if (location.hash.startsWith("#token=")) {
    sessionStorage.setItem("token", decodeURIComponent(location.hash.slice(7)));
    history.replaceState(null, "", location.pathname + location.search);
  }
  function forgetToken(why) {
    sessionStorage.removeItem("token");
    say(why);
    showAccess();
  }
  function showAccess() { $("access").hidden = !control || token() != null; }
  $("access").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem("token", $("token").value.trim());
    $("token").value = "";
    showAccess();
    for (const it of streams.values()) if (it.isOpen) it.writeTable();
  });

  // Hands.

  const rows = () => [...document.querySelectorAll(".row")];
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input")) return;
    if (event.key === "Escape") {
      const inside = document.activeElement?.closest(".stream")?.stream;
      const open = inside?.isOpen ? inside : [...streams.values()].filter((it) => it.isOpen).at(-1);
      tip.hidden = true;
      if (!open) return;
      open.toggle(false);
      open.row.focus();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], all = rows(), at = all.indexOf(document.activeElement);
    if (step && 0 <= at) {
      all[Math.min(Math.max(at + step, 0), all.length - 1)].focus();
      event.preventDefault();
    }
  });
  $("spans").append(...SPANS.map(([name, seconds], i) => {
    const button = make("button", "", name);
    button.type = "button";
    button.setAttribute("aria-pressed", String(i === 0));
    button.addEventListener("click", () => {
      span = seconds;
      for (const it of $("spans").children) it.setAttribute("aria-pressed", String(it === button));
      drawAll();
    });
    return button;
  }));
  addEventListener("resize", drawAll);
  document.addEventListener("visibilitychange", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readPalette();
    for (const it of streams.values()) { it.destroy(); it.write(); }
    drawAll();
  });

  connect();
}
