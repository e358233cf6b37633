// Charts. A page says <div data-chart='{"kind": "line", ...}'>; the shapes are described at the macro `chart`.
import { BarChart, HeatmapChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

echarts.use([LineChart, BarChart, HeatmapChart, GridComponent, LegendComponent, TooltipComponent, AriaComponent]);
echarts.use([VisualMapComponent, SVGRenderer]);

const language = document.documentElement.lang || "en";
const probe = document.createElement("span");

// A CSS colour as the browser computes it, so that light-dark() and color-mix() reach the charts as rgb.
function colour(value) {
  probe.style.color = value;
  document.body.append(probe);
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.fillStyle = getComputedStyle(probe).color;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
  probe.remove();
  return `rgb(${r}, ${g}, ${b})`;
}

const theme = () => ({
  text: colour("var(--tblr-body-color)"),
  quiet: colour("var(--tblr-secondary-color)"),
  line: colour("var(--tblr-border-color)"),
  surface: colour("var(--tblr-bg-surface)"),
  series: ["var(--tblr-primary)", "var(--light)", "var(--tblr-indigo)", "var(--tblr-pink)", "var(--tblr-gray-500)"].map(colour),
});

const faded = (rgb, share) => rgb.replace("rgb", "rgba").replace(")", `, ${share})`);

function formatter(unit) {
  const share = unit === "%";
  const number = new Intl.NumberFormat(language, { style: share ? "percent" : "decimal", maximumFractionDigits: share ? 2 : 1 });
  return (value) => (value == null || value === "-" ? "–" : share ? number.format(value / 100) : number.format(value) + (unit ?? ""));
}

// Labels that are ISO times are written in the reader's language; hours only when a chart has several points a day.
function labeller(x) {
  const times = x.map((label) => (/^\d{4}-\d\d-\d\d/.test(label) ? new Date(label.length === 10 ? `${label}T12:00` : label) : null));
  if (times.length === 0 || times.some((time) => time === null || Number.isNaN(time.getTime()))) return (label) => label;
  const days = new Set(x.map((label) => label.slice(0, 10))).size;
  const day = { day: "numeric", month: "short" };
  const hour = { hour: "2-digit", minute: "2-digit" };
  const format = new Intl.DateTimeFormat(language, days === times.length ? day : days > 1 ? { ...day, ...hour } : hour);
  const texts = new Map(x.map((label, i) => [label, format.format(times[i])]));
  return (label) => texts.get(label) ?? label;
}

const base = (t) => ({
  animationDuration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 400,
  textStyle: { fontFamily: "Inter Variable, system-ui, sans-serif", color: t.quiet },
  color: t.series,
  aria: { enabled: true },
});

const tooltip = (t, rest) => ({
  renderMode: "richText", // HTML tooltips need inline styles, which the policy forbids
  backgroundColor: t.surface,
  borderColor: t.line,
  textStyle: { color: t.text, fontSize: 12 },
  confine: true,
  ...rest,
});

function axes(spec, t) {
  const label = labeller(spec.x);
  return {
    x: {
      type: "category",
      data: spec.x,
      boundaryGap: spec.kind === "bar",
      axisTick: { show: false },
      axisLine: { lineStyle: { color: t.line } },
      axisLabel: { color: t.quiet, hideOverlap: true, formatter: label, margin: 12 },
    },
    y: {
      type: "value",
      min: spec.kind === "line" && spec.from_zero === false ? "dataMin" : 0,
      minInterval: spec.unit ? 0 : 1,
      splitNumber: 4,
      splitLine: { lineStyle: { color: t.line } },
      axisLabel: { color: t.quiet, formatter: formatter(spec.unit) },
    },
    label,
  };
}

// The interval around a line: its low end invisible, its height stacked on top.
function band(series, index, t) {
  if (!series.low) return [];
  const common = { type: "line", stack: `band${index}`, symbol: "none", silent: true, lineStyle: { opacity: 0 }, tooltip: { show: false } };
  return [
    { ...common, data: series.low },
    { ...common, data: series.high.map((high, i) => high - series.low[i]), areaStyle: { color: t.series[index], opacity: 0.14 } },
  ];
}

function overTime(spec, t) {
  const { x, y, label } = axes(spec, t);
  const format = formatter(spec.unit);
  const named = spec.series.map((series, index) => ({
    name: series.name,
    type: spec.kind,
    data: series.data,
    stack: spec.stacked ? "all" : undefined,
    smooth: 0.15,
    showSymbol: spec.x.length === 1,
    barMaxWidth: 28,
    itemStyle: { color: t.series[index], borderRadius: spec.kind === "bar" && !spec.stacked ? [3, 3, 0, 0] : 0 },
    lineStyle: { width: 2 },
    areaStyle: spec.kind === "line" && !series.low && spec.series.length === 1 ? { opacity: 0.08 } : undefined,
  }));
  return {
    ...base(t),
    grid: { left: 4, right: 12, top: spec.series.length > 1 ? 36 : 12, bottom: 8, containLabel: true },
    legend: {
      show: spec.series.length > 1,
      left: 0,
      top: 0,
      icon: "roundRect",
      itemHeight: 8,
      itemWidth: 14,
      textStyle: { color: t.text },
      data: spec.series.map((series) => series.name),
    },
    tooltip: tooltip(t, {
      trigger: "axis",
      formatter: (points) => {
        const shown = points.filter((point) => point.seriesName && !point.seriesName.startsWith("series\u0000"));
        return [label(points[0].axisValue), ...shown.map((point) => `${point.seriesName}  ${format(point.value)}`)].join("\n");
      },
    }),
    xAxis: x,
    yAxis: y,
    series: [...spec.series.flatMap((series, index) => band(series, index, t)), ...named],
  };
}

function funnel(spec, t) {
  const steps = [...spec.steps].reverse();
  const top = Math.max(1, ...steps.map((step) => step.value));
  const format = formatter(spec.unit);
  const share = formatter("%");
  const whole = spec.steps[0]?.value || 0;
  const text = (step) => format(step.value) + (whole && step !== spec.steps[0] ? `  (${share((100 * step.value) / whole)})` : "");
  return {
    ...base(t),
    grid: { left: 4, right: 96, top: 0, bottom: 0, containLabel: true },
    xAxis: { type: "value", max: top, show: false },
    yAxis: {
      type: "category",
      data: steps.map((step) => step.name),
      axisTick: { show: false },
      axisLine: { show: false },
      axisLabel: { color: t.text, fontSize: 13, lineHeight: 15, width: 120, overflow: "break" },
    },
    series: [
      {
        type: "bar",
        barWidth: "62%",
        silent: true,
        showBackground: true,
        backgroundStyle: { color: t.line, opacity: 0.35, borderRadius: 4 },
        data: steps.map((step, i) => ({
          value: step.value,
          itemStyle: { color: faded(t.series[0], 0.45 + (0.55 * (i + 1)) / steps.length), borderRadius: 4 },
          label: { formatter: text(step) },
        })),
        label: { show: true, position: "right", color: t.text, fontWeight: 500 },
      },
    ],
  };
}

const spark = (spec, t) => ({
  ...base(t),
  grid: { left: 0, right: 0, top: 4, bottom: 0 },
  xAxis: { type: "category", show: false, boundaryGap: false, data: spec.data.map((_, i) => i) },
  yAxis: { type: "value", show: false, min: Math.min(...spec.data) },
  series: [
    { type: "line", data: spec.data, symbol: "none", smooth: 0.2, silent: true, lineStyle: { width: 1.5 }, areaStyle: { opacity: 0.1 } },
  ],
});

function heatmap(spec, t) {
  const format = formatter(spec.unit);
  const values = spec.cells.map((cell) => cell[2]);
  const axis = (data) => ({ type: "category", data, axisTick: { show: false }, axisLine: { show: false }, axisLabel: { color: t.quiet } });
  return {
    ...base(t),
    grid: { left: 4, right: 4, top: 4, bottom: 8, containLabel: true },
    tooltip: tooltip(t, { formatter: ({ value: [x, y, value] }) => `${spec.y[y]}, ${spec.x[x]}\n${format(value)}` }),
    visualMap: { show: false, min: 0, max: Math.max(1, ...values), inRange: { color: [t.surface, t.series[0]] } },
    xAxis: axis(spec.x),
    yAxis: { ...axis(spec.y), inverse: true },
    series: [{ type: "heatmap", data: spec.cells, itemStyle: { borderColor: t.surface, borderWidth: 2, borderRadius: 3 } }],
  };
}

const kinds = { line: overTime, bar: overTime, funnel, spark, heatmap };

// Draw what is new under `root`; a chart follows its box, the theme, and the replacing of its element by htmx.
export function draw(root) {
  for (const element of root.querySelectorAll("[data-chart]:not([_echarts_instance_])")) {
    const chart = echarts.init(element, null, { renderer: "svg" });
    const spec = JSON.parse(element.dataset.chart);
    const paint = () => chart.setOption(kinds[spec.kind](spec, theme()), true);
    paint();
    const sized = new ResizeObserver(() => (element.isConnected ? chart.resize() : stop()));
    const stop = () => {
      sized.disconnect();
      document.removeEventListener("theme", paint);
      chart.dispose();
    };
    sized.observe(element);
    document.addEventListener("theme", paint);
  }
}
