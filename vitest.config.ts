import { defineConfig } from 'vitest/config'

/**
 * Tests with real servers whose assertions do not hang on what is measured: two files at a time, since they wait most
 * of their time. What is not named here runs alone.
 */
const besideOthers = [
  'test/integration/{docker,examples-files,faults,git-facts,gpu,gpu-clocks,gpu-gate,podman,system,system-git,tls,triton}.test.ts',
  'test/e2e/action-{events,fail-open,relay,start}.test.ts',
  'test/e2e/cli-{bad-models,input,kill,resume,run,unreachable}.test.ts',
]

// Fast projects first, on every core; those that start real servers after them.
export default defineConfig({
  test: {
    globalSetup: ['test/support/node24.ts'],
    // As `until` has it: generous, since it only says "never".
    expect: { poll: { timeout: 45_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'calibration',
          include: ['test/calibration/**/*.test.ts'],
          testTimeout: 120_000,
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'golden',
          include: ['test/golden/**/*.test.ts'],
          testTimeout: 60_000,
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/unit/**/*.test.ts'],
          // Of what takes a second on a busy machine; only says "never".
          testTimeout: 60_000,
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'side-by-side',
          include: besideOthers,
          testTimeout: 300_000,
          hookTimeout: 600_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      // One file at a time: what they measure would disturb each other.
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: besideOthers,
          testTimeout: 180_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: besideOthers,
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
})
