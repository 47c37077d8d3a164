// The equity curve above its drawdown. The words and the table beside it say the same.
"use strict";

(() => {
  const place = document.getElementById("chart");
  const rows = JSON.parse(document.getElementById(place.dataset.source).textContent);
  const points = rows.filter((row, index) => index === 0 || row[0] > rows[index - 1][0]);

  // The library cannot read light-dark(): a probe's computed colour is plain rgb.
  function colour(token) {
    const probe = document.createElement("span");
    probe.className = "visually-hidden";
    probe.style.color = `var(--${token})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }

  function faded(rgb, alpha) {
    const [red, green, blue] = rgb.match(/[\d.]+/g);
    return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
  }

  const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const seconds = points[points.length - 1][0] - points[0][0];
  const chart = LightweightCharts.createChart(place, {
    autoSize: true,
    layout: { attributionLogo: false, fontFamily: "system-ui, sans-serif", fontSize: 12 },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.1 }, entireTextOnly: true },
    timeScale: { borderVisible: false, timeVisible: seconds < 3 * 86400, secondsVisible: seconds < 900, fixLeftEdge: true, fixRightEdge: true },
    handleScroll: { vertTouchDrag: false },
  });
  const equity = chart.addSeries(LightweightCharts.AreaSeries, {
    lineWidth: 2,
    title: "",
    priceFormat: { type: "custom", minMove: 0.01, formatter: (value) => money.format(value) },
  });
  const drawdown = chart.addSeries(
    LightweightCharts.AreaSeries,
    {
      lineWidth: 1,
      invertFilledArea: true,
      priceFormat: { type: "custom", minMove: 0.01, formatter: (value) => `${money.format(value).replace("-", "−")} %` },
    },
    1,
  );
  equity.setData(points.map(([time, value]) => ({ time, value })));
  drawdown.setData(points.map(([time, , value]) => ({ time, value })));
  chart.panes()[0].setStretchFactor(3);
  chart.panes()[1].setStretchFactor(1);
  chart.timeScale().fitContent();

  function paint() {
    const rises = points[points.length - 1][1] >= points[0][1];
    const line = colour(rises ? "up" : "down");
    const fall = colour("down");
    chart.applyOptions({
      layout: {
        background: { type: "solid", color: colour("surface") },
        textColor: colour("ink-3"),
        panes: { separatorColor: colour("hair") },
      },
      grid: { vertLines: { visible: false }, horzLines: { color: colour("hair") } },
      crosshair: { vertLine: { color: colour("line") }, horzLine: { color: colour("line") } },
    });
    // Of the last value's label: on our dark theme's red the library would write in white.
    const label = colour("ink-3");
    equity.applyOptions({ lineColor: line, priceLineColor: label, topColor: faded(line, 0.28), bottomColor: faded(line, 0.02) });
    drawdown.applyOptions({ lineColor: fall, priceLineColor: label, topColor: faded(fall, 0.02), bottomColor: faded(fall, 0.28) });
  }

  paint();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
})();
