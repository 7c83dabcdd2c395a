// Sends so many requests a second, whatever becomes of them, and counts what comes back: over connections of its own, since a client
// that waits for answers would slow down with the server.
import { connect } from 'node:net';

const TICK_MS = 2;

/**
 * @param {object} options
 * @param {number} options.port
 * @param {string} options.path
 * @param {unknown} options.body  as JSON
 * @param {number} options.rate  requests a second
 * @param {number} options.seconds
 * @param {number} options.connections  each has one request under way at most
 * @returns {Promise<{ sent: number, missed: number, lost: number, answers: { status: number, ms: number, retryAfter: boolean }[] }>}
 *   `missed`: were due when no connection was free
 */
export async function overload({ port, path, body, rate, seconds, connections }) {
  const json = JSON.stringify(body);
  const request = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n${json}`;
  const result = { sent: 0, missed: 0, lost: 0, answers: [] };
  const free = [];
  const all = await Promise.all(
    Array.from({ length: connections }, () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      const link = { socket, due: 0, text: '' };
      socket.setEncoding('latin1').on('data', (chunk) => {
        link.text += chunk;
        const head = link.text.indexOf('\r\n\r\n');
        if (head === -1) return;
        const length = Number(/content-length: (\d+)/i.exec(link.text)[1]);
        if (link.text.length < head + 4 + length) return;
        const status = Number(link.text.slice(9, 12));
        const retryAfter = /\r\nretry-after: \d+\r\n/i.test(link.text);
        result.answers.push({ status, retryAfter, ms: performance.now() - link.due });
        link.text = '';
        link.due = 0;
        free.push(link);
      });
      socket.on('close', () => (result.lost += link.due > 0 ? 1 : 0)).on('error', () => {});
      return new Promise((resolve) => {
        socket.once('connect', () => {
          free.push(link);
          resolve(link);
        });
      });
    }),
  );
  const begin = performance.now();
  let due = 0;
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now();
      const until = Math.floor((Math.min(now - begin, seconds * 1000) / 1000) * rate);
      for (; due < until; due += 1) {
        const link = free.shift();
        if (link === undefined) {
          result.missed += 1;
          continue;
        }
        link.due = now;
        link.socket.write(request);
        result.sent += 1;
      }
      if (now - begin < seconds * 1000) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  const end = performance.now() + 5_000;
  while (free.length < all.length && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const { socket } of all) socket.destroy();
  return result;
}
