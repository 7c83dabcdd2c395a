import { describe, expect, test } from '@jest/globals';
import { choosePlacement } from '../src/placement.ts';
import { workerEnvironment } from '../src/resources.ts';
import { resolveSettings } from '../src/settings.ts';
import type { RunnerSettings } from '../src/index.ts';

describe('placement by cost', () => {
  test.each([
    ['far cheaper than a hop', 'process', 0.005, 'embedded'],
    ['far dearer than a hop', 'embedded', 30, 'process'],
    ['in between, as declared', 'embedded', 0.3, 'embedded'],
    ['in between, as declared', 'process', 0.3, 'process'],
    ['not measured, as declared', 'process', null, 'process'],
  ] as const)('%s: declared %s, %s ms → %s', (_, declared, ms, expected) => {
    const { place, reason } = choosePlacement(declared, ms, true);
    expect(place).toBe(expected);
    if (ms !== null) expect(reason).toContain(`${ms.toPrecision(2)} ms`);
  });

  test('without a module to load, nothing can be in a process', () => {
    expect(choosePlacement('process', 30, false)).toMatchObject({ place: 'embedded' });
  });
});

const environment = (settings: RunnerSettings, index: number, available = 4, workers = 1) =>
  workerEnvironment('m', resolveSettings('m', settings), index, { available, workers });

describe('the environment of a worker', () => {
  test.each([
    [8, 2, '4'],
    [8, 3, '2'],
    [2.5, 1, '2'],
    [1, 4, '1'],
  ])('%d CPUs for %d workers: %s threads each', (available, workers, threads) => {
    const { OMP_NUM_THREADS, MKL_NUM_THREADS } = environment({}, 0, available, workers);
    expect([OMP_NUM_THREADS, MKL_NUM_THREADS]).toEqual([threads, threads]);
  });

  test("a runner's own CPUs are shared by its workers only", () => {
    expect(environment({ workers: 2, resources: { cpus: 6 } }, 1, 2, 9)['OMP_NUM_THREADS']).toBe('3');
  });

  // As get_worker_count and get_worker_env of BentoML's DefaultStrategy give them.
  test.each<[NonNullable<RunnerSettings['resources']>, readonly string[]]>([
    [{}, ['-1']],
    [{ gpus: 2 }, ['0', '1']],
    [{ gpus: [4, 'GPU-5c4b'] }, ['4', 'GPU-5c4b']],
    [{ gpus: 2, workersPerGpu: 2 }, ['0', '0', '1', '1']],
    [{ gpus: 4, workersPerGpu: 0.5 }, ['0,1', '2,3']],
    [{ gpus: 4, workersPerGpu: 0.4 }, ['0,1', '2,3']],
    [{ gpus: '3' }, ['3']],
    [{ gpus: -1 }, ['-1']],
  ])('%j: CUDA_VISIBLE_DEVICES %j', (resources, devices) => {
    const { workers } = resolveSettings('m', { resources });
    expect(workers).toBe(devices.length);
    const seen = devices.map((_, index) => environment({ resources }, index)['CUDA_VISIBLE_DEVICES']);
    expect(seen).toEqual(devices);
  });

  test('more workers than GPUs is an error, as in BentoML', () => {
    const settings = { workers: 3, resources: { gpus: 2 } };
    expect(() => environment(settings, 2)).toThrow(expect.objectContaining({ code: 'EKIBEN_RUNNER_OPTION_INVALID' }));
  });
});

describe('settings', () => {
  test("the configuration's count before the code's, one by one", () => {
    const code = { workers: 2, batching: { maxBatchSize: 5, maxWaitMs: 1 } };
    const settings = resolveSettings('m', code, { workers: undefined, batching: { maxBatchSize: 7 } });
    expect(settings).toMatchObject({ workers: 2, batching: { maxBatchSize: 7, maxWaitMs: 1, maxLatencyMs: 10_000 } });
  });

  test.each<RunnerSettings>([
    { workers: 0 },
    { workers: 1.5 },
    { workers: NaN },
    { batching: { maxBatchSize: 0 } },
    { batching: { maxLatencyMs: 0 } },
    { placement: 'proces' as 'process' },
    { resources: { workersPerGpu: 1.5 } },
    { resources: { workersPerGpu: 0 } },
    { resources: { memoryMiB: 0 } },
  ])('%j is refused by name', (settings) => {
    const code = 'EKIBEN_RUNNER_OPTION_INVALID';
    expect(() => resolveSettings('m', settings)).toThrow(expect.objectContaining({ code }));
  });
});
