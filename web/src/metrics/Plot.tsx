// One plot with its legend, and the same figures as a table for whoever cannot see or does not want a drawing.
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { words } from '../text/admin';
import { Sheet } from '../ui/Sheet';
import { Heads } from '../ui/tables';
import type { PlotName, Sample } from './samples';
import { UNITS } from './units';

const HEIGHT = 168;
const AXIS_WIDTH = 62;
/** The table shows about so many moments. */
const TABLE_ROWS = 12;

/** The least time an axis spans, so that the first figures are not drawn over the whole width. */
const SPAN_MIN_SECONDS = 60;

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

/** The colours of the series; each differs from the next by its dashes too. */
const COLORS = { light: ['#1a6a6c', '#b25e09', '#b42318'], dark: ['#5fb2b0', '#e8a04c', '#ff9a8f'] };
const DASHES = [[], [6, 3], [2, 3]];

interface PlotProps {
  name: PlotName;
  samples: Sample[];
  seconds: number;
}

export function Plot({ name, samples, seconds }: PlotProps) {
  const scheme = useComputedColorScheme('light');
  const title = words.metrics[name];
  const unit = UNITS[name];
  const last = samples.at(-1);
  const series = Object.keys(last?.[name] ?? {}).filter((one) => name === 'latency' || samples.some((sample) => sample[name][one] !== null));
  const said = (value: number | null | undefined) => (value === null || value === undefined ? words.metrics.none : unit(value));
  return (
    <figure className="plot" data-plot={name}>
      <figcaption>
        <strong>{title}</strong>
        <ul className="plot-legend">
          {series.map((one, i) => (
            <li key={one} data-series={i}>
              <svg width={18} height={8} aria-hidden>
                <line x1={0} y1={4} x2={18} y2={4} stroke={COLORS[scheme][i]} strokeWidth={2} strokeDasharray={DASHES[i]?.join(' ')} />
              </svg>
              {words.metrics.series[one]} <span className="plot-now">{said(last?.[name][one])}</span>
            </li>
          ))}
        </ul>
      </figcaption>
      <Canvas key={`${scheme} ${series.join()}`} name={name} samples={samples} series={series} seconds={seconds} colors={COLORS[scheme]} />
      <details>
        <summary>{words.metrics.asTable(title)}</summary>
        <Sheet label={words.metrics.asTable(title)} short>
          <table className="plain">
            <Heads names={[words.metrics.time, ...series.map((one) => words.metrics.series[one] ?? one)]} />
            <tbody>
              {thinned(samples).map((sample) => (
                <tr key={sample.at}>
                  <td className="time">{time.format(sample.at * 1000)}</td>
                  {series.map((one) => (
                    <td key={one}>{said(sample[name][one])}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Sheet>
      </details>
    </figure>
  );
}

/** Moments evenly apart, the newest first. */
function thinned(samples: Sample[]): Sample[] {
  const step = Math.max(1, Math.ceil(samples.length / TABLE_ROWS));
  return samples.filter((_, i) => (samples.length - 1 - i) % step === 0).reverse();
}

function Canvas({ name, samples, series, seconds, colors }: PlotProps & { series: string[]; colors: string[] }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const span = useRef(seconds);
  span.current = seconds;
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const style = getComputedStyle(box);
    const dim = style.getPropertyValue('--plot-ink');
    const line = style.getPropertyValue('--plot-line');
    const axis = { stroke: dim, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif' };
    const drawn = new uPlot(
      {
        width: box.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: true, range: (_plot, min, max) => [max - Math.min(span.current, Math.max(SPAN_MIN_SECONDS, max - min)), max] },
          y: { range: (_plot, _min, max) => [0, name === 'cache' ? 100 : Math.max(max * 1.1, name === 'queue' ? 4 : 1)] },
        },
        axes: [
          { ...axis, size: 26, space: 80, values: (_plot, at) => at.map((one) => time.format(one * 1000)) },
          { ...axis, size: AXIS_WIDTH, space: 34, values: (_plot, at) => at.map((one) => UNITS[name](one)) },
        ],
        series: [{}, ...series.map((_, i) => ({ stroke: colors[i], width: 2, dash: DASHES[i], points: { show: false }, spanGaps: true }))],
      },
      [[], ...series.map(() => [])],
      box,
    );
    plot.current = drawn;
    const observer = new ResizeObserver(() => drawn.setSize({ width: box.clientWidth, height: HEIGHT }));
    observer.observe(box);
    return () => {
      observer.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, []);
  useEffect(() => {
    const data: uPlot.AlignedData = [samples.map((one) => one.at), ...series.map((of) => samples.map((one) => one[name][of] ?? null))];
    plot.current?.setData(data);
  }, [samples, series, name, seconds]);
  const label = words.metrics.shown(words.metrics[name], series.map((one) => words.metrics.series[one]).join(', '));
  return <div ref={place} className="plot-canvas" role="img" aria-label={label} />;
}
