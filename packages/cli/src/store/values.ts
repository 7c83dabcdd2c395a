// Sizes, times and paths as BentoML prints them, and texts of others.
import { homedir } from 'node:os';
import path from 'node:path';

/** `197.85 KiB` */
export function humanSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(2)} ${units[power] ?? ''}`;
}

/** In local time: `2026-11-23 23:06:52`. */
export function localTime(iso: string): string {
  const time = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** `~/bentoml/bentos/…` */
export function underHome(file: string): string {
  const relative = path.relative(homedir(), file);
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : path.join('~', relative);
}

/** On one line, and without what would steer the terminal: names and labels come from anybody. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
