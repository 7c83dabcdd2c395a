// One configuration for every package: `jest --config ../../jest.config.mjs --rootDir .`; in the root, for the repository's guards.
import { fileURLToPath } from 'node:url';

const script = (name) => fileURLToPath(new URL(`scripts/${name}`, import.meta.url));

export default {
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/test/**/*.test.{ts,mjs}'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }],
  },
  // A watchdog against hangs, generous because machines are busy; no test asserts on time.
  testTimeout: 60_000,
  reporters: ['default', 'summary', script('jest-reporter.mjs')],
  setupFiles: process.env.FUZZ_RUNS ? [script('fuzz-setup.mjs')] : [],
};
