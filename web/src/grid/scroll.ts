// Scrolling: which part of the table is in view. Beyond the browsers' cap the bar is mapped and the wheel stays exact.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import {
  AROUND_HEIGHT, BASE_STEP, columnWindow, FOOT_HEIGHT, GUTTER_WIDTH, HEADER_HEIGHT, vertical, type Layout, type Rows,
} from './geometry';
import type { Place } from './model';

const OVERSCAN_ROWS = 4;
/** The lines of groups are drawn anew after so many pixels. */
const GROUP_STEP = 200;
const REVEAL_MARGIN = 1;
/** Room below the last row and right of the last column, for the buttons that add. */
export const TAIL_HEIGHT = 48;
export const TAIL_WIDTH = 56;

export interface Frame {
  firstRow: number;
  lastRow: number;
  firstCol: number;
  lastCol: number;
  /** About where the view begins, for the lines of groups. */
  top: number;
  base: number;
  viewWidth: number;
  viewHeight: number;
}

const START: Frame = { firstRow: 0, lastRow: -1, firstCol: 1, lastCol: 0, top: 0, base: 0, viewWidth: 0, viewHeight: 0 };

export function useGridScroll(rows: Rows, layout: Layout) {
  const scroller = useRef<HTMLDivElement>(null);
  const sticky = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const foot = useRef<HTMLDivElement>(null);
  const at = useRef({ top: 0, left: 0, expected: 0 });
  const [frame, setFrame] = useState<Frame>(START);
  const size = useRef({ width: 0, height: 0 });
  const bodyHeight = Math.max(0, size.current.height - AROUND_HEIGHT);
  const v = vertical(rows.total, bodyHeight, TAIL_HEIGHT);
  const vRef = useRef(v);
  vRef.current = v;
  const layoutRef = useRef(layout);
  layoutRef.current = layout;
  const rowsRef = useRef(rows);
  rowsRef.current = rows;
  const frameRef = useRef(frame);

  const apply = useCallback(() => {
    const { top, left } = at.current;
    const { width, height } = size.current;
    const base = Math.floor(top / BASE_STEP) * BASE_STEP;
    if (body.current) body.current.style.transform = `translate3d(${-left}px, ${base - top}px, 0)`;
    for (const one of [head, foot]) if (one.current) one.current.style.transform = `translate3d(${-left}px, 0, 0)`;
    sticky.current?.style.setProperty('--scroll-x', `${left}px`);
    sticky.current?.toggleAttribute('data-scrolled', left > 0);
    const [firstCol, lastCol] = columnWindow(layoutRef.current, left, width);
    const next: Frame = {
      firstRow: Math.max(0, rowsRef.current.at(top) - OVERSCAN_ROWS),
      lastRow: Math.min(rowsRef.current.count - 1, rowsRef.current.at(top + height - AROUND_HEIGHT) + OVERSCAN_ROWS),
      firstCol,
      lastCol,
      top: Math.floor(top / GROUP_STEP) * GROUP_STEP,
      base,
      viewWidth: width,
      viewHeight: height,
    };
    const old = frameRef.current;
    if ((Object.keys(next) as (keyof Frame)[]).some((key) => next[key] !== old[key])) {
      frameRef.current = next;
      setFrame(next);
    }
  }, []);

  const scrollTop = useCallback(
    (top: number) => {
      const element = scroller.current;
      if (!element) return;
      const { maxTop, factor } = vRef.current;
      at.current.top = Math.min(maxTop, Math.max(0, top));
      element.scrollTop = at.current.top / factor;
      at.current.expected = element.scrollTop;
      apply();
    },
    [apply],
  );

  const onScroll = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    at.current.left = element.scrollLeft;
    const { factor, maxTop } = vRef.current;
    if (factor === 1) at.current.top = element.scrollTop;
    else if (Math.abs(element.scrollTop - at.current.expected) > 1) {
      at.current.top = Math.min(maxTop, element.scrollTop * factor);
      at.current.expected = element.scrollTop;
    }
    apply();
  }, [apply]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      if (vRef.current.factor === 1 || event.ctrlKey || event.deltaY === 0 || event.shiftKey) return;
      event.preventDefault();
      const unit = event.deltaMode === 1 ? rowsRef.current.height : event.deltaMode === 2 ? size.current.height : 1;
      if (event.deltaX !== 0) element.scrollLeft += event.deltaX * unit;
      scrollTop(at.current.top + event.deltaY * unit);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    const observer = new ResizeObserver(() => {
      size.current = { width: element.clientWidth, height: element.clientHeight };
      apply();
    });
    observer.observe(element);
    return () => {
      element.removeEventListener('wheel', onWheel);
      observer.disconnect();
    };
  }, [apply, scrollTop]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element) size.current = { width: element.clientWidth, height: element.clientHeight };
    if (at.current.top > vRef.current.maxTop) scrollTop(vRef.current.maxTop);
    else apply();
  }, [rows, layout, apply, scrollTop]);

  const reveal = useCallback(
    (place: Place) => {
      const element = scroller.current;
      if (!element) return;
      const height = size.current.height - AROUND_HEIGHT;
      const { height: rowHeight } = rowsRef.current;
      const top = rowsRef.current.topOf(place.row);
      if (top < at.current.top) scrollTop(top);
      else if (top + rowHeight > at.current.top + height) scrollTop(top + rowHeight - height + REVEAL_MARGIN);
      const column = layoutRef.current.columns[place.col];
      if (!column || place.col < layoutRef.current.frozen) return;
      const { frozenWidth } = layoutRef.current;
      const left = element.scrollLeft;
      if (column.left < left + frozenWidth) element.scrollLeft = column.left - frozenWidth;
      else if (column.left + column.width > left + size.current.width) {
        element.scrollLeft = Math.min(column.left - frozenWidth, column.left + column.width - size.current.width + REVEAL_MARGIN);
      }
      at.current.left = element.scrollLeft;
      apply();
    },
    [apply, scrollTop],
  );

  /** Which cell lies under a point of the screen, also beyond the edges while dragging. */
  const cellAt = useCallback((clientX: number, clientY: number): Place => {
    const box = scroller.current?.getBoundingClientRect();
    const x = clientX - (box?.left ?? 0);
    const y = clientY - (box?.top ?? 0) - HEADER_HEIGHT + at.current.top;
    const { columns, frozenWidth } = layoutRef.current;
    const row = Math.min(rowsRef.current.count - 1, Math.max(0, rowsRef.current.at(y)));
    const from = x < frozenWidth ? x : x + at.current.left;
    const col = columns.findIndex(({ left, width }) => from < left + width);
    return { row, col: col < 0 ? columns.length - 1 : col };
  }, []);

  /** Scrolls on while a drag is held at an edge. */
  const nudge = useCallback(
    (clientX: number, clientY: number) => {
      const element = scroller.current;
      const box = element?.getBoundingClientRect();
      if (!element || !box) return;
      const EDGE = 28;
      if (clientY > box.bottom - FOOT_HEIGHT - EDGE) scrollTop(at.current.top + rowsRef.current.height);
      else if (clientY < box.top + HEADER_HEIGHT) scrollTop(at.current.top - rowsRef.current.height);
      if (clientX > box.right - EDGE) element.scrollLeft += EDGE;
      else if (clientX < box.left + GUTTER_WIDTH) element.scrollLeft -= EDGE;
    },
    [scrollTop],
  );

  return { scroller, sticky, head, body, foot, frame, vertical: v, onScroll, reveal, cellAt, nudge };
}
