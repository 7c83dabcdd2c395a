/** A real Chromium, without a word to any host of its own accord. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

/** It is installed where it is missing and CI asks for it. */
export function launchChromium() {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath: findChromium(), args: [...args, ...quiet] });
}

function findChromium() {
  const places = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const found = places.find((place) => place && existsSync(place));
  if (found) return found;
  if (!process.env.CI) throw new Error('No Chromium: install it, or say where it is by CHROMIUM=…');
  const apt = (...args) => execFileSync('apt-get', ['-q', '-y', ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  apt('update');
  apt('install', '--no-install-recommends', 'chromium');
  return '/usr/bin/chromium';
}
