// Long fuzzing (.ci/nightly): every property test that does not set its own number of runs makes FUZZ_RUNS of them.
import fc from 'fast-check';

fc.configureGlobal({ numRuns: Number(process.env.FUZZ_RUNS), interruptAfterTimeLimit: undefined });
