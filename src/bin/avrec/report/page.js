"use strict";
// Draws the record that stands in this page. Text from the record only ever becomes a text node.
// Each stream has charts of its own.
document.querySelectorAll(".charted").forEach((root, panel) => {
  const record = JSON.parse(root.querySelector(".record").textContent);
  const runs = record.runs;
  const part = (name) => root.querySelector(`.${name}`);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const narrow = () => document.documentElement.clientWidth < 640;
  const font = (size) => `${size * devicePixelRatio}px ${getComputedStyle(document.body).fontFamily}`;
  let axisWidth = 44; // One for all, so that the charts share their time axis; as wide as the widest label.
  // As `data.rs` tells them.
  const LATE = 1, RESCUED = 2, BEFORE_READY = 3;
  const FATES = ["", ", late", ", missed, another left in time", ", before a model was ready"];
  const charts = [];
  let shown = 0;
  let measure = 0; // Position in record.measures.

  const colour = (who) => css(who.colour < 0 ? "--stand-in" : `--c${who.colour % 7}`);
  const runColour = (run) => run.colour < 0 ? css("--ink") : css(`--c${run.colour % 7}`);

  // A shape of its own for each candidate: colour is not the only difference. Stand-ins are hollow.
  function mark(ctx, who, x, y, r) {
    ctx.beginPath();
    switch (who.colour < 0 ? 0 : who.colour % 4) {
      case 0: ctx.arc(x, y, r, 0, 2 * Math.PI); break;
      case 1: ctx.rect(x - r * .88, y - r * .88, r * 1.76, r * 1.76); break;
      case 2: ctx.moveTo(x, y - r * 1.2); ctx.lineTo(x + r * 1.1, y + r * .8); ctx.lineTo(x - r * 1.1, y + r * .8); ctx.closePath(); break;
      default: ctx.moveTo(x, y - r * 1.25); ctx.lineTo(x + r * 1.25, y); ctx.lineTo(x, y + r * 1.25); ctx.lineTo(x - r * 1.25, y); ctx.closePath();
    }
    if (who.standIn) { ctx.lineWidth = r * .55; ctx.strokeStyle = colour(who); ctx.stroke(); }
    else { ctx.fillStyle = colour(who); ctx.fill(); }
  }

  function cross(ctx, x, y, r) {
    ctx.beginPath();
    ctx.moveTo(x - r, y - r); ctx.lineTo(x + r, y + r); ctx.moveTo(x - r, y + r); ctx.lineTo(x + r, y - r);
    ctx.lineWidth = r * .5; ctx.strokeStyle = css("--alarm"); ctx.stroke();
  }

  function shadeLoads(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip();
    for (const phase of runs[shown].phases) {
      const from = u.valToPos(phase.start, "x", true), to = u.valToPos(phase.end, "x", true);
      ctx.fillStyle = css("--load");
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
    }
    ctx.restore();
  }

  function nameLoads(u) {
    const { ctx, bbox } = u, dpr = devicePixelRatio;
    ctx.save();
    ctx.font = font(12); ctx.textBaseline = "top"; ctx.textAlign = "left";
    // The line of the budget has a label of its own.
    const lines = runs[shown].budget.map(([, ms]) => u.valToPos(ms, "y", true) - bbox.top);
    const top = bbox.top + Math.max(5 * dpr, ...lines.filter((y) => -2 * dpr < y && y < 26 * dpr).map((y) => y + 5 * dpr));
    for (const phase of runs[shown].phases) {
      const from = Math.max(u.valToPos(phase.start, "x", true), bbox.left);
      const to = Math.min(u.valToPos(phase.end, "x", true), bbox.left + bbox.width);
      const name = [`load: ${phase.command}`, "load"].find((it) => ctx.measureText(it).width < to - from - 12 * dpr);
      if (!name) continue;
      // Keeps the name readable where a swap's line crosses it.
      ctx.fillStyle = css("--paper");
      ctx.fillRect(from + 3 * dpr, top - 2 * dpr, ctx.measureText(name).width + 6 * dpr, 16 * dpr);
      ctx.fillStyle = css("--load-ink");
      ctx.fillText(name, from + 6 * dpr, top);
    }
    ctx.restore();
  }

  function markSwaps(u, numbered) {
    const { ctx, bbox } = u, dpr = devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = css("--soft"); ctx.lineWidth = dpr; ctx.setLineDash([2 * dpr, 3 * dpr]);
    // Many lines would hide the points.
    ctx.globalAlpha = runs[shown].swaps.length < 12 ? .7 : .35;
    ctx.font = font(11); ctx.textAlign = "center"; ctx.textBaseline = "bottom"; ctx.fillStyle = css("--soft");
    let free = -Infinity;
    for (const swap of runs[shown].swaps.filter((swap) => swap.number)) {
      const x = Math.round(u.valToPos(swap.t, "x", true));
      if (x < bbox.left || bbox.left + bbox.width < x) continue;
      ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
      if (numbered && free < x) { ctx.fillText(swap.number, x, bbox.top - 2 * dpr); free = x + 15 * dpr; }
    }
    ctx.restore();
  }

  function drawBudget(u) {
    const { ctx, bbox } = u, dpr = devicePixelRatio, steps = runs[shown].budget;
    if (!steps.length) return;
    ctx.save();
    ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip();
    ctx.strokeStyle = css("--alarm"); ctx.lineWidth = 1.75 * dpr;
    ctx.beginPath();
    let y = 0;
    steps.forEach(([, ms], i) => {
      // A budget holds until the next one; the first holds from the start.
      const from = i ? u.valToPos(steps[i][0], "x", true) : bbox.left;
      const to = i + 1 < steps.length ? u.valToPos(steps[i + 1][0], "x", true) : bbox.left + bbox.width;
      y = u.valToPos(ms, "y", true);
      if (i) ctx.lineTo(from, y); else ctx.moveTo(from, y);
      ctx.lineTo(to, y);
    });
    ctx.stroke();
    ctx.restore();
    // Above its line, or below where the plot ends; never cut.
    const text = `budget ${told(steps.at(-1)[1])}`;
    ctx.save();
    ctx.font = font(12); ctx.textAlign = "right"; ctx.textBaseline = "bottom";
    const width = ctx.measureText(text).width, right = bbox.left + bbox.width;
    const bottom = y - 19 * dpr < bbox.top ? Math.max(y, bbox.top) + 19 * dpr : y - 3 * dpr;
    ctx.fillStyle = css("--paper"); ctx.globalAlpha = .8;
    ctx.fillRect(right - width - 8 * dpr, bottom - 15 * dpr, width + 8 * dpr, 16 * dpr);
    ctx.globalAlpha = 1; ctx.fillStyle = css("--alarm");
    ctx.fillText(text, right - 4 * dpr, bottom);
    ctx.restore();
  }
  const told = (ms) => ms < .1 ? `${+(1000 * ms).toPrecision(3)} µs` : `${+ms.toPrecision(4)} ms`;

  // The moments of misses, on the time axis: full where a frame was late, an outline where another left in time, grey
  // before a model was ready.
  function markMisses(u) {
    const { ctx, bbox } = u, dpr = devicePixelRatio, { frames } = runs[shown];
    ctx.save();
    const y = bbox.top + bbox.height, h = 8 * dpr, w = 3.2 * dpr;
    for (let i = 0; i < frames.t.length; i++) {
      const x = u.valToPos(frames.t[i], "x", true), fate = frames.fate[i];
      if (!fate || x < bbox.left - 1 || bbox.left + bbox.width + 1 < x) continue;
      ctx.beginPath(); ctx.moveTo(x, y - h); ctx.lineTo(x + w, y); ctx.lineTo(x - w, y); ctx.closePath();
      ctx.fillStyle = fate === LATE ? css("--alarm") : fate === RESCUED ? css("--paper") : css("--stand-in");
      ctx.strokeStyle = fate === BEFORE_READY ? css("--stand-in") : css("--alarm"); ctx.lineWidth = dpr;
      ctx.fill(); ctx.stroke();
    }
    ctx.restore();
  }

  function drawFrames(u) {
    const { ctx, bbox } = u, dpr = devicePixelRatio, { frames, answerers } = runs[shown];
    // Many points need to be small, few may be large.
    const visible = frames.t.length * (record.length / (u.scales.x.max - u.scales.x.min || 1)) ** -1;
    const r = dpr * (visible < 400 ? 3.2 : visible < 2500 ? 2.3 : 1.6);
    ctx.save();
    ctx.beginPath(); ctx.rect(bbox.left, bbox.top - 4 * dpr, bbox.width, bbox.height + 8 * dpr); ctx.clip();
    const each = (draw) => {
      for (let i = 0; i < frames.t.length; i++) {
        if (u.scales.x.min <= frames.t[i] && frames.t[i] <= u.scales.x.max) {
          draw(i, u.valToPos(frames.t[i], "x", true), u.valToPos(frames.ms[i], "y", true));
        }
      }
    };
    each((i, x, y) => frames.fate[i] === LATE || mark(ctx, answerers[frames.who[i]], x, y, r));
    each((i, x, y) => {
      if (frames.fate[i] !== LATE) return;
      mark(ctx, answerers[frames.who[i]], x, y, r * 1.15);
      cross(ctx, x, y, r * 2.1);
    });
    ctx.restore();
  }

  function drawBand(u) {
    const { ctx, bbox } = u, dpr = devicePixelRatio, run = runs[shown], { frames, answerers } = run;
    ctx.save();
    ctx.beginPath(); ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height); ctx.clip();
    ctx.font = font(12.5); ctx.textAlign = "center"; ctx.textBaseline = "middle";
    for (let i = 0, j; i < frames.t.length; i = j) {
      for (j = i + 1; j < frames.t.length && frames.who[j] === frames.who[i];) j++;
      const who = answerers[frames.who[i]];
      const from = u.valToPos(frames.t[i], "x", true);
      const to = u.valToPos(j < frames.t.length ? frames.t[j] : run.length, "x", true);
      ctx.fillStyle = colour(who);
      ctx.fillRect(from, bbox.top, Math.max(to - from, dpr), bbox.height);
      const left = Math.max(from, bbox.left), right = Math.min(to, bbox.left + bbox.width);
      if (ctx.measureText(who.name).width < right - left - 10 * dpr) {
        ctx.fillStyle = css("--paper");
        ctx.fillText(who.name, (left + right) / 2, bbox.top + bbox.height / 2 + dpr);
      }
    }
    ctx.restore();
  }

  // One tip for all charts; it holds text only.
  const tip = document.getElementById("tip");
  function showTip(u, lines) {
    tip.hidden = !lines.length;
    if (tip.hidden) return;
    tip.replaceChildren(...lines.map((line) => Object.assign(document.createElement("div"), { textContent: line })));
    const box = u.over.getBoundingClientRect();
    const x = box.left + u.cursor.left, right = x + tip.offsetWidth + 24 < document.documentElement.clientWidth;
    tip.style.left = `${Math.max(4, scrollX + (right ? x + 14 : x - tip.offsetWidth - 14))}px`;
    tip.style.top = `${scrollY + box.top + Math.max(0, Math.min(u.cursor.top, box.height) - tip.offsetHeight / 2)}px`;
  }

  const seconds = (t) => `${t.toFixed(2)} s`;
  function tipLines(u) {
    const run = runs[shown], lines = [], t = u.posToVal(u.cursor.left, "x");
    const near = run.swaps.filter((swap) => Math.abs(u.valToPos(swap.t, "x") - u.cursor.left) < 5);
    for (const swap of near.slice(0, 4)) lines.push(`${seconds(swap.t)}: ${swap.from || "start"} → ${swap.to}. ${swap.text}`);
    if (u.kind === "quality") {
      for (let s = 1; s < u.series.length; s++) {
        const value = nearestValue(u.data[0], u.data[s], t);
        if (value != null) lines.push(`${u.series[s].label}: ${format(value)}`);
      }
      if (lines.length) lines.unshift(seconds(t));
    } else if (run.frames.t.length) {
      const i = nearest(run.frames.t, t), who = run.answerers[run.frames.who[i]];
      lines.push(`${seconds(run.frames.t[i])}: ${run.frames.ms[i]} ms, ${who.name}${FATES[run.frames.fate[i]]}`);
    } else if (u.kind === "latency") {
      const i = nearest(u.data[0], t);
      lines.push(`${seconds(u.data[0][i])}: p50 ${u.data[1][i]} ms, p99 ${u.data[2][i]} ms`);
    }
    return lines;
  }
  const format = (value) => value.toFixed(record.measures[measure].digits) + record.measures[measure].unit;

  function nearest(sorted, value) {
    let low = 0, high = sorted.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < value) low = middle + 1; else high = middle;
    }
    return low && value - sorted[low - 1] < sorted[low] - value ? low - 1 : low;
  }
  function nearestValue(ts, values, t) {
    let best = null, distance = 1;
    for (let i = 0; i < ts.length; i++) {
      if (values[i] != null && Math.abs(ts[i] - t) < distance) { best = values[i]; distance = Math.abs(ts[i] - t); }
    }
    return best;
  }

  const scratch = document.createElement("canvas").getContext("2d");
  function widest(values, axisFont) {
    scratch.font = axisFont;
    for (const value of values ?? []) axisWidth = Math.max(axisWidth, Math.ceil(scratch.measureText(value).width) + 18);
    return axisWidth;
  }

  const sync = uPlot.sync(`time${panel}`);
  let zooming = false;
  function chart(kind, target, height, options, data) {
    const soft = () => css("--soft"), grid = { stroke: () => css("--line"), width: 1 };
    const axisFont = `12px ${getComputedStyle(document.body).fontFamily}`;
    const u = new uPlot({
      width: part(target).clientWidth, height,
      padding: [16, 20, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: sync.key, setSeries: false }, y: false, points: { show: false }, drag: { x: true, y: false } },
      ...options,
      scales: { x: { time: false, range: (_, min, max) => zoomed ?? [0, record.length] }, ...options.scales },
      axes: [
        { stroke: soft, grid, ticks: grid, font: axisFont, space: 70, size: 28, values: (_, ticks) => ticks.map((t) => `${t} s`), ...options.xAxis },
        { stroke: soft, grid, ticks: grid, font: axisFont, size: (_, values) => widest(values, axisFont), ...options.yAxis },
      ],
      hooks: {
        drawClear: [shadeLoads],
        draw: options.draw,
        setCursor: [(self) => { if (self.over.matches(":hover")) showTip(self, tipLines(self)); }],
        setSelect: [(self) => {
          if (self.select.width < 4) return;
          zoom([self.posToVal(self.select.left, "x"), self.posToVal(self.select.left + self.select.width, "x")]);
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        }],
      },
    }, data, part(target));
    u.kind = kind;
    u.over.addEventListener("mouseleave", () => { tip.hidden = true; });
    u.over.addEventListener("dblclick", () => zoom(null));
    charts.push(u);
    return u;
  }
  let zoomed = null;
  function zoom(range) {
    if (zooming) return;
    zooming = true;
    zoomed = range;
    for (const u of charts) u.setScale("x", { min: range ? range[0] : 0, max: range ? range[1] : record.length });
    zooming = false;
  }

  // Ratios matter when candidates differ by factors; otherwise a scale from zero shows sizes as they are.
  function latencyScale(values, budget) {
    const all = [...values, ...budget].filter((ms) => 0 < ms);
    const low = Math.min(...all), high = Math.max(...all);
    if (!all.length) return { range: [0, 1] };
    return 6 < high / low
      // With room for the label of a budget that is the highest.
      ? { distr: 3, log: 10, range: () => [low * .8, high * (high / low) ** .12] }
      : { range: () => [0, high * 1.15] };
  }
  const LOG_TICKS = [.01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000];

  function latencyChart() {
    const run = runs[shown], perFrame = 0 < run.frames.t.length;
    const values = perFrame ? run.frames.ms : run.probe.p50.concat(run.probe.p99);
    part("latency").parentElement.hidden = !values.length;
    if (!values.length) return;
    const y = latencyScale(values, run.budget.map(([, ms]) => ms));
    const ticks = y.distr === 3 ? { splits: (_, __, min, max) => LOG_TICKS.filter((ms) => min <= ms && ms <= max), filter: (_, all) => all } : {};
    const line = (name, dash) => ({ label: name, stroke: () => css("--c3"), width: 2, dash, points: { show: false } });
    const series = perFrame ? [{}, { paths: () => null, points: { show: false } }] : [{}, line("p50"), line("p99", [5, 4])];
    chart("latency", "latency", narrow() ? 260 : 380, {
      series, scales: { y },
      yAxis: { ...ticks, values: (_, all) => all.map((ms) => ms == null ? "" : told(ms)) },
      draw: [(u) => { markSwaps(u, true); perFrame && drawFrames(u); perFrame && markMisses(u); nameLoads(u); drawBudget(u); }],
    }, perFrame ? [run.frames.t, run.frames.ms] : [run.probe.t, run.probe.p50, run.probe.p99]);
    part("latency-title").textContent = perFrame ? "Latency of each frame" : "Frame latency, median and 99th percentile";
    part("latency").setAttribute("aria-label", run.told.latency);
    const parts = [];
    if (perFrame) {
      const thinned = run.thinned > 1 || run.missesThinned > 1;
      parts.push(thinned ? `one in ${run.thinned} frames in time, one in ${run.missesThinned} others` : "one mark a frame", "✕ late");
      if (run.frames.fate.includes(RESCUED)) parts.push("△ missed, another left in time");
      if (run.frames.fate.includes(BEFORE_READY)) parts.push("grey ▲ before a model was ready");
    }
    if (run.swaps.some((swap) => swap.number)) parts.push("numbers are the swaps listed below");
    part("latency-note").textContent = parts.join(" · ");
  }

  function bandChart() {
    const run = runs[shown];
    part("band-figure").hidden = !run.frames.t.length;
    if (!run.frames.t.length) return;
    part("band").setAttribute("aria-label", run.told.band);
    chart("band", "band", 62, {
      padding: [2, 20, 0, 0],
      series: [{}, { paths: () => null, points: { show: false } }],
      scales: { y: { range: [0, 1] } },
      yAxis: { values: () => [], ticks: { show: false }, grid: { show: false } },
      draw: [drawBand],
    }, [run.frames.t, run.frames.t.map(() => 0)]);
  }

  function qualityChart() {
    const measured = runs.filter((run) => run.quality.t.length);
    part("quality-figure").hidden = !measured.length;
    if (!measured.length) return;
    // The main run is drawn last, on top of the others.
    const ordered = [...measured.slice(1), measured[0]];
    const data = uPlot.join(ordered.map((run) => [run.quality.t, run.quality.figures[measure]]));
    const series = [{}, ...ordered.map((run) => ({
      label: run.name, spanGaps: true, points: { show: false },
      stroke: () => runColour(run), width: run === runs[0] ? 2.5 : 1.25,
    }))];
    chart("quality", "quality", narrow() ? 210 : 250, {
      series,
      yAxis: { values: (_, ticks) => ticks.map((v) => +v.toFixed(record.measures[measure].digits) + record.measures[measure].unit) },
      draw: [(u) => markSwaps(u, false)],
    }, data);
    const it = record.measures[measure];
    const means = measured.map((run) => `${run.name} ${run.means[measure] == null ? "–" : run.means[measure].toFixed(it.digits) + it.unit}`);
    part("quality").setAttribute("aria-label", `${it.name} over time; means: ${means.join(", ")}.`);
    const note = part("quality-note");
    note.replaceChildren();
    for (const run of measured) {
      const key = document.createElement("span");
      key.style.cssText = `color:${runColour(run)};white-space:nowrap;margin-right:12px`;
      key.textContent = `${run === runs[0] ? "━" : "─"} ${run.name}`;
      note.append(key);
    }
  }

  function legend() {
    const present = new Map();
    for (const who of runs[shown].answerers) present.set(who.name, who);
    part("legend").replaceChildren(...[...present.values()].sort((a, b) => a.order - b.order).map((who) => {
      const item = document.createElement("span"), canvas = document.createElement("canvas"), size = 16, dpr = devicePixelRatio;
      canvas.width = canvas.height = size * dpr;
      canvas.style.cssText = `width:${size}px;height:${size}px`;
      mark(canvas.getContext("2d"), who, size * dpr / 2, size * dpr / 2, 5 * dpr);
      item.append(canvas, `${who.name} ${who.share}`);
      return item;
    }));
  }

  // The buttons stay, so that the one that was pressed keeps the focus.
  function picker(target, names, choose) {
    if (names.length < 2) return;
    const buttons = names.map((name, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.setAttribute("aria-pressed", i === 0);
      button.addEventListener("click", () => {
        buttons.forEach((other) => other.setAttribute("aria-pressed", other === button));
        choose(i);
        drawAll();
      });
      return button;
    });
    part(target).replaceChildren(...buttons);
  }

  function draw() {
    charts.splice(0).forEach((u) => u.destroy());
    latencyChart();
    bandChart();
    qualityChart();
  }

  function drawAll() {
    const before = axisWidth;
    legend();
    draw();
    // A later chart may have wider labels than the first one knew of.
    if (axisWidth !== before) draw();
  }

  if (!runs.some((run) => run.frames.t.length || run.probe.t.length)) return;
  part("charts").hidden = false;
  picker("runs", runs.map((run) => run.name), (i) => { shown = i; });
  picker("measures", record.measures.map((it) => it.name), (i) => { measure = i; });
  let width = 0;
  // What is folded away has no width, and is drawn when it is opened.
  const fit = () => {
    if (!root.clientWidth || width === root.clientWidth) return;
    width = root.clientWidth;
    drawAll();
  };
  const drawShown = () => { if (root.clientWidth) drawAll(); };
  fit();
  root.closest("details")?.addEventListener("toggle", fit);
  addEventListener("resize", fit);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawShown);
  // Paper has a width and colors of its own.
  for (const moment of ["beforeprint", "afterprint"]) addEventListener(moment, drawShown);
});
