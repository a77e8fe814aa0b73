// One chart: the curves of one measure, of one run or several laid over each other. Drawn by uPlot.

import { el, number, put, whole } from "./format.js";

const HEIGHT = 266, DOTS = 40; // of a curve with fewer points each is a dot
const WHOLE = [...Array(16).keys()].flatMap(power => [1, 2, 5].map(digit => digit * 10 ** power)); // between marks of the axis

// Half-decayed average, corrected at its beginning (as in Adam); gaps stay gaps.
function smoothed(values, weight) {
  let sum = 0, norm = 0;
  return values.map(value => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    norm = weight * norm + (1 - weight);
    return sum / norm;
  });
}

export class Chart {
  // `onZoom(range)`: somebody wants to see the steps of [first, last], or all of them with null.
  constructor(title, onZoom) {
    this.count = el("span");
    this.back = el("button", { textContent: "All steps", hidden: true, onclick: () => onZoom(null) });
    this.keys = el("div", { className: "keys" });
    this.plot = el("div", { role: "img", ariaLabel: `curve of ${title}` });
    this.node = el("section", { className: "panel chart" }, el("header", {}, el("h3", { textContent: title }), this.back, this.count), this.plot, this.keys);
    this.onZoom = onZoom;
    this.lines = [];
    this.built = "";
    new ResizeObserver(() => this.draw()).observe(this.plot);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.built = ""; this.draw(); });
  }

  // `lines`: [{label, color, xs, ys, total}], `look`: {log, smooth, range}.
  show(lines, look) {
    this.lines = lines;
    this.look = look;
    const shown = lines.reduce((sum, line) => sum + line.xs.length, 0), total = lines.reduce((sum, line) => sum + line.total, 0);
    put(this.count, shown < total ? `${whole(shown)} of ${whole(total)} points` : total === 1 ? "1 point" : `${whole(total)} points`);
    this.count.title = shown < total ? "Least and greatest of each range; drag over the chart to see all points of a part" : "Every point";
    this.back.hidden = !look.range;
    this.draw();
  }

  draw() {
    const width = this.plot.clientWidth;
    if (!width || !this.look) return;
    const { log, smooth, range } = this.look, drawn = this.drawn();
    const data = drawn.length ? uPlot.join(drawn.map(line => [line.xs, line.ys])) : [[]];
    const wanted = JSON.stringify([log, smooth > 0, drawn.map(line => [line.label, line.color, line.faint, line.total < DOTS])]);
    if (wanted !== this.built) {
      this.uplot?.destroy();
      this.uplot = new uPlot(this.options(width, drawn, log), data, this.plot);
      this.built = wanted;
      this.legend(drawn);
    } else {
      if (this.uplot.width !== width) this.uplot.setSize({ width, height: HEIGHT });
      this.uplot.setData(data, false);
    }
    const xs = data[0];
    this.uplot.batch(() => {
      this.uplot.setScale("x", range ? { min: range[0], max: range[1] } : across(xs));
    });
    this.values(this.uplot.cursor.idx);
  }

  // Of each line what is measured, faint below what is smoothed; without smoothing just what is measured.
  drawn() {
    const { log, smooth } = this.look, positive = values => log ? values.map(value => value > 0 ? value : null) : values;
    return this.lines.flatMap(line => {
      const measured = { ...line, ys: positive(line.ys) };
      return smooth ? [{ ...measured, faint: true }, { ...measured, ys: positive(smoothed(line.ys, smooth)) }] : [measured];
    });
  }

  options(width, drawn, log) {
    const style = getComputedStyle(document.documentElement), of = name => style.getPropertyValue(name).trim();
    const axis = { stroke: of("--muted"), font: "12px " + of("--sans"), grid: { stroke: of("--grid"), width: 1 }, ticks: { show: false } };
    return {
      width, height: HEIGHT, padding: [8, 12, 0, 0],
      scales: { x: { time: false, auto: false }, y: log ? { distr: 3 } : { range: (_, low, high) => spread(low, high) } },
      axes: [{ ...axis, size: 28, incrs: WHOLE, label: "step", labelSize: 16, labelGap: 0, labelFont: axis.font, values: (_, ticks) => ticks.map(compact) },
        { ...axis, ...(log ? { splits: (_, __, low, high) => powers(low, high), filter: (_, ticks) => ticks } : {}), size: 56, values: (_, ticks) => ticks.map(tick => tick === null ? "" : number(tick)) }],
      cursor: { sync: { key: "charts" }, drag: { x: true, y: false, setScale: false }, points: { size: 7 }, bind: { dblclick: () => () => { this.onZoom(null); } } },
      legend: { show: false },
      series: [{}, ...drawn.map(line => ({
        label: line.label, stroke: line.faint ? line.color + "55" : line.color, width: line.faint ? 1 : 1.75,
        points: { show: line.total < DOTS && !line.faint, size: 5, fill: line.color, width: 0 } }))],
      hooks: {
        setCursor: [plot => this.values(plot.cursor.idx)],
        setSelect: [plot => {
          if (plot.select.width < 6) return;
          const [first, last] = [plot.posToVal(plot.select.left, "x"), plot.posToVal(plot.select.left + plot.select.width, "x")];
          plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          this.onZoom([Math.max(0, Math.floor(first)), Math.ceil(last)]);
        }],
      },
    };
  }

  legend(drawn) {
    this.at = el("span");
    this.marks = drawn.filter(line => !line.faint).map(line => {
      const key = el("i"), value = el("b");
      key.style.background = line.color;
      return { value, index: drawn.indexOf(line) + 1, node: el("span", {}, key, line.label, value) };
    });
    this.keys.replaceChildren(...this.marks.map(mark => mark.node), this.at);
  }

  // What the lines are at the cursor, else at their ends.
  values(index) {
    const data = this.uplot?.data;
    if (!data || !this.marks) return;
    const pointed = index !== null && index !== undefined;
    put(this.at, pointed && data[0][index] !== undefined ? `step ${whole(data[0][index])}` : "");
    for (const mark of this.marks) {
      let i = pointed ? index : data[0].length - 1;
      while (i >= 0 && (data[mark.index]?.[i] ?? null) === null) i -= 1;
      put(mark.value, i >= 0 && data[mark.index] ? number(data[mark.index][i]) : "");
    }
  }
}

function spread(low, high) {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const room = (high - low || Math.abs(high) || 1) * .06;
  return [low >= 0 && low - room < 0 ? 0 : low - room, high + room];
}

// A single step stands in the middle.
function across(xs) {
  const [first, last] = [xs[0] ?? 0, xs.at(-1) ?? 1];
  return first === last ? { min: first - 1, max: last + 1 } : { min: first, max: last };
}

// The marks of a logarithmic axis: some ten of them, over however many powers of ten.
function powers(low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))], stride = Math.ceil((last - first) / 10), digits = last - first > 3 ? [1] : [1, 2, 5];
  const marks = Array.from({ length: Math.floor((last - first) / stride) + 1 }, (_, place) => first + place * stride);
  return marks.flatMap(power => digits.map(digit => Number(`${digit}e${power}`))).filter(mark => mark >= low && mark <= high);
}

const compact = tick => tick < 0 ? "" : tick >= 10000 ? Intl.NumberFormat("en", { notation: "compact" }).format(tick) : tick.toLocaleString("en");
