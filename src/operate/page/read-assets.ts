import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** A file of the page, as it is sent. */
export interface Asset {
  type: string;
  content: Buffer;
}

const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/**
 * Reads the page, once: what is not on this host it does not need.
 *
 * @param folder of the page's own files
 */
export function readAssets(folder: URL): ReadonlyMap<string, Asset> {
  const { resolve } = createRequire(import.meta.filename);
  const own = (name: string): URL => new URL(name, folder);
  const asset = (type: keyof typeof TYPES, path: string | URL): Asset => ({
    type: TYPES[type],
    content: readFileSync(path),
  });
  return new Map([
    ['/', asset('html', own('page.html'))],
    ['/page.css', asset('css', own('page.css'))],
    ['/page.js', asset('js', own('page.js'))],
    ['/favicon.svg', asset('svg', own('favicon.svg'))],
    ['/uplot.js', asset('js', resolve('uplot/dist/uPlot.iife.min.js'))],
    ['/uplot.css', asset('css', resolve('uplot/dist/uPlot.min.css'))],
  ]);
}
